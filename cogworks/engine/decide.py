"""The step function: ``(state, event, graph, config, now) -> (state, effects)``, pure and total (ENG-26)."""

from dataclasses import replace
from datetime import datetime

from cogworks.engine import acts
from cogworks.engine import effects as do
from cogworks.engine import events as told
from cogworks.engine.ended import charged, node_ended
from cogworks.engine.legality import lawful
from cogworks.engine.obeying import spoken
from cogworks.engine.progress import at_work, cancel_node, put_edges, put_node
from cogworks.engine.respond import respond
from cogworks.engine.routing import route
from cogworks.engine.run_config import RunConfig
from cogworks.engine.settling import Decision, fail_node, settle
from cogworks.engine.wishes import wished
from cogworks.graph.definition import Graph
from cogworks.model.errors import FailureCategory
from cogworks.model.ids import NodeId, NodeRef
from cogworks.model.outcome import Result
from cogworks.model.state import (
    Artifact,
    EdgeState,
    Failure,
    GateDecision,
    NodeStatus,
    RunState,
    RunStatus,
)


def decide(state: RunState, event: acts.Happening, graph: Graph, config: RunConfig, now: datetime) -> Decision:
    """Return the state after ``event`` and the effects to perform, in order. Unknown situations change nothing."""
    if isinstance(event, acts.Act):
        return lawful(state, respond(state, event, graph, config, now))
    if isinstance(event, told.Spoken):
        # Of several commands each makes a decision, and is lawful or not by itself.
        return spoken(state, event, graph, config, lambda then, meant: decide(then, meant, graph, config, now))
    return lawful(state, _told(state, event, graph, config, now))


def _told(state: RunState, event: told.Single, graph: Graph, config: RunConfig, now: datetime) -> Decision:
    match event:
        case told.Triggered() | told.Replayed():
            return _begun(state, event, graph, config, now)
        case told.NodeEnded():
            return node_ended(state, event, graph, config, now)
        case told.GateApproved() | told.GateRejected():
            return _answered(state, event, graph, config, now)
        case told.LeaseStale() | told.WaitOver():
            return _gone_on(state, event, graph, config, now)
        case told.Cancel() | told.Halt():
            return _stopped(state, event, now)
        case _:
            return wished(state, event, graph, config, now)


def _begun(
    state: RunState, event: told.Triggered | told.Replayed, graph: Graph, config: RunConfig, now: datetime
) -> Decision:
    if isinstance(event, told.Replayed):
        return _replayed(state, event, graph, config, now)
    return _triggered(state, event, graph, config, now)


def _gone_on(
    state: RunState, event: told.LeaseStale | told.WaitOver, graph: Graph, config: RunConfig, now: datetime
) -> Decision:
    if isinstance(event, told.LeaseStale):
        return _stale(state, event)
    return settle(replace(state, wait=None, status=RunStatus.RUNNING), graph, config, now)


def _stopped(state: RunState, event: told.Cancel | told.Halt, now: datetime) -> Decision:
    return _cancelled(state, event, now) if isinstance(event, told.Cancel) else _halted(state, event, now)


def _triggered(state: RunState, event: told.Triggered, graph: Graph, config: RunConfig, now: datetime) -> Decision:
    """Start a fresh run, or let a stopped one go on at its failed and unfinished nodes (ENG-25, ENG-43)."""
    if state.status is RunStatus.COMPLETED or state.status is RunStatus.HELD:
        return Decision(state=state, effects=())
    cursor = replace(state.cursor, event_id=max(state.cursor.event_id, event.event_id))
    state = replace(state, cursor=cursor, text_sha=event.text_sha or state.text_sha)
    for ref in (r for status in _STOPPED for r in at_work(state, status)):
        at = replace(state.node(ref), status=NodeStatus.PENDING, retries=0, reworks=0, categories=(), error=None)
        state = put_node(state, ref, at)
    state = _without_exhausted_counter(state, graph)
    return settle(replace(state, status=RunStatus.RUNNING, failure=None, wait=None), graph, config, now)


def _replayed(state: RunState, event: told.Replayed, graph: Graph, config: RunConfig, now: datetime) -> Decision:
    """Let a stopped run go on for a dead letter; once its attempt has a successor, the wish is fulfilled (RUN-20)."""
    at = state.node(event.ref)
    if state.status.open or at.status is not NodeStatus.FAILED or at.attempts != event.attempt:
        return Decision(state=state, effects=())
    resumed = _triggered(state, told.Triggered(), graph, config, now)
    told_of = do.Note(action="replayed", message=f"{event.ref} attempt {event.attempt}: its dead letter is replayed")
    return Decision(state=resumed.state, effects=(told_of, *resumed.effects))


def _without_exhausted_counter(state: RunState, graph: Graph) -> RunState:
    """Return ``state`` whose spent rework edges may be taken again; all other counters stay (ENG-25)."""
    failure = state.failure
    if failure is None or failure.category is not FailureCategory.TRAVERSALS_EXHAUSTED:
        return state
    ref = NodeRef(NodeId(failure.node), failure.swi)
    spent = {edge.id: EdgeState() for edge in graph.edges if edge.source == ref.node and edge.rework is not None}
    return put_edges(state, ref, spent)


