"""After every event: skip, block, start, wait, finish or fail (ENG-30, ENG-34, ENG-35)."""

from dataclasses import dataclass, replace
from datetime import datetime

from cogworks.engine import effects as do
from cogworks.engine.going_back import asked_back, gone_back, stopping, superseded_pulls
from cogworks.engine.progress import all_ended, at_work, cancel_node, eligible, propagate, put_node, swi_status
from cogworks.engine.run_config import RunConfig, node_of
from cogworks.graph.definition import Edge, Graph
from cogworks.model.errors import FailureCategory
from cogworks.model.ids import END_TO_END, NodeRef
from cogworks.model.state import Failure, NodeState, NodeStatus, RunState, RunStatus, Wait, WaitReason
from cogworks.policy.alerts import due_levels

_ESCALATES = frozenset(
    {
        FailureCategory.TRAVERSALS_EXHAUSTED,
        FailureCategory.SEMANTIC_STALL,
        FailureCategory.FLAKY_TEST,
        FailureCategory.SCOPE_THRESHOLD,
        FailureCategory.SCOPE_UNDERSPECIFIED,
        FailureCategory.GRANULARITY_LIMIT,
        FailureCategory.RETRY_EXHAUSTED,
        FailureCategory.CONTEXT_TOO_LARGE,
        FailureCategory.ENVIRONMENT_FAULT,
        FailureCategory.BRANCH_DIVERGED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the step function returns."""

    state: RunState
    effects: tuple[do.Effect, ...]


def settle(state: RunState, graph: Graph, config: RunConfig, now: datetime) -> Decision:
    """Return what follows from ``state`` as it is: the one place where nodes are started and runs end."""
    state = propagate(state, graph)
    if not state.status.open:
        return Decision(state=state, effects=())
    back = asked_back(state, graph)
    if back is not None:
        return _go_back(state, graph, back, config, now)
    ready = (
        () if _on_hold(state) else eligible(state, graph, max_parallel_swis=config.pipeline.max_parallel_sub_work_items)
    )
    if ready:
        return _start(state, ready, now)
    if at_work(state, NodeStatus.ACTIVE):
        return _announce(replace(state, status=RunStatus.RUNNING))
    broken = at_work(state, NodeStatus.FAILED)
    if broken and state.failure:
        return _fail(state)
    waiting = at_work(state, NodeStatus.AWAITING_APPROVAL)
    if waiting:
        return _announce(_wait(state, waiting[0], now))
    if _on_hold(state):
        return _announce(replace(state, status=RunStatus.WAITING))
    return _finish(state, graph, now)


def _go_back(state: RunState, graph: Graph, edge: Edge, config: RunConfig, now: datetime) -> Decision:
    """Let the sub-work-items come to their next boundary, then begin again where ``edge`` leads (ENG-22)."""
    if stopping(state):
        return _announce(replace(state, status=RunStatus.RUNNING))
    told = tuple(do.PostSuperseded(pull=pull, target=edge.target) for pull in superseded_pulls(state))
    settled = settle(gone_back(state, graph, edge), graph, config, now)
    return Decision(state=settled.state, effects=(*told, *settled.effects))


def _on_hold(state: RunState) -> bool:
    return state.wait is not None and state.wait.reason is not WaitReason.APPROVAL


def _wait(state: RunState, ref: NodeRef, now: datetime) -> RunState:
    wait = state.wait or Wait(reason=WaitReason.APPROVAL, node=ref.node, since=now)
    return replace(state, status=RunStatus.WAITING, wait=wait)


def _start(state: RunState, ready: tuple[NodeRef, ...], now: datetime) -> Decision:
    posts: list[do.Effect] = []
    for ref in ready:
        at = state.node(ref)
        if at.attempts == 0 and ref.node != END_TO_END:
            posts.append(do.PostEntry(ref=ref))
        state = put_node(state, ref, _activated(at, now))
    state = replace(
        state,
        status=RunStatus.RUNNING,
        wait=None,
        sub_work_items=tuple(replace(swi, status=swi_status(swi)) for swi in state.sub_work_items),
    )
    starts = tuple((ref, state.node(ref).attempts) for ref in ready)
    return _announce(state, *posts, do.StartNodes(starts=starts))


def _activated(at: NodeState, now: datetime) -> NodeState:
    return replace(
        at, status=NodeStatus.ACTIVE, attempts=at.attempts + 1, started_at=at.started_at or now, ended_at=None
    )


def again(state: RunState, ref: NodeRef, at: NodeState) -> Decision:
    """Return the decision to run ``ref`` once more; ``at`` already carries the counter that went up."""
    state = put_node(state, ref, replace(at, status=NodeStatus.ACTIVE, attempts=at.attempts + 1))
    return _announce(state, do.StartNodes(starts=((ref, at.attempts + 1),)))


def fail_node(
    state: RunState,
    ref: NodeRef,
    category: FailureCategory,
    message: str,
    *,
    graph: Graph,
    config: RunConfig,
    now: datetime,
    halts: bool = False,
) -> Decision:
    """Return the decision that ``ref`` failed; siblings go on unless the node aborts them (ENG-34).

    ``halts``: the pipeline says that this is a failure and no question to people.
    """
    state = put_node(state, ref, replace(state.node(ref), status=NodeStatus.FAILED, error=message[:500], ended_at=now))
    failure = Failure(
        category=category,
        node=ref.node,
        swi=ref.swi,
        message=message[:2000],
        at=now,
        escalated=not halts and (category in _ESCALATES or ref.node == END_TO_END),
    )
    state = replace(state, failure=state.failure or failure)
    stop: tuple[do.Effect, ...] = ()
    if node_of(graph, ref).abort_siblings_on_failure:
        for other in at_work(state, NodeStatus.ACTIVE):
            state = cancel_node(state, other)
        stop = (do.StopWork(reason=f"{ref} failed"),)
    settled = settle(state, graph, config, now)
    return Decision(state=settled.state, effects=(*stop, *settled.effects))


def _fail(state: RunState) -> Decision:
    assert state.failure is not None
    status = RunStatus.ESCALATED if state.failure.escalated else RunStatus.FAILED
    state = replace(state, status=status, wait=None)
    assert state.failure is not None
    return _announce(
        state,
        do.PostFailure(failure=state.failure),
        do.PostCost(),
        do.PostSummary(outcome=f"{status}: {state.failure.category}"),
    )


def _finish(state: RunState, graph: Graph, now: datetime) -> Decision:
    """Start the closing check when all is done, complete when it passed, else say that nothing can go on."""
    closing = state.node(NodeRef(END_TO_END))
    if not all_ended(state, graph):
        failure = Failure(
            category=FailureCategory.BLOCKED_INPUT,
            node="run",
            message="no node can go on and some have not ended",
            at=now,
        )
        return _fail(replace(state, failure=state.failure or failure))
    if closing.status is NodeStatus.COMPLETED:
        state = replace(state, status=RunStatus.COMPLETED, wait=None)
        return _announce(state, do.PostCost(), do.CleanUp())
    return _start(state, (NodeRef(END_TO_END),), now)


def _announce(state: RunState, *after: do.Effect) -> Decision:
    """Return ``state`` to be written and shown, the cost alerts that are due (each level once), then ``after``."""
    levels = due_levels(state.cost)
    if levels:
        state = replace(state, cost=replace(state.cost, alerted=levels[-1]))
    alerts = tuple(do.PostBudget(level=level) for level in levels)
    return Decision(state=state, effects=(do.WriteState(), do.SetLabels(), *alerts, *after))
