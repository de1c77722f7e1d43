"""The step function as a table of node transitions (ENG-24)."""

from dataclasses import replace

import pytest
from run_states import NOW, S, at, ended, fresh, graph, planned, ref, run_config, swi, taken, with_nodes

from cogworks.engine import effects as do
from cogworks.engine import events as told
from cogworks.engine.decide import decide
from cogworks.engine.settling import Decision
from cogworks.model.errors import FailureCategory
from cogworks.model.findings import Diagnostic, Severity
from cogworks.model.outcome import Result
from cogworks.model.state import Artifact, Cost, NodeStatus, RunState, RunStatus, WaitReason

CLASSIFIED = {
    "task_type": "bug_fix", "affected_modules": [], "component_tags": [], "safety_affecting": False,
    "scope": {"files": 1, "interfaces": 0, "complexity": "low"}, "pipeline": None, "rationale": "r",
}  # fmt: skip
WRONG = (Diagnostic(severity=Severity.BLOCKING, category="type_error", message="m"),)
ARCHITECT = with_nodes(
    replace(fresh(), artifacts={"classification": Artifact(kind="file", ref="")}, edges=taken("e1")),
    intake=at(S.COMPLETED),
)


def step(state: RunState, event: told.Event) -> Decision:
    return decide(state, event, graph(), run_config(), NOW)


def active(**more: object) -> RunState:
    return with_nodes(ARCHITECT, architecture=at(S.ACTIVE, **more))  # type: ignore[arg-type]


def waiting() -> RunState:
    return with_nodes(ARCHITECT, architecture=at(S.AWAITING_APPROVAL))


@pytest.mark.parametrize(
    ("state", "event", "node", "status"),
    [
        pytest.param(fresh(), told.Triggered(), "intake", S.ACTIVE, id="pending, eligible: active"),
        pytest.param(
            with_nodes(fresh(), intake=at(S.ACTIVE)),
            ended("intake", Result.SUCCEEDED, output=CLASSIFIED),
            "intake",
            S.COMPLETED,
            id="active, accepted, no gate: completed",
        ),
        pytest.param(
            active(),
            ended("architecture", Result.SUCCEEDED, output={}),
            "architecture",
            S.AWAITING_APPROVAL,
            id="active, accepted, gate of a person: awaiting approval",
        ),
        pytest.param(
            active(),
            ended("architecture", Result.INVALID, diagnostics=WRONG),
            "architecture",
            S.ACTIVE,
            id="active, invalid, retries left: active",
        ),
        pytest.param(
            active(retries=5),
            ended("architecture", Result.INVALID, diagnostics=WRONG),
            "architecture",
            S.FAILED,
            id="active, invalid, none left: failed",
        ),
        pytest.param(
            active(),
            ended("architecture", Result.MISALIGNED),
            "architecture",
            S.ACTIVE,
            id="active, misaligned, reworks left: active",
        ),
        pytest.param(
            active(reworks=3),
            ended("architecture", Result.MISALIGNED),
            "architecture",
            S.FAILED,
            id="active, misaligned, none left: failed",
        ),
        pytest.param(active(), ended("architecture", Result.FAILED), "architecture", S.FAILED, id="fatal: failed"),
        pytest.param(
            active(),
            ended("architecture", Result.CLARIFICATION),
            "architecture",
            S.PENDING,
            id="active, scope question: pending",
        ),
        pytest.param(active(), told.LeaseStale(ref=ref("architecture")), "architecture", S.ACTIVE, id="worker lost"),
        pytest.param(active(), told.Cancel(reason="r"), "architecture", S.CANCELLED, id="active, cancel: cancelled"),
        pytest.param(waiting(), told.Cancel(reason="r"), "architecture", S.CANCELLED, id="awaiting, cancel: cancelled"),
        pytest.param(
            waiting(),
            told.GateApproved(ref=ref("architecture"), by="jo", where="pr"),
            "architecture",
            S.COMPLETED,
            id="awaiting, approved: completed",
        ),
        pytest.param(
            waiting(),
            told.GateRejected(ref=ref("architecture"), by="jo", where="pr"),
            "architecture",
            S.FAILED,
            id="awaiting, rejected: failed",
        ),
        pytest.param(
            active(),
            told.GateApproved(ref=ref("architecture"), by="jo", where="pr"),
            "architecture",
            S.ACTIVE,
            id="an approval of what does not wait changes nothing",
        ),
        pytest.param(
            waiting(),
            ended("architecture", Result.SUCCEEDED),
            "architecture",
            S.AWAITING_APPROVAL,
            id="an outcome of what is not active changes nothing",
        ),
        pytest.param(
            active(attempts=2),
            ended("architecture", Result.SUCCEEDED, attempt=1),
            "architecture",
            S.ACTIVE,
            id="an outcome of an older attempt changes nothing",
        ),
    ],
)
def test_a_node_goes_from_one_status_to_the_next(
    state: RunState, event: told.Event, node: str, status: NodeStatus
) -> None:
    assert step(state, event).state.node(ref(node)).status is status