_STOPPED = (NodeStatus.FAILED, NodeStatus.BLOCKED, NodeStatus.CANCELLED)


def _answered(
    state: RunState, event: told.GateApproved | told.GateRejected, graph: Graph, config: RunConfig, now: datetime
) -> Decision:
    """Go on as a person said; an answer to a gate that does not wait changes nothing."""
    if state.node(event.ref).status is not NodeStatus.AWAITING_APPROVAL:
        return Decision(state=state, effects=())
    if isinstance(event, told.GateApproved):
        return _approved(state, event, graph, config, now)
    return _rejected(state, event, graph, config, now)


def _approved(state: RunState, event: told.GateApproved, graph: Graph, config: RunConfig, now: datetime) -> Decision:
    at = state.node(event.ref)
    state = _record(state, event, "approved", now)
    state = _with_approved_head(state, event, graph)
    state = put_node(state, event.ref, replace(at, status=NodeStatus.COMPLETED))
    output = event.results.get(event.ref.node, {})
    routed = route(state, graph, event.ref, output=output, results=event.results)
    if routed.stop:
        return fail_node(routed.state, event.ref, *routed.stop, graph=graph, config=config, now=now, halts=routed.halts)
    settled = settle(routed.state, graph, config, now)
    return Decision(state=settled.state, effects=(*routed.notes, *settled.effects))


def _with_approved_head(state: RunState, event: told.GateApproved, graph: Graph) -> RunState:
    """Return ``state`` whose PR artifacts of this node point to the approved commit, human edits included (ENG-40)."""
    if not event.head:
        return state
    slots = graph.nodes[event.ref.node].outputs
    changed: dict[str, Artifact] = {
        slot: replace(one, sha=event.head)
        for slot, one in state.artifacts.items()
        if slot in slots and one.kind == "pr"
    }
    return replace(state, artifacts={**state.artifacts, **changed})


def _rejected(state: RunState, event: told.GateRejected, graph: Graph, config: RunConfig, now: datetime) -> Decision:
    state = _record(state, event, "rejected", now)
    why = f": {event.note}" if event.note else ""
    message = f"rejected by {event.by or 'closing the pull request'} ({event.where}){why}"
    return fail_node(state, event.ref, FailureCategory.GATE_REJECTED, message, graph=graph, config=config, now=now)


def _record(state: RunState, event: told.GateApproved | told.GateRejected, decision: str, now: datetime) -> RunState:
    gate = GateDecision(
        node=event.ref.node,
        swi=event.ref.swi,
        decision="approved" if decision == "approved" else "rejected",
        by=event.by,
        at=now,
        ref=event.where,
        note=event.note,
    )
    return replace(state, gates=(*state.gates, gate))


def _stale(state: RunState, event: told.LeaseStale) -> Decision:
    """Dispatch the same attempt again: nothing was journalled, so its number and counters stay (ENG-25)."""
    at = state.node(event.ref)
    if at.status is not NodeStatus.ACTIVE:
        return Decision(state=state, effects=())
    return Decision(state=state, effects=(do.StartNodes(starts=((event.ref, at.attempts),)),))


def _cancelled(state: RunState, event: told.Cancel, now: datetime) -> Decision:
    if state.status in (RunStatus.CANCELLED, RunStatus.COMPLETED, RunStatus.HELD):
        return Decision(state=state, effects=())
    for ended in event.ended:
        state = charged(state, ended.ref, replace(ended.outcome, result=Result.CANCELLED), now)
        state = put_node(state, ended.ref, replace(state.node(ended.ref), status=NodeStatus.CANCELLED))
    for ref in (*at_work(state, NodeStatus.ACTIVE), *at_work(state, NodeStatus.AWAITING_APPROVAL)):
        state = cancel_node(state, ref)
    return Decision(
        state=replace(state, status=RunStatus.CANCELLED, wait=None),
        effects=(
            do.StopWork(reason=event.reason),
            do.WriteState(),
            do.SetLabels(),
            do.PostCost(),
            do.PostSummary(outcome=f"cancelled: {event.reason}"),
            do.CleanUp(),
        ),
    )


def _halted(state: RunState, event: told.Halt, now: datetime) -> Decision:
    if not state.status.open:
        return Decision(state=state, effects=())
    where = next((str(ref.node) for ref in at_work(state, NodeStatus.ACTIVE)), "start")
    failure = Failure(category=event.category, node=where, message=event.message, at=now)
    return Decision(
        state=replace(state, status=RunStatus.FAILED, failure=failure, wait=None),
        effects=(
            do.StopWork(reason=event.message),
            do.WriteState(),
            do.SetLabels(),
            do.PostFailure(failure=failure),
            do.PostCost(),
        ),
    )
