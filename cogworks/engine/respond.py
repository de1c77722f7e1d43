"""What follows from what people did: the part of the step function that answers acts (30 section 11)."""

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from cogworks.engine import acts
from cogworks.engine import effects as do
from cogworks.engine.ended import charged
from cogworks.engine.progress import at_work, put_node, put_swi
from cogworks.engine.regenerate import code_nodes, regenerated, rewound, with_dependents
from cogworks.engine.run_config import RunConfig
from cogworks.engine.settling import Decision, fail_node, settle
from cogworks.graph.definition import Graph
from cogworks.graph.walk import swi_nodes
from cogworks.model.errors import FailureCategory
from cogworks.model.ids import NodeRef, SwiOrdinal
from cogworks.model.state import (
    Artifact,
    Failure,
    GateDecision,
    Hold,
    ItemClass,
    NodeStatus,
    RunState,
    RunStatus,
    SwiStatus,
)
from cogworks.pages.gate_comment import render_hold

_SHOWN: tuple[do.Effect, ...] = (do.WriteState(), do.SetLabels())


def respond(state: RunState, act: acts.Act, graph: Graph, config: RunConfig, now: datetime) -> Decision:
    """Return what follows from ``act``; one that is settled already changes nothing."""
    match act:
        case acts.LabelsChanged():
            return _conflict(state, act, now)
        case acts.SafetyRaised():
            return _raised(state, graph)
        case acts.TextEdited():
            return _edited(state, act, now)
        case _:
            return _of_swi(state, act, graph, config, now)


def _of_swi(state: RunState, act: acts.OfSwi, graph: Graph, config: RunConfig, now: datetime) -> Decision:
    match act:
        case acts.SwiRegenerate():
            return _anew(state, act, graph, config, now)
        case acts.SwiMerged():
            return _merged(state, act, now)
        case acts.SwiClosed():
            return _closed(state, act, graph, config, now)
        case acts.SwiWaitsFor():
            return _waits_for(state, act, now)
        case acts.BranchMoved():
            return _taken_in(state, act, graph, config, now)
        case acts.BranchGone():
            return _gone(state, act, graph, config, now)
    assert_never(act)


def _conflict(state: RunState, act: acts.LabelsChanged, now: datetime) -> Decision:
    """Stop, and leave every label as it was found: only the one that says so is added (X-02)."""
    message = f"{act.by} changed labels of ours: expected {_listed(act.expected)}, found {_listed(act.found)}"
    failure = _failure(state, FailureCategory.STATE_CONFLICT, message, now)
    return Decision(
        state=replace(state, status=RunStatus.FAILED, failure=failure, wait=None),
        effects=(
            do.StopWork(reason=message),
            do.WriteState(),
            do.MarkFailed(),
            do.PostFailure(failure=failure),
            do.PostCost(),
        ),
    )


def _listed(labels: tuple[str, ...]) -> str:
    return ", ".join(f"`{label}`" for label in labels) or "none"


def _failure(state: RunState, category: FailureCategory, message: str, now: datetime) -> Failure:
    where = next((str(ref.node) for ref in at_work(state, NodeStatus.ACTIVE)), "run")
    return Failure(category=category, node=where, message=message, at=now)


def _raised(state: RunState, graph: Graph) -> Decision:
    known = state.classification
    if known is None or known.safety_affecting:
        return Decision(state=state, effects=())
    raised = replace(known, safety_affecting=True, item_class=ItemClass.SAFETY_CRITICAL)
    state = replace(state, classification=raised, boundary=graph.boundaries[ItemClass.SAFETY_CRITICAL])
    note = do.Note(action="safety_raised", message="a person set the safety label: the item is safety-affecting now")
    return Decision(state=state, effects=(*_SHOWN, note))


def _edited(state: RunState, act: acts.TextEdited, now: datetime) -> Decision:
    """Note the new text, which the next node reads; hold the run when it gives orders to the machine (INJ-01).

    The hold is for this text: released, nodes may read it, and those at work go on.
    """
    state = replace(state, text_sha=act.text_sha)
    if not act.gives_orders:
        note = do.Note(action="changed", message="title or text of the issue changed: the next node reads it")
        return Decision(state=state, effects=(do.WriteState(), note))
    return Decision(
        state=replace(state, status=RunStatus.HELD, hold=Hold(since=now, digest=act.text_sha)),
        effects=(do.StopWork(reason="held"), *_SHOWN, do.PostNotice(kind="hold", text=render_hold(act.gives_orders))),
    )


def _anew(state: RunState, act: acts.SwiRegenerate, graph: Graph, config: RunConfig, now: datetime) -> Decision:
    swi = state.swi(act.ordinal)
    if swi.status is SwiStatus.DONE:
        return _noted(state, f"sub-work-item {act.ordinal} is merged and is not made anew")
    state = _charged(state, act.ended, now)
    if act.closed is not None:
        state = replace(state, set_aside=(*state.set_aside, act.closed))
    swi = state.swi(act.ordinal)
    pr = None if act.closed is not None else swi.pr
    state = put_swi(state, replace(swi, findings=act.findings or swi.findings, pr=pr))
    again = with_dependents(state, act.ordinal)
    state = regenerated(state, graph, again)
    whom = f" for {act.by}" if act.by else ""
    told = _note(f"sub-work-items {', '.join(str(one) for one in sorted(again))} are made anew{whom}", by=act.by)
    return _settled(state, graph, config, now, *(do.RelabelSwi(ordinal=one) for one in sorted(again)), told)


