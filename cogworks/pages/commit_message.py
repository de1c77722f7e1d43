"""Messages of the commits that CogWorks makes (GH-27)."""

from cogworks.model.ids import AttemptKey
from cogworks.model.state import RunState


def commit_message(key: AttemptKey, state: RunState, summary: str) -> str:
    """Return subject and trailers of a commit made by the attempt ``key``."""
    first = " ".join(summary.split())[:60] or "work"
    trailers = [f"Work-Item: #{key.item.number}"]
    if key.ref.swi is not None:
        trailers.append(f"Sub-Work-Item: #{state.swi(key.ref.swi).issue}")
    trailers += [f"CogWorks-Run: {key.run_id}", f"CogWorks-Node: {key.ref.node}", f"CogWorks-Attempt: {key.attempt}"]
    return f"{key.ref.node}: {first}\n\n" + "\n".join(trailers) + "\n"
