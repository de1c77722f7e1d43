"""What follows when an attempt has come to an outcome (ENG-24, ENG-28)."""

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from pydantic import TypeAdapter

from cogworks.engine import effects as do
from cogworks.engine.events import NodeEnded
from cogworks.engine.going_back import replanned
from cogworks.engine.progress import put_node, put_swi
from cogworks.engine.routing import route
from cogworks.engine.run_config import RunConfig, node_of
from cogworks.engine.settling import Decision, again, fail_node, settle
from cogworks.graph.definition import Graph
from cogworks.model.errors import FailureCategory
from cogworks.model.ids import END_TO_END, NodeRef, PullNumber, Sha
from cogworks.model.outcome import Outcome, Result
from cogworks.model.state import (
    Classification,
    Cost,
    Hold,
    ItemClass,
    NodeStatus,
    RunState,
    RunStatus,
    Wait,
    WaitReason,
)
from cogworks.pages.gate_comment import render_hold, render_question
from cogworks.policy.gates import needs_person
from cogworks.policy.retries import GiveUp, dominant_category, flaky_pass, next_try
from cogworks.policy.traceability import merge

_CLASSIFICATION: TypeAdapter[Classification] = TypeAdapter(Classification)


def node_ended(state: RunState, event: NodeEnded, graph: Graph, config: RunConfig, now: datetime) -> Decision:
    """Return the decision for an outcome; one of an attempt that is not active any more changes nothing."""
    at = state.node(event.ref)
    if event.attempt in at.uncharged:
        return _charged_late(state, event, graph, config, now)
    if at.status is not NodeStatus.ACTIVE or at.attempts != event.attempt:
        return Decision(state=state, effects=(do.Note(action="late", message=f"{event.ref}: late outcome"),))
    outcome = event.outcome
    state = charged(state, event.ref, outcome, now)
    match outcome.result:
        case Result.SUCCEEDED:
            return _succeeded(state, event, graph, config, now)
        case Result.INVALID | Result.MISALIGNED:
            return _again_or_failed(state, event, graph, config, now)
        case Result.FAILED | Result.ESCALATED:
            category = outcome.category or FailureCategory.ENVIRONMENT_FAULT
            return fail_node(state, event.ref, category, outcome.message, graph=graph, config=config, now=now)
        case Result.CLARIFICATION | Result.UNAVAILABLE | Result.HELD | Result.CANCELLED:
            return _paused(state, event, graph, config, now)
    assert_never(outcome.result)


def _paused(state: RunState, event: NodeEnded, graph: Graph, config: RunConfig, now: datetime) -> Decision:
    """Let the run wait for a person or an outside party, or let the node rest."""
    match event.outcome.result:
        case Result.CLARIFICATION:
            return _clarify(state, event, graph, config, now)
        case Result.UNAVAILABLE:
            return _unavailable(state, event, graph, config, now)
        case Result.HELD:
            return _held(state, event, now)
        case _:
            # Told to stop by something that is over by now: what it paid counts, and the work is done anew.
            state = put_node(state, event.ref, replace(state.node(event.ref), status=NodeStatus.PENDING))
            return settle(state, graph, config, now)


def _charged_late(state: RunState, event: NodeEnded, graph: Graph, config: RunConfig, now: datetime) -> Decision:
    """Count what an attempt paid that was cancelled before it ended; its work counts no more (ENG-42)."""
    before = state.node(event.ref)
    state = charged(state, event.ref, event.outcome, now)
    left = tuple(attempt for attempt in before.uncharged if attempt != event.attempt)
    ended_at = now if event.attempt == before.attempts else before.ended_at
    state = put_node(state, event.ref, replace(state.node(event.ref), uncharged=left, ended_at=ended_at))
    if state.status.open:
        return settle(state, graph, config, now)
    return Decision(state=state, effects=(do.WriteState(), do.PostCost()))