@pytest.mark.parametrize(
    ("event", "counters"),
    [
        pytest.param(ended("architecture", Result.INVALID, diagnostics=WRONG), (2, 1, 0), id="invalid: a retry"),
        pytest.param(ended("architecture", Result.MISALIGNED), (2, 0, 1), id="misaligned: a rework"),
        pytest.param(told.LeaseStale(ref=ref("architecture")), (1, 0, 0), id="worker lost: the same attempt"),
    ],
)
def test_each_way_of_going_again_has_its_own_counter(event: told.Event, counters: tuple[int, int, int]) -> None:
    node = step(active(), event).state.node(ref("architecture"))
    assert (node.attempts, node.retries, node.reworks) == counters


@pytest.mark.parametrize("status", [RunStatus.COMPLETED, RunStatus.HELD])
def test_a_trigger_does_not_move_what_is_done_or_held(status: RunStatus) -> None:
    state = replace(ARCHITECT, status=status)
    assert step(state, told.Triggered()) == Decision(state=state, effects=())


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.ESCALATED, RunStatus.CANCELLED])
def test_a_resume_gives_fresh_counters_and_keeps_attempts_and_cost(status: RunStatus) -> None:
    """ENG-25."""
    broken = at(S.FAILED, attempts=6, retries=5, reworks=3, categories=("a",), cost=Cost(microusd=7, tokens=9))
    decision = step(replace(with_nodes(ARCHITECT, architecture=broken), status=status), told.Triggered())

    node = decision.state.node(ref("architecture"))
    assert node == replace(
        node, status=S.ACTIVE, attempts=7, retries=0, reworks=0, categories=(), cost=Cost(microusd=7, tokens=9)
    )
    assert decision.state.failure is None


def test_a_replay_is_a_resume_with_a_new_attempt() -> None:
    """RUN-20."""
    state = replace(with_nodes(ARCHITECT, architecture=at(S.FAILED, attempts=2, retries=1)), status=RunStatus.FAILED)
    decision = step(state, told.Replayed(ref=ref("architecture"), attempt=2))

    node = decision.state.node(ref("architecture"))
    assert (node.status, node.attempts, node.retries) == (S.ACTIVE, 3, 0)
    assert decision.state.status is RunStatus.RUNNING


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (with_nodes(ARCHITECT, architecture=at(S.ACTIVE, attempts=2)), "the run goes on already"),
        (
            replace(with_nodes(ARCHITECT, architecture=at(S.FAILED, attempts=3)), status=RunStatus.FAILED),
            "a later attempt failed too, with a letter of its own",
        ),
        (
            replace(with_nodes(ARCHITECT, architecture=at(S.COMPLETED, attempts=2)), status=RunStatus.COMPLETED),
            "the run is over",
        ),
    ],
)
def test_a_replay_that_comes_late_changes_nothing(state: RunState, why: str) -> None:
    assert step(state, told.Replayed(ref=ref("architecture"), attempt=2)) == Decision(state=state, effects=()), why


FIVE, NINE = Cost(microusd=5, tokens=50), Cost(microusd=9, tokens=90)


