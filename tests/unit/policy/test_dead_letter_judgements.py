"""Which failures are dead letters, which alarm, and when one may be replayed."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cogworks.model.config import Labels
from cogworks.model.dead_letter import DeadLetter, LetterError, Reason, Stage
from cogworks.model.errors import FailureCategory
from cogworks.model.github import Issue
from cogworks.model.ids import IssueNumber, NodeId, RepoName, RunId, Sha
from cogworks.model.state import NodeState, NodeStatus, RunCost, RunState, RunStatus
from cogworks.policy.dead_letters import PLACES, gone_on, is_unanswered, replay_refused, wakes

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
NODE = NodeId("planning")

LETTER = DeadLetter(
    key="a/b#1/r1/planning/-/2",
    run=RunId("r1"),
    work_item="a/b#1",
    node=NODE,
    swi=None,
    stage=Stage.EXEC,
    reason=Reason.INFRASTRUCTURE_FAILURE,
    attempt=2,
    starts=5,
    error=LetterError(kind="WorkerLost", code="environment_fault", message=""),
    traceback_digest="",
    first_seen=NOW,
    last_seen=NOW,
    last_owner="",
    sentry_event_id="",
    payload_hash="",
)


def state(
    status: RunStatus = RunStatus.FAILED, *, run: str = "r1", node: NodeStatus = NodeStatus.FAILED, attempts: int = 2
) -> RunState:
    return RunState(
        schema_version="1",
        run_id=RunId(run),
        repo=RepoName("a/b"),
        work_item=IssueNumber(1),
        pipeline="default",
        graph_hash="",
        config_sha=Sha(""),
        status=status,
        cost=RunCost(limit_microusd=1000, limit_tokens=1000),
        nodes={NODE: NodeState(status=node, attempts=attempts)},
    )


def test_every_failure_category_is_judged() -> None:
    assert set(PLACES) == set(FailureCategory)


@pytest.mark.parametrize(
    ("category", "why"),
    [
        (FailureCategory.GATE_REJECTED, "a person said no"),
        (FailureCategory.SCOPE_THRESHOLD, "a person is asked to split or to allow"),
        (FailureCategory.SCOPE_AMBIGUOUS, "a person is asked what is meant"),
        (FailureCategory.GRANULARITY_LIMIT, "a person is asked to split"),
        (FailureCategory.INJECTION_DETECTED, "the run is held"),
        (FailureCategory.BUDGET_EXCEEDED, "the same call would be refused again"),
        (FailureCategory.BLOCKED_INPUT, "another node's failure"),
    ],
    ids=str,
)
def test_no_letter_is_written_for(category: FailureCategory, why: str) -> None:
    assert PLACES[category] is None, why


@pytest.mark.parametrize("reason", Reason, ids=str)
def test_operators_are_woken_by_all_but_bad_answers_of_a_model(reason: Reason) -> None:
    assert wakes(reason) is (reason not in {Reason.VALIDATION_FAILED, Reason.EXHAUSTED_RETRIES})


@pytest.mark.parametrize(
    ("at", "unanswered", "gone", "why"),
    [
        (state(), True, False, "it stands where the letter was written"),
        (state(RunStatus.RUNNING), False, False, "its siblings are still at work"),
        (state(RunStatus.RUNNING, node=NodeStatus.ACTIVE), False, False, "the step that fails it is under way"),
        (state(RunStatus.RUNNING, node=NodeStatus.PENDING), False, True, "it was let go on and waits for its turn"),
        (state(RunStatus.RUNNING, node=NodeStatus.ACTIVE, attempts=3), False, True, "a new attempt works"),
        (state(attempts=3), False, True, "a new attempt failed too, with a letter of its own"),
        (state(RunStatus.COMPLETED, node=NodeStatus.COMPLETED, attempts=2), False, True, "it is done"),
        (state(run="r2"), False, True, "the item was restarted"),
    ],
)
def test_a_letter_is_compared_with_its_run(at: RunState, unanswered: bool, gone: bool, why: str) -> None:
    assert (is_unanswered(LETTER, at), gone_on(LETTER, at)) == (unanswered, gone), why


def issue(*labels: str, open_: bool = True) -> Issue:
    return Issue(id=1, number=IssueNumber(1), title="", body="", open=open_, labels=labels, author="jo", milestone=None)


TRIGGER = "cogworks:run"
SPENT = replace(state(), cost=RunCost(microusd=1000, limit_microusd=1000, limit_tokens=1000))
LONG = replace(state(), cost=RunCost(tokens=1000, limit_microusd=1000, limit_tokens=1000))


@pytest.mark.parametrize(
    ("at", "seen", "reason"),
    [
        (state(), issue(TRIGGER, "cogworks:node:failed"), ""),
        (state(RunStatus.HELD), issue(TRIGGER), "the run is held: human review is required"),
        (state(), issue(TRIGGER, "cogworks:hold"), "the run is held: human review is required"),
        (state(RunStatus.CANCELLED), issue(TRIGGER), "the run was cancelled"),
        (state(), issue(TRIGGER, "cogworks:cancel"), "the run was cancelled"),
        (state(), issue(TRIGGER, open_=False), "the issue is closed"),
        (state(), issue("bug"), "the issue does not carry cogworks:run"),
        (SPENT, issue(TRIGGER), "the run is out of budget"),
        (LONG, issue(TRIGGER), "the run is out of budget"),
    ],
)
def test_a_replay_is_refused_with_its_reason(at: RunState, seen: Issue, reason: str) -> None:
    assert replay_refused(at, seen, Labels()) == reason