def charged(state: RunState, ref: NodeRef, outcome: Outcome, now: datetime) -> RunState:
    """Return ``state`` with the attempt's cost on node, SWI and run, each call counted once.

    An attempt that waits comes again under the same number; what of it an earlier owner paid was counted then.
    """
    at = state.node(ref)
    paid = outcome.cost - at.waited.within(outcome.remembered)
    waited = at.waited + paid if outcome.result is Result.UNAVAILABLE else Cost()
    state = put_node(state, ref, replace(at, cost=at.cost + paid, waited=waited, ended_at=now))
    if ref.swi is not None:
        swi = state.swi(ref.swi)
        state = put_swi(state, replace(swi, cost=swi.cost + paid))
    cost = state.cost
    sums = replace(
        cost,
        microusd=cost.microusd + paid.microusd,
        tokens=cost.tokens + paid.tokens,
        by_node={**cost.by_node, ref.node: cost.by_node.get(ref.node, 0) + paid.microusd},
        unreconciled=cost.unreconciled + outcome.unreconciled,
    )
    return replace(state, cost=sums)


def _succeeded(state: RunState, event: NodeEnded, graph: Graph, config: RunConfig, now: datetime) -> Decision:
    flaky = flaky_pass(state.node(event.ref), event.outcome)
    if flaky:
        return fail_node(state, event.ref, flaky.category, flaky.message, graph=graph, config=config, now=now)
    state = _delivered(state, event)
    node = node_of(graph, event.ref)
    if node.uses == "intake":
        return _classified(state, event, graph, config, now)
    if node.id != END_TO_END and _waits(state, event, graph):
        state = put_node(state, event.ref, replace(state.node(event.ref), status=NodeStatus.AWAITING_APPROVAL))
        settled = settle(state, graph, config, now)
        return Decision(state=settled.state, effects=(*settled.effects, do.PostGate(ref=event.ref)))
    return _completed(state, event, graph, config, now)


def _waits(state: RunState, event: NodeEnded, graph: Graph) -> bool:
    item_class = state.classification.item_class if state.classification else ItemClass.STANDARD
    verdict = (event.outcome.output or {}).get("verdict")
    return verdict != "remediate" and needs_person(node_of(graph, event.ref), graph=graph, item_class=item_class)


def _is_safety_critical(state: RunState) -> bool:
    return state.classification is not None and state.classification.item_class is ItemClass.SAFETY_CRITICAL


def _wait_for_sign_off(state: RunState, ref: NodeRef, graph: Graph, config: RunConfig, now: datetime) -> Decision:
    """Let a person accept the traceability matrix before a safety-critical run completes (ENG-35)."""
    state = put_node(state, ref, replace(state.node(ref), status=NodeStatus.AWAITING_APPROVAL))
    settled = settle(state, graph, config, now)
    return Decision(state=settled.state, effects=(*settled.effects, do.PostGate(ref=ref)))


def _completed(state: RunState, event: NodeEnded, graph: Graph, config: RunConfig, now: datetime) -> Decision:
    if event.ref.node == END_TO_END and _is_safety_critical(state):
        return _wait_for_sign_off(state, event.ref, graph, config, now)
    state = put_node(state, event.ref, replace(state.node(event.ref), status=NodeStatus.COMPLETED))
    if event.ref.node == END_TO_END:
        return settle(state, graph, config, now)
    routed = route(state, graph, event.ref, output=event.outcome.output or {}, results=event.results)
    if routed.stop:
        return fail_node(routed.state, event.ref, *routed.stop, graph=graph, config=config, now=now, halts=routed.halts)
    settled = settle(routed.state, graph, config, now)
    return Decision(state=settled.state, effects=(*routed.notes, *settled.effects))


def _delivered(state: RunState, event: NodeEnded) -> RunState:
    """Return ``state`` that knows what the attempt yielded."""
    outcome, ref = event.outcome, event.ref
    at = replace(state.node(ref), output_hash=outcome.output_hash or None, error=None)
    state = put_node(state, ref, at)
    if outcome.swis:
        state = replanned(state, outcome.swis)
    if outcome.matrix:
        state = replace(state, traceability=merge(state.traceability, outcome.matrix))
    if ref.swi is None:
        return replace(state, artifacts={**state.artifacts, **outcome.artifacts})
    swi = state.swi(ref.swi)
    branch_made = next((a.ref for a in outcome.artifacts.values() if a.kind == "branch"), "")
    return put_swi(
        state,
        replace(
            swi,
            artifacts={**swi.artifacts, **outcome.artifacts},
            findings=() if branch_made else swi.findings,
            branch=branch_made or swi.branch,
            head=Sha(outcome.head) if outcome.head else swi.head,
            pr=PullNumber(outcome.pr) if outcome.pr else swi.pr,
        ),
    )


