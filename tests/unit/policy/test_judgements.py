"""Small judgements as tables: gates, retries, alignment, classes, alerts, backoff, failures, labels, reviews."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from cogworks.bootstrap import default_pipeline
from cogworks.graph.definition import AlignmentRule, Graph, Node
from cogworks.model import errors
from cogworks.model.config import Labels
from cogworks.model.errors import FailureCategory
from cogworks.model.findings import Diagnostic, Finding, Severity
from cogworks.model.github import Pull, Review
from cogworks.model.ids import IssueNumber, NodeId, PullNumber, RepoName, RunId, Sha
from cogworks.model.outcome import Outcome, Result
from cogworks.model.state import (
    Classification,
    Cost,
    ItemClass,
    NodeState,
    NodeStatus,
    RunCost,
    RunState,
    RunStatus,
    Scope,
)
from cogworks.policy.alerts import due_levels
from cogworks.policy.alignment import judge, tightened
from cogworks.policy.backoff import backoff_s
from cogworks.policy.classify import judge_class, scope_excess
from cogworks.policy.failures import Decision, decide_on
from cogworks.policy.gates import Answer, answer_of, needs_person
from cogworks.policy.labels import desired, resumes, runnable
from cogworks.policy.paths import glob_matches
from cogworks.policy.retries import Again, GiveUp, dominant_category, flaky_pass, next_try
from cogworks.policy.review import verdict_of

NAMES = Labels()
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def graph() -> Graph:
    return default_pipeline().pipelines["default"]


@pytest.mark.parametrize(
    ("item_class", "gated"),
    [
        pytest.param(ItemClass.LOW_RISK, set(), id="low risk: nowhere"),
        pytest.param(ItemClass.STANDARD, {"architecture", "interface_design"}, id="standard"),
        pytest.param(
            ItemClass.SAFETY_CRITICAL, {"architecture", "interface_design", "review"}, id="safety: review too"
        ),
    ],
)
def test_people_stand_where_the_class_says(item_class: ItemClass, gated: set[str]) -> None:
    """ENG-39."""
    found = {n.id for n in graph().nodes.values() if needs_person(n, graph=graph(), item_class=item_class)}
    assert found == gated


def test_no_setting_opens_the_gate_of_a_safety_affecting_item() -> None:
    review = replace(graph().nodes[NodeId("review")], gate="auto-proceed")
    assert needs_person(review, graph=graph(), item_class=ItemClass.SAFETY_CRITICAL)
    assert not needs_person(review, graph=graph(), item_class=ItemClass.STANDARD)


def pull(*, merged: bool = False, is_open: bool = True) -> Pull:
    return Pull(
        number=PullNumber(7), title="t", body="", open=is_open, merged=merged, head="h", head_sha=Sha("s"), base="main",
        author="cogworks", merged_by="jo" if merged else None,
    )  # fmt: skip


def said(author: str, state: str, *, bot: bool = False) -> Review:
    return Review(id=1, author=author, author_is_bot=bot, state=state, body="")  # type: ignore[arg-type]


YES, NO, GONE = "APPROVED", "CHANGES_REQUESTED", "DISMISSED"


@pytest.mark.parametrize(
    ("one", "reviews", "answer", "by"),
    [
        pytest.param(pull(merged=True, is_open=False), [], Answer.APPROVED, "jo", id="merged"),
        pytest.param(pull(is_open=False), [], Answer.REJECTED, "", id="closed unmerged"),
        pytest.param(pull(), [], Answer.WAITING, "", id="nobody said anything"),
        pytest.param(pull(), [said("jo", YES)], Answer.APPROVED, "jo", id="approved"),
        pytest.param(pull(), [said("jo", NO)], Answer.WAITING, "", id="changes requested: waits"),
        pytest.param(pull(), [said("jo", YES), said("al", NO)], Answer.WAITING, "", id="one stands against it"),
        pytest.param(
            pull(), [said("al", NO), said("al", YES)], Answer.APPROVED, "al", id="the latest per person counts"
        ),
        pytest.param(
            pull(), [said("jo", YES), said("jo", "COMMENTED")], Answer.APPROVED, "jo", id="a comment changes nothing"
        ),
        pytest.param(pull(), [said("jo", YES), said("jo", GONE)], Answer.WAITING, "", id="dismissed does not count"),
        pytest.param(pull(), [said("eve", YES)], Answer.WAITING, "", id="no write access"),
        pytest.param(pull(), [said("cogworks", YES)], Answer.WAITING, "", id="our own does not count"),
        pytest.param(pull(), [said("jo", YES, bot=True)], Answer.WAITING, "", id="a bot's does not count"),
    ],
)
def test_what_people_said_at_a_gate(one: Pull, reviews: list[Review], answer: Answer, by: str) -> None:
    """GH-51."""
    told = answer_of(one, reviews, can_write=lambda login: login != "eve", own_login="cogworks")
    assert (told.answer, told.by) == (answer, by)


NODE = Node(id=NodeId("n"), type="llm", retries=5, semantic_stall_threshold=3)


def wrong(*categories: str) -> Outcome:
    found = tuple(Diagnostic(severity=Severity.BLOCKING, category=one, message="m") for one in categories)
    return Outcome(result=Result.INVALID, diagnostics=found, output_hash="h2")


@pytest.mark.parametrize(
    ("before", "outcome", "wanted"),
    [
        pytest.param(NodeState(), wrong("type_error"), "retries", id="retries left"),
        pytest.param(NodeState(retries=5), wrong("type_error"), FailureCategory.RETRY_EXHAUSTED, id="none left"),
        pytest.param(NodeState(reworks=2), Outcome(result=Result.MISALIGNED), "reworks", id="reworks left"),
        pytest.param(
            NodeState(reworks=3),
            Outcome(result=Result.MISALIGNED),
            FailureCategory.REWORK_EXHAUSTED,
            id="no rework left",
        ),
        pytest.param(
            NodeState(retries=2, categories=("type_error", "type_error")),
            wrong("type_error"),
            FailureCategory.SEMANTIC_STALL,
            id="the third in a row stalls",
        ),
        pytest.param(
            NodeState(retries=2, categories=("type_error", "interface_mismatch")),
            wrong("type_error"),
            "retries",
            id="another in between",
        ),
        pytest.param(
            NodeState(retries=2, categories=("schema", "schema")), wrong(), "retries", id="schema failures never stall"
        ),
        pytest.param(
            NodeState(categories=("test_failure",), output_hash="h2"),
            wrong("test_failure"),
            FailureCategory.FLAKY_TEST,
            id="same output",
        ),
        pytest.param(
            NodeState(categories=("test_failure",), output_hash="h1"),
            wrong("test_failure"),
            "retries",
            id="other output",
        ),
    ],
)
def test_whether_a_node_goes_again(before: NodeState, outcome: Outcome, wanted: str | FailureCategory) -> None:
    judged = next_try(NODE, before, outcome, max_rework=3)
    assert (judged.counter if isinstance(judged, Again) else judged.category) == wanted


def test_a_threshold_above_the_retries_switches_stalling_off() -> None:
    """W_STALL_THRESHOLD."""
    node = replace(NODE, retries=3, semantic_stall_threshold=5)
    before = NodeState(retries=2, categories=("type_error",) * 4)
    assert isinstance(next_try(node, before, wrong("type_error"), max_rework=0), Again)


@pytest.mark.parametrize(
    ("before", "flaky"),
    [
        pytest.param(
            NodeState(categories=("test_failure",), output_hash="h2"), True, id="failed, then passes unchanged"
        ),
        pytest.param(NodeState(categories=("test_failure",), output_hash="h1"), False, id="changed"),
        pytest.param(NodeState(categories=("type_error",), output_hash="h2"), False, id="failed otherwise"),
        pytest.param(NodeState(output_hash="h2"), False, id="never failed"),
    ],
)
def test_a_pass_of_what_failed_is_flaky(before: NodeState, flaky: bool) -> None:
    judged = flaky_pass(before, Outcome(result=Result.SUCCEEDED, output_hash="h2"))
    assert isinstance(judged, GiveUp) is flaky


@pytest.mark.parametrize(
    ("categories", "dominant"),
    [
        pytest.param(["type_error", "syntax_error", "type_error"], "type_error", id="most"),
        pytest.param(["type_error", "syntax_error"], "syntax_error", id="ties by name"),
        pytest.param([], "schema", id="none"),
        pytest.param(["made_up", "made_up", "type_error"], "type_error", id="an unknown one never blocks"),
    ],
)
def test_the_category_of_an_attempt(categories: list[str], dominant: str) -> None:
    assert dominant_category(wrong(*categories).diagnostics) == dominant


def finding(severity: Severity = Severity.WARNING, text: str = "d") -> Finding:
    return Finding(kind="missing", severity=severity, description=text, origin="llm")


RULE = AlignmentRule(threshold=Decimal("0.90"))


@pytest.mark.parametrize(
    ("more", "aligned"),
    [
        pytest.param({"llm_score": 0.90}, True, id="at the threshold"),
        pytest.param({"llm_score": 0.89}, False, id="below"),
        pytest.param({"llm_score": 1.0, "findings": [finding(Severity.BLOCKING)]}, False, id="a blocking finding"),
        pytest.param({"checks": [("a", True), ("b", False)]}, False, id="without a model: the share of checks"),
        pytest.param({"checks": [("a", True)]}, True, id="all checks passed"),
        pytest.param({}, True, id="nothing to check"),
        pytest.param({"llm_score": 0.91, "same_model": True, "safety": True}, False, id="safety, same model: +0.02"),
        pytest.param({"llm_score": 0.91, "same_model": True}, True, id="same model alone costs nothing"),
        pytest.param(
            {"llm_score": 1.0, "safety": True, "findings": [finding(text=str(n)) for n in range(4)]},
            False,
            id="safety: 4 warnings",
        ),
        pytest.param(
            {"llm_score": 1.0, "findings": [finding(text=str(n)) for n in range(4)]}, True, id="4 warnings else"
        ),
    ],
)
def test_what_counts_as_aligned(more: dict[str, object], aligned: bool) -> None:
    base: dict[str, object] = {"checks": [], "findings": [], "llm_score": None, "same_model": False, "safety": False}
    assert judge(RULE, **{**base, **more}).aligned is aligned  # type: ignore[arg-type]


def test_safety_tightens_a_rule_and_never_loosens_it() -> None:
    floor = AlignmentRule(threshold=Decimal("0.95"), max_rework=5)
    loose = AlignmentRule(llm=False, deterministic=False, threshold=Decimal("0.80"), max_rework=1)
    strict = AlignmentRule(threshold=Decimal("0.99"), max_rework=9)
    assert tightened(loose, safety=True, floor=floor) == floor
    assert tightened(strict, safety=True, floor=floor) == strict
    assert tightened(loose, safety=False, floor=floor) == loose


TOLD = Classification(
    task_type="bug_fix",
    affected_modules=("src/brakes",),
    component_tags=(),
    safety_affecting=False,
    pipeline=None,
    scope=Scope(files=3, interfaces=1, complexity="low"),
    rationale="r",
)


@pytest.mark.parametrize(
    ("told", "registry", "label", "item_class"),
    [
        pytest.param(TOLD, (), False, ItemClass.STANDARD, id="nothing special"),
        pytest.param(replace(TOLD, task_type="documentation"), (), False, ItemClass.LOW_RISK, id="documentation"),
        pytest.param(TOLD, ("src/brakes/**",), False, ItemClass.SAFETY_CRITICAL, id="registered folder"),
        pytest.param(TOLD, ("src/brakes",), False, ItemClass.SAFETY_CRITICAL, id="registered by its name"),
        pytest.param(TOLD, ("src/doors/**",), False, ItemClass.STANDARD, id="another module"),
        pytest.param(replace(TOLD, safety_affecting=True), (), False, ItemClass.SAFETY_CRITICAL, id="the model raises"),
        pytest.param(TOLD, (), True, ItemClass.SAFETY_CRITICAL, id="a person's label raises"),
        pytest.param(
            replace(TOLD, task_type="documentation"),
            ("src/**",),
            False,
            ItemClass.SAFETY_CRITICAL,
            id="safety beats low risk",
        ),
    ],
)
def test_the_class_of_an_item(
    told: Classification, registry: tuple[str, ...], label: bool, item_class: ItemClass
) -> None:
    judged = judge_class(
        told, safety_modules=registry, low_risk_task_types=("documentation",), safety_label=label, matches=glob_matches
    )
    assert judged.item_class is item_class
    assert judged.safety_affecting is (item_class is ItemClass.SAFETY_CRITICAL)


def test_scope_over_a_limit_is_said_in_figures() -> None:
    assert scope_excess(TOLD, max_files=3, max_interfaces=1) == ""
    assert (
        scope_excess(TOLD, max_files=2, max_interfaces=0)
        == "3 files expected, 2 allowed; 1 interfaces expected, 0 allowed"
    )


@pytest.mark.parametrize(
    ("microusd", "tokens", "lost", "alerted", "levels"),
    [
        pytest.param(0, 0, 0, 0, (), id="nothing"),
        pytest.param(49, 0, 0, 0, (), id="below half"),
        pytest.param(50, 0, 0, 0, (50,), id="half"),
        pytest.param(10, 75, 0, 0, (50, 75), id="the larger of both counts, and no level is passed over"),
        pytest.param(99, 99, 0, 75, (90,), id="people know of the lower ones"),
        pytest.param(99, 99, 0, 90, (), id="each level once"),
        pytest.param(40, 0, 12, 0, (50,), id="what may have been spent counts too"),
    ],
)
def test_the_alerts_that_are_due(microusd: int, tokens: int, lost: int, alerted: int, levels: tuple[int, ...]) -> None:
    cost = RunCost(
        microusd=microusd,
        tokens=tokens,
        limit_microusd=100,
        limit_tokens=100,
        unreconciled=Cost(microusd=lost),
        alerted=alerted,
    )
    assert due_levels(cost) == levels


@pytest.mark.parametrize(
    ("tries", "asked", "wait"),
    [(1, None, 0.5), (2, None, 1.0), (4, None, 4.0), (50, None, 60.0), (1, 30.0, 30.0), (8, 3.0, 60.0)],
)
def test_waits_double_up_to_a_minute_and_a_longer_wish_wins(tries: int, asked: float | None, wait: float) -> None:
    assert backoff_s(tries, jitter=1.0, retry_after_s=asked) == wait


@pytest.mark.parametrize(
    ("error", "decision"),
    [
        (errors.GitHubTransient("x"), Decision.RETRY_CALL),
        (errors.RateLimited("x", kind="k"), Decision.RETRY_CALL),
        (errors.DependencyUnavailable("x", category=FailureCategory.LLM_ERROR), Decision.WAIT),
        (errors.InvalidOutput("x"), Decision.NODE_RETRY),
        (errors.NotFound("x", operation="o", target="t"), Decision.NODE_FAILS),
        (errors.BudgetExceeded("x", limit="run"), Decision.NODE_FAILS),
        (errors.PolicyViolation("x", category=FailureCategory.INJECTION_DETECTED, event="E"), Decision.HOLD),
        (errors.PolicyViolation("x", category=FailureCategory.SCOPE_UNDERSPECIFIED, event="E"), Decision.CLARIFY),
        (errors.PolicyViolation("x", category=FailureCategory.SCOPE_AMBIGUOUS, event="E"), Decision.CLARIFY),
        (
            errors.PolicyViolation("x", category=FailureCategory.PROTECTED_PATH_VIOLATION, event="E"),
            Decision.NODE_FAILS,
        ),
        (errors.StaleFence("x"), Decision.STOP_QUIETLY),
        (errors.Cancelled("x"), Decision.STOP_QUIETLY),
    ],
    ids=lambda one: one.code if isinstance(one, errors.CogWorksError) else str(one),
)
def test_what_an_error_leads_to(error: errors.CogWorksError, decision: Decision) -> None:
    assert decide_on(error) is decision


def run(status: RunStatus = RunStatus.RUNNING, **nodes: NodeStatus) -> RunState:
    return RunState(
        schema_version="1", run_id=RunId("r"), repo=RepoName("a/b"), work_item=IssueNumber(1), pipeline="p",
        graph_hash="h", config_sha=Sha("c"), cost=RunCost(limit_microusd=1, limit_tokens=1), status=status,
        nodes={NodeId(name): NodeState(status=one, attempts=1) for name, one in nodes.items()},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("state", "wanted"),
    [
        pytest.param(run(intake=NodeStatus.ACTIVE), {"cogworks:processing", "cogworks:node:intake"}, id="at work"),
        pytest.param(
            run(x=NodeStatus.AWAITING_APPROVAL), {NAMES.awaiting_review, "cogworks:node:x"}, id="a gate waits"
        ),
        pytest.param(run(x=NodeStatus.COMPLETED), set(), id="between nodes"),
        pytest.param(run(RunStatus.FAILED, x=NodeStatus.FAILED), {"cogworks:node:failed"}, id="failed"),
        pytest.param(run(RunStatus.ESCALATED), {"cogworks:node:failed"}, id="escalated"),
        pytest.param(run(RunStatus.COMPLETED), {"cogworks:node:complete"}, id="completed"),
        pytest.param(run(RunStatus.CANCELLED, x=NodeStatus.ACTIVE), {NAMES.cancel}, id="cancelled: no node label"),
        pytest.param(run(RunStatus.HELD), {NAMES.hold}, id="held"),
    ],
)
def test_the_labels_of_a_state(state: RunState, wanted: set[str]) -> None:
    assert desired(state, NAMES) == wanted


@pytest.mark.parametrize("blocking", [NAMES.hold, NAMES.cancel, "cogworks:node:failed", "cogworks:node:complete"])
def test_a_blocking_label_keeps_an_issue_from_running(blocking: str) -> None:
    assert runnable(frozenset({NAMES.trigger}), NAMES)
    assert not runnable(frozenset(), NAMES)
    assert not runnable(frozenset({NAMES.trigger, blocking}), NAMES)


@pytest.mark.parametrize(
    ("status", "goes_on"), [(one, one in ("failed", "escalated", "cancelled")) for one in RunStatus]
)
def test_which_runs_a_removed_label_resumes(status: RunStatus, goes_on: bool) -> None:
    assert resumes(status, frozenset({NAMES.trigger}), NAMES) is goes_on
    assert not resumes(status, frozenset({NAMES.trigger, "cogworks:node:failed"}), NAMES)


def test_one_blocking_finding_of_any_pass_remediates() -> None:
    assert verdict_of([]) == verdict_of([finding()]) == "proceed"
    assert verdict_of([finding(), finding(Severity.BLOCKING)]) == "remediate"
