"""Which failures are dead letters, which of them alarm, and when one may be replayed (20 sections 6 and 7)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from cogworks.model.config import Labels
from cogworks.model.dead_letter import DeadLetter, Reason, Stage
from cogworks.model.errors import FailureCategory
from cogworks.model.github import Issue
from cogworks.model.state import NodeStatus, RunState, RunStatus

OVERDUE = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where work died and why."""

    stage: Stage
    reason: Reason


def _at(stage: Stage, reason: Reason) -> Place:
    return Place(stage=stage, reason=reason)


PLACES: Mapping[FailureCategory, Place | None] = {
    # Tried as often as allowed: going again needs a person's word.
    FailureCategory.RETRY_EXHAUSTED: _at(Stage.OUTPUT, Reason.EXHAUSTED_RETRIES),
    FailureCategory.REWORK_EXHAUSTED: _at(Stage.OUTPUT, Reason.EXHAUSTED_RETRIES),
    FailureCategory.TRAVERSALS_EXHAUSTED: _at(Stage.OUTPUT, Reason.EXHAUSTED_RETRIES),
    FailureCategory.TIMEOUT: _at(Stage.EXEC, Reason.TIMEOUT),
    # What came out is wrong in a way that more tries do not mend.
    FailureCategory.SEMANTIC_STALL: _at(Stage.OUTPUT, Reason.VALIDATION_FAILED),
    FailureCategory.FLAKY_TEST: _at(Stage.OUTPUT, Reason.VALIDATION_FAILED),
    FailureCategory.DEAD_END: _at(Stage.OUTPUT, Reason.VALIDATION_FAILED),
    # What went in is wrong.
    FailureCategory.CONFIG_ERROR: _at(Stage.INPUT, Reason.VALIDATION_FAILED),
    FailureCategory.GRAPH_CHANGED: _at(Stage.INPUT, Reason.VALIDATION_FAILED),
    FailureCategory.CONTEXT_TOO_LARGE: _at(Stage.INPUT, Reason.VALIDATION_FAILED),
    # Somebody outside refused for good.
    FailureCategory.GITHUB_ERROR: _at(Stage.FETCH, Reason.DEPENDENCY_UNAVAILABLE),
    FailureCategory.SERVICE_UNAVAILABLE: _at(Stage.FETCH, Reason.DEPENDENCY_UNAVAILABLE),
    FailureCategory.SANDBOX_UNAVAILABLE: _at(Stage.FETCH, Reason.DEPENDENCY_UNAVAILABLE),
    FailureCategory.LLM_ERROR: _at(Stage.EXEC, Reason.DEPENDENCY_UNAVAILABLE),
    # Machines: workers that died, branches and states that moved under us.
    FailureCategory.ENVIRONMENT_FAULT: _at(Stage.EXEC, Reason.INFRASTRUCTURE_FAILURE),
    FailureCategory.BRANCH_DIVERGED: _at(Stage.COMMIT, Reason.INFRASTRUCTURE_FAILURE),
    FailureCategory.STATE_CONFLICT: _at(Stage.COMMIT, Reason.INFRASTRUCTURE_FAILURE),
    # A safety rule was broken; a person decides whether it goes again.
    FailureCategory.SCOPE_VIOLATION: _at(Stage.EXEC, Reason.POLICY_VIOLATION),
    FailureCategory.PROTECTED_PATH_VIOLATION: _at(Stage.EXEC, Reason.POLICY_VIOLATION),
    FailureCategory.HOLDOUT_VIOLATION: _at(Stage.EXEC, Reason.POLICY_VIOLATION),
    # No letters: a person said no, or is asked something that going again as it is does not answer.
    FailureCategory.GATE_REJECTED: None,
    FailureCategory.SCOPE_THRESHOLD: None,
    FailureCategory.SCOPE_UNDERSPECIFIED: None,
    FailureCategory.SCOPE_AMBIGUOUS: None,
    FailureCategory.GRANULARITY_LIMIT: None,
    FailureCategory.INJECTION_DETECTED: None,
    # The same call would be refused again until the limit is raised.
    FailureCategory.BUDGET_EXCEEDED: None,
    # No attempt died: another node's failure, or the rules of the whole run.
    FailureCategory.BLOCKED_INPUT: None,
    FailureCategory.CONSTITUTION_MISSING: None,
}


def wakes(reason: Reason) -> bool:
    """Tell whether an operator is woken; bad answers of a model are everyday life (70 section 9)."""
    return reason not in (Reason.VALIDATION_FAILED, Reason.EXHAUSTED_RETRIES)


def is_unanswered(letter: DeadLetter, state: RunState) -> bool:
    """Tell whether the run still stands where ``letter`` was written: its attempt failed and none came after it."""
    if letter.ref is None or letter.run != state.run_id or state.status.open:
        return False
    at = state.node(letter.ref)
    return at.status is NodeStatus.FAILED and at.attempts == letter.attempt


def gone_on(letter: DeadLetter, state: RunState) -> bool:
    """Tell whether the run has left behind what ``letter`` tells of, however it came to that."""
    if letter.ref is None or letter.run != state.run_id:
        return True
    at = state.node(letter.ref)
    return at.attempts > letter.attempt or at.status in _ELSEWHERE


_ELSEWHERE = (NodeStatus.PENDING, NodeStatus.COMPLETED, NodeStatus.SKIPPED, NodeStatus.AWAITING_APPROVAL)


def replay_refused(state: RunState, issue: Issue, names: Labels) -> str:
    """Return why a stopped run may not go on with a replay; empty when it may (RUN-20)."""
    labels = frozenset(issue.labels)
    if state.status is RunStatus.HELD or names.hold in labels:
        return "the run is held: human review is required"
    if state.status is RunStatus.CANCELLED or names.cancel in labels:
        return "the run was cancelled"
    if not issue.open:
        return "the issue is closed"
    if names.trigger not in labels:
        return f"the issue does not carry {names.trigger}"
    cost = state.cost
    if cost.microusd >= cost.limit_microusd or cost.tokens >= cost.limit_tokens:
        return "the run is out of budget"
    return ""