def _classified(state: RunState, event: NodeEnded, graph: Graph, config: RunConfig, now: datetime) -> Decision:
    """Take the classification over, and the pipeline that it names (ENG-08)."""
    told = _CLASSIFICATION.validate_python(dict(event.outcome.output or {}))
    name = told.pipeline or config.pipeline.default
    if name not in config.pipeline.pipelines:
        known = ", ".join(sorted(config.pipeline.pipelines))
        message = f"classification asks for pipeline {name!r}; available: {known}"
        return fail_node(state, event.ref, FailureCategory.CONFIG_ERROR, message, graph=graph, config=config, now=now)
    chosen = config.graph(name)
    start = NodeRef(chosen.start)
    nodes = {start.node: state.node(event.ref)}
    state = replace(state, classification=told, pipeline=name, boundary=chosen.boundaries[told.item_class], nodes=nodes)
    moved = replace(event, ref=start)
    if _waits(state, moved, chosen):
        state = put_node(state, start, replace(state.node(start), status=NodeStatus.AWAITING_APPROVAL))
        settled = settle(state, chosen, config, now)
        return Decision(state=settled.state, effects=(*settled.effects, do.PostGate(ref=start)))
    return _completed(state, moved, chosen, config, now)


def _again_or_failed(state: RunState, event: NodeEnded, graph: Graph, config: RunConfig, now: datetime) -> Decision:
    node, at, outcome = node_of(graph, event.ref), state.node(event.ref), event.outcome
    limit = node.alignment.max_rework if node.alignment else 0
    judged = next_try(node, at, outcome, max_rework=limit)
    if outcome.result is Result.INVALID:
        categories = (*at.categories, dominant_category(outcome.diagnostics))
        at = replace(at, categories=categories, output_hash=outcome.output_hash or None)
    if isinstance(judged, GiveUp):
        state = put_node(state, event.ref, at)
        return fail_node(state, event.ref, judged.category, judged.message, graph=graph, config=config, now=now)
    if judged.counter == "retries":
        return again(state, event.ref, replace(at, retries=at.retries + 1))
    return again(state, event.ref, replace(at, reworks=at.reworks + 1))


def _clarify(state: RunState, event: NodeEnded, graph: Graph, config: RunConfig, now: datetime) -> Decision:
    state = put_node(state, event.ref, replace(state.node(event.ref), status=NodeStatus.PENDING))
    wait = Wait(reason=WaitReason.CLARIFICATION, node=event.ref.node, since=now)
    settled = settle(replace(state, wait=wait), graph, config, now)
    notice = do.PostNotice(kind="scope", text=render_question(event.outcome.message))
    return Decision(state=settled.state, effects=(*settled.effects, notice))


def _unavailable(state: RunState, event: NodeEnded, graph: Graph, config: RunConfig, now: datetime) -> Decision:
    """Wait in the state: the attempt was not journalled, so it comes again under the same number (RUN-05)."""
    at = state.node(event.ref)
    state = put_node(state, event.ref, replace(at, status=NodeStatus.PENDING, attempts=at.attempts - 1))
    reason = WaitReason(event.outcome.wait_reason or WaitReason.OUTAGE)
    wait = Wait(reason=reason, node=event.ref.node, since=now, until=event.outcome.wait_until)
    settled = settle(replace(state, wait=wait), graph, config, now)
    notice = do.PostNotice(kind="wait", text=event.outcome.message)
    return Decision(state=settled.state, effects=(*settled.effects, notice))


def _held(state: RunState, event: NodeEnded, now: datetime) -> Decision:
    state = put_node(state, event.ref, replace(state.node(event.ref), status=NodeStatus.PENDING))
    state = replace(state, status=RunStatus.HELD, hold=Hold(since=now, digest=event.outcome.output_hash))
    return Decision(
        state=state,
        effects=(
            do.StopWork(reason="held"),
            do.WriteState(),
            do.SetLabels(),
            do.PostNotice(kind="hold", text=render_hold(event.outcome.message)),
        ),
    )
