"""The summary comment of a run that ended."""

from collections import Counter
from collections.abc import Sequence

from cogworks.model.findings import Alignment, MatrixRow
from cogworks.model.outcome import Outcome
from cogworks.model.state import RunState
from cogworks.pages.matrix import render_matrix
from cogworks.pages.quoting import line


def render_summary(
    state: RunState, *, outcome: str, matrix: Sequence[MatrixRow], check: Alignment | None, ended: Sequence[Outcome]
) -> str:
    """Return outcome, pull requests, the end-to-end check, tool usage and the matrix."""
    lines = [f"### Summary: {outcome}", ""]
    for slot, artifact in state.artifacts.items():
        if artifact.kind == "pr":
            lines.append(f"- {slot}: #{artifact.ref}")
    lines += [
        f"- SWI {swi.ordinal} (#{swi.issue}) {line(swi.title)}: {swi.status}{f', #{swi.pr}' if swi.pr else ''}"
        for swi in state.sub_work_items
    ]
    if check:
        lines.append(f"- end-to-end check: {check.score:.2f} against {check.threshold:.2f}")
        lines += [f"  - {finding.severity}: {line(finding.description)}" for finding in check.findings[:20]]
    tools = sum((Counter(one.tool_calls) for one in ended), Counter[str]())
    if tools:
        lines += ["", "**Tool usage:** " + ", ".join(f"{name} {count}" for name, count in sorted(tools.items()))]
    return "\n".join([*lines, "", render_matrix(matrix)])