def _merged(state: RunState, act: acts.SwiMerged, now: datetime) -> Decision:
    swi = state.swi(act.ordinal)
    if swi.status is SwiStatus.DONE:
        return Decision(state=state, effects=())
    gate = GateDecision(node="pull_request", swi=swi.ordinal, decision="approved", by=act.by, at=now, ref=act.where)
    state = put_swi(state, replace(swi, status=SwiStatus.DONE))
    return Decision(state=replace(state, gates=(*state.gates, gate)), effects=_SHOWN)


def _closed(state: RunState, act: acts.SwiClosed, graph: Graph, config: RunConfig, now: datetime) -> Decision:
    """Fail the sub-work-item at the node where it stood; what depends on it is blocked, others go on."""
    swi = state.swi(act.ordinal)
    if not state.status.open or swi.status in (SwiStatus.DONE, SwiStatus.FAILED):
        return Decision(state=state, effects=())
    state = _charged(state, act.ended, now)
    refs = [NodeRef(node, swi.ordinal) for node in swi_nodes(graph)]
    left = [ref for ref in refs if state.node(ref).status is not NodeStatus.COMPLETED]
    where = (left or refs)[-1 if not left else 0]
    message = f"issue #{swi.issue} of the sub-work-item was closed without a merge"
    return fail_node(state, where, FailureCategory.GATE_REJECTED, message, graph=graph, config=config, now=now)


def _waits_for(state: RunState, act: acts.SwiWaitsFor, now: datetime) -> Decision:
    """Take over dependencies that people added; a circle stops the run and is named (GH-33)."""
    swi = state.swi(act.ordinal)
    state = put_swi(state, replace(swi, depends_on=tuple(sorted({*swi.depends_on, *act.others}))))
    circle = _circle(state, act.ordinal)
    if not circle:
        return Decision(state=state, effects=(do.WriteState(), _note(f"sub-work-item {act.ordinal} waits for more")))
    named = " waits for ".join(f"#{state.swi(one).issue}" for one in circle)
    message = f"people made sub-work-items wait in a circle: {named}"
    failure = _failure(state, FailureCategory.STATE_CONFLICT, message, now)
    return Decision(
        state=replace(put_swi(state, swi), status=RunStatus.FAILED, failure=failure, wait=None),
        effects=(do.StopWork(reason=failure.message), *_SHOWN, do.PostFailure(failure=failure), do.PostCost()),
    )


def _circle(state: RunState, start: SwiOrdinal) -> tuple[SwiOrdinal, ...]:
    """Return a way from ``start`` over dependencies back to itself, or nothing."""
    ways: list[tuple[SwiOrdinal, ...]] = [(start,)]
    seen: set[SwiOrdinal] = set()
    while ways:
        way = ways.pop()
        for other in state.swi(way[-1]).depends_on:
            if other == start:
                return (*way, other)
            if other not in seen:
                seen.add(other)
                ways.append((*way, other))
    return ()


def _taken_in(state: RunState, act: acts.BranchMoved, graph: Graph, config: RunConfig, now: datetime) -> Decision:
    """Take what people pushed for the code of the sub-work-item, and let all that follows come again."""
    state = _charged(state, act.ended, now)
    swi = state.swi(act.ordinal)
    nodes = code_nodes(graph, swi)
    if nodes is None:
        return Decision(state=state, effects=())
    state = rewound(state, graph, act.ordinal, nodes[1])
    swi = state.swi(act.ordinal)
    moved: dict[str, Artifact] = {
        slot: replace(one, sha=act.head) if one.kind == "branch" else one for slot, one in swi.artifacts.items()
    }
    state = put_swi(state, replace(swi, artifacts=moved, head=act.head))
    return _settled(state, graph, config, now, _note(f"{swi.branch} was pushed to: {act.head} counts now"))


def _gone(state: RunState, act: acts.BranchGone, graph: Graph, config: RunConfig, now: datetime) -> Decision:
    state = _charged(state, act.ended, now)
    if act.closed is not None:
        state = replace(state, set_aside=(*state.set_aside, act.closed))
    told = _note(f"the branch of {act.ref} was deleted: it has to work again")
    if act.ref.swi is None:
        at = replace(state.node(act.ref), status=NodeStatus.PENDING, ended_at=None, output_hash=None)
        slots = graph.nodes[act.ref.node].outputs
        kept = {slot: one for slot, one in state.artifacts.items() if slot not in slots}
        state = replace(put_node(state, act.ref, at), artifacts=kept, wait=None)
        return _settled(state, graph, config, now, told)
    nodes = code_nodes(graph, state.swi(act.ref.swi))
    state = rewound(state, graph, act.ref.swi, frozenset({act.ref.node}) | (nodes[1] if nodes else frozenset()))
    return _settled(state, graph, config, now, told)


def _settled(state: RunState, graph: Graph, config: RunConfig, now: datetime, *told: do.Effect) -> Decision:
    """Return what follows, or, for a run that stays stopped, that its new state is written and shown."""
    if not state.status.open:
        return Decision(state=state, effects=(*_SHOWN, *told))
    settled = settle(state, graph, config, now)
    return Decision(state=settled.state, effects=(*told, *settled.effects))


def _charged(state: RunState, ended: acts.Ended, now: datetime) -> RunState:
    for one in ended:
        state = charged(state, one.ref, one.outcome, now)
    return state


def _noted(state: RunState, message: str) -> Decision:
    return Decision(state=state, effects=(_note(message),))


def _note(message: str, *, by: str = "") -> do.Note:
    return do.Note(action="changed", message=message, by=by)
