"""What an attempt is told about the ones before it (PRM-04): diagnostics on a retry, findings on a rework."""

from dataclasses import replace
from datetime import datetime

from cogworks.engine.going_back import leaves_swis
from cogworks.engine.journal import Journal
from cogworks.engine.progress import edge_at
from cogworks.graph.definition import Edge, Graph
from cogworks.graph.walk import first_swi_nodes
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
    people = _said_by_people(state, graph, key.ref)
    if not own:
        return Feedback()
    number, last = own[-1]
    earlier = tuple(f"Attempt {n}: {one.result}, {one.message[:200]}" for n, one in own[:-1])
    if last.result is Result.INVALID:
        told = last.diagnostics
        return Feedback(loop="retry", diagnostics=told, findings=people, earlier=earlier, message=last.message)
    if last.result is Result.MISALIGNED:
        found = (*people, *last.findings)
        return Feedback(loop="rework", findings=found, earlier=earlier, message=last.message)
    if people:
        return Feedback(loop="rework", findings=people, earlier=earlier, message="people rejected what was made")
    source = _sent_back_by(state, graph, key.ref, journal)
    if source is not None:
        return Feedback(loop="rework", findings=source.findings, earlier=earlier, message=source.message)
    return Feedback(loop="first" if number == key.attempt else "retry", earlier=earlier, message=last.message)


def _said_by_people(state: RunState, graph: Graph, ref: NodeRef) -> tuple[Finding, ...]:
    """Return what people said against the sub-work-item, for the node that makes its code anew (ENG-37)."""
    if ref.swi is None or ref.node not in first_swi_nodes(graph):
        return ()
    return tuple(
        Finding(kind="people", severity=Severity.BLOCKING, description=text, origin="people")
        for text in state.swi(ref.swi).findings
    )


def _sent_back_by(state: RunState, graph: Graph, ref: NodeRef, journal: Journal) -> Outcome | None:
    """Return the newest outcome of a node whose rework edge to ``ref`` was taken."""
    found: list[Outcome] = []
    for edge in graph.edges:
        if edge.target != ref.node or edge.rework is None:
            continue
        for source in _sources(state, graph, edge, ref):
            ended = journal.history(source, through=state.node(source).attempts)
            found += [ended[-1][1]] if ended else []
    return max(found, key=lambda one: one.ended_at.timestamp() if one.ended_at else 0.0) if found else None


def _sources(state: RunState, graph: Graph, edge: Edge, ref: NodeRef) -> list[NodeRef]:
    """Return the instances from which ``edge`` was taken to ``ref``."""
    if leaves_swis(graph, edge):
        asked = [swi.ordinal for swi in state.sub_work_items if edge.id in swi.edges]
        return [NodeRef(edge.source, ordinal) for ordinal in asked]
    source = NodeRef(edge.source, ref.swi if graph.nodes[edge.source].per_swi else None)
    return [source] if edge_at(state, edge.id, source).traversals else []