@pytest.mark.parametrize(
    ("cost", "remembered", "total"),
    [
        pytest.param(NINE, FIVE, NINE, id="what the memo remembers was counted when the attempt began to wait"),
        pytest.param(NINE, Cost(), NINE + FIVE, id="a lost memo: the first call was paid twice and counts twice"),
        pytest.param(FIVE, FIVE, FIVE, id="nothing new was paid"),
    ],
)
def test_an_attempt_that_could_not_reach_its_provider_comes_again_under_its_number(
    cost: Cost, remembered: Cost, total: Cost
) -> None:
    """LLM-09: it is not journalled, and what it has paid counts at once."""
    event = ended("architecture", Result.UNAVAILABLE, wait_reason="rate_limit", wait_until=NOW, cost=FIVE)
    state = step(active(), event).state

    assert state.status is RunStatus.WAITING
    assert state.wait is not None
    assert state.wait.reason is WaitReason.RATE_LIMIT
    assert state.node(ref("architecture")).attempts == 0
    assert state.cost.microusd == 5
    again = step(state, told.WaitOver()).state
    assert again.node(ref("architecture")).attempts == 1
    after = step(again, ended("architecture", Result.INVALID, cost=cost, remembered=remembered)).state
    assert Cost(microusd=after.cost.microusd, tokens=after.cost.tokens) == total
    assert after.node(ref("architecture")).cost == total
    assert after.node(ref("architecture")).waited == Cost()


def test_an_attempt_cancelled_under_way_is_charged_when_it_has_told_its_cost() -> None:
    cancelled = step(active(), told.Cancel(reason="r")).state
    assert cancelled.node(ref("architecture")).uncharged == (1,)
    late = step(cancelled, ended("architecture", Result.CANCELLED, cost=FIVE))
    assert late.state.node(ref("architecture")).status is S.CANCELLED
    assert late.state.cost.microusd == 5
    assert {type(effect) for effect in late.effects} == {do.WriteState, do.PostCost}
    again = step(late.state, ended("architecture", Result.CANCELLED, cost=FIVE))
    assert again.state.cost.microusd == 5, "once"


def test_work_that_was_stopped_by_something_that_is_over_begins_anew() -> None:
    after = step(active(), ended("architecture", Result.CANCELLED, cost=FIVE)).state
    assert (after.node(ref("architecture")).status, after.node(ref("architecture")).attempts) == (S.ACTIVE, 2)
    assert after.cost.microusd == 5


def test_the_cost_of_an_attempt_goes_to_node_part_and_run() -> None:
    state = planned(swi(1, code_generation=at(S.ACTIVE)))
    event = ended("code_generation/1", Result.FAILED, cost=Cost(microusd=11, tokens=13))
    after = step(state, event).state

    assert after.cost.microusd == after.cost.by_node["code_generation"] == 11
    assert after.swi(ref("x/1").swi).cost == after.node(ref("code_generation/1")).cost == Cost(microusd=11, tokens=13)  # type: ignore[arg-type]


def test_a_cancel_charges_what_came_in_meanwhile() -> None:
    event = told.Cancel(reason="r", ended=(ended("architecture", Result.SUCCEEDED, cost=Cost(microusd=3, tokens=4)),))
    after = step(active(), event).state

    assert (after.status, after.cost.microusd) == (RunStatus.CANCELLED, 3)


@pytest.mark.parametrize(
    ("event", "wanted"),
    [
        pytest.param(
            told.Cancel(reason="r"),
            {do.StopWork, do.WriteState, do.SetLabels, do.PostCost, do.PostSummary},
            id="cancel",
        ),
        pytest.param(
            told.Halt(category=FailureCategory.CONSTITUTION_MISSING, message="m"),
            {do.StopWork, do.WriteState, do.SetLabels, do.PostFailure, do.PostCost},
            id="halt",
        ),
        pytest.param(
            ended("architecture", Result.HELD), {do.StopWork, do.WriteState, do.SetLabels, do.PostNotice}, id="held"
        ),
        pytest.param(
            ended("architecture", Result.FAILED),
            {do.WriteState, do.SetLabels, do.PostFailure, do.PostCost},
            id="failed",
        ),
    ],
)
def test_what_ends_a_run_stops_its_work_and_tells_people(event: told.Event, wanted: set[type]) -> None:
    decision = step(active(), event)

    assert wanted <= {type(effect) for effect in decision.effects}
    assert do.StartNodes not in {type(effect) for effect in decision.effects}
    assert not decision.state.status.open


def test_a_decision_is_the_same_each_time() -> None:
    event = ended("architecture", Result.SUCCEEDED, output={})
    assert step(active(), event) == step(active(), event)
