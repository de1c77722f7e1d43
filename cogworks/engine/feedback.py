"""What an attempt is told about the ones before it (PRM-04): diagnostics on a retry, findings on a rework."""

from dataclasses import replace
from datetime import datetime

from cogworks.engine.journal import Journal
from cogworks.engine.progress import edge_at
from cogworks.graph.definition import Graph
from cogworks.model.findings import Finding, Severity
from cogworks.model.ids import AttemptKey, NodeRef
from cogworks.model.outcome import Outcome, Result
from cogworks.model.state import RunState
from cogworks.nodes.job import Feedback


def feedback_for(state: RunState, graph: Graph, key: AttemptKey, journal: Journal) -> Feedback:
    """Return the feedback for ``key``: of its own last attempt, or of the node whose rework edge led back to it.

    What people said about the node comes with it: a reason for rejecting, an answer, remarks on a sub-work-item.
    """
    own = journal.history(key.ref, through=key.attempt - 1)
    feedback = _of_attempts(state, graph, key, journal)
    done = next((one.ended_at for _, one in reversed(own) if one.result is Result.SUCCEEDED), None)
    remarks = _said(state, key.ref, since=done)
    if not own or not remarks:
        return feedback
    loop = "rework" if feedback.loop == "first" else feedback.loop
    return replace(feedback, loop=loop, findings=(*feedback.findings, *remarks))


def _said(state: RunState, ref: NodeRef, *, since: datetime | None) -> tuple[Finding, ...]:
    """Return what people said about ``ref`` since it last came to a good end."""
    notes = (
        gate
        for gate in state.gates
        if gate.node == ref.node and gate.swi in (None, ref.swi) and gate.note and gate.decision != "approved"
    )
    return tuple(
        Finding(kind="human_" + gate.decision, severity=Severity.BLOCKING, description=gate.note, origin=gate.ref)
        for gate in notes
        if since is None or gate.at >= since
    )


def _of_attempts(state: RunState, graph: Graph, key: AttemptKey, journal: Journal) -> Feedback:
    own = journal.history(key.ref, through=key.attempt - 1)
    if not own:
        return Feedback()
    number, last = own[-1]
    earlier = tuple(f"Attempt {n}: {one.result}, {one.message[:200]}" for n, one in own[:-1])
    if last.result is Result.INVALID:
        return Feedback(loop="retry", diagnostics=last.diagnostics, earlier=earlier, message=last.message)
    if last.result is Result.MISALIGNED:
        return Feedback(loop="rework", findings=last.findings, earlier=earlier, message=last.message)
    source = _sent_back_by(state, graph, key.ref, journal)
    if source is not None:
        return Feedback(loop="rework", findings=source.findings, earlier=earlier, message=source.message)
    return Feedback(loop="first" if number == key.attempt else "retry", earlier=earlier, message=last.message)


def _sent_back_by(state: RunState, graph: Graph, ref: NodeRef, journal: Journal) -> Outcome | None:
    """Return the newest outcome of a node whose rework edge to ``ref`` was taken."""
    found: list[Outcome] = []
    for edge in graph.edges:
        source = NodeRef(edge.source, ref.swi if graph.nodes[edge.source].per_swi else None)
        if edge.target == ref.node and edge.rework is not None and edge_at(state, edge.id, source).traversals:
            ended = journal.history(source, through=state.node(source).attempts)
            found += [ended[-1][1]] if ended else []
    return max(found, key=lambda one: one.ended_at.timestamp() if one.ended_at else 0.0) if found else None
