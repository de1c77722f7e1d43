"""The error tree (20 section 7).

::

    CogWorksError
    ├── Transient                 try again after backoff
    │   ├── RateLimited           GitHub or the model provider said how long
    │   ├── GitHubTransient       5xx, reset, timeout
    │   ├── LlmTransient          overloaded, server error, network, timeout
    │   └── ServiceTransient      a domain service that may answer next time
    ├── DependencyUnavailable     tries or wait are spent: wait in the state, exit 75
    ├── ValidationFailed          the model's answer or work is technically wrong: node retry
    │   ├── InvalidOutput         schema failure
    │   └── Truncated             output limit reached
    ├── Permanent                 no repetition helps: fail
    │   ├── ConfigError           a file, option or variable is wrong, all problems at once
    │   ├── NotFound, PermissionDenied, AlreadyExists, InvalidRequest, ParseFailure, CapabilityMissing
    │   ├── LlmAuth, LlmBadRequest, LlmTooLarge, LlmRefused
    │   ├── BranchDiverged        a branch moved under us
    │   └── ServiceError
    ├── BudgetExceeded            the ledger refused a call before it was sent
    ├── PolicyViolation           constitution, injection, scope, protected path, sandbox
    ├── LeaseConflict, StaleFence somebody else owns this work: stop, write nothing
    ├── ToolRefused               one tool call was refused; the model is told and goes on
    └── Cancelled                 a person ended the run: stop quietly

``policy.failures.decide_on`` is the one function from an error to what happens next.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cogworks.model.llm import RateLimits, Usage


class FailureCategory(StrEnum):
    """Why a node, an SWI or a run stopped (ENG-04)."""

    RETRY_EXHAUSTED = "retry_exhausted"
    REWORK_EXHAUSTED = "rework_exhausted"
    TRAVERSALS_EXHAUSTED = "traversals_exhausted"
    SEMANTIC_STALL = "semantic_stall"
    FLAKY_TEST = "flaky_test"
    TIMEOUT = "timeout"
    BUDGET_EXCEEDED = "budget_exceeded"
    SCOPE_THRESHOLD = "scope_threshold"
    GRANULARITY_LIMIT = "granularity_limit"
    GATE_REJECTED = "gate_rejected"
    DEAD_END = "dead_end"
    BLOCKED_INPUT = "blocked_input"
    CONFIG_ERROR = "config_error"
    CONSTITUTION_MISSING = "constitution_missing"
    INJECTION_DETECTED = "injection_detected"
    SCOPE_UNDERSPECIFIED = "scope_underspecified"
    SCOPE_AMBIGUOUS = "scope_ambiguous"
    SCOPE_VIOLATION = "scope_violation"
    PROTECTED_PATH_VIOLATION = "protected_path_violation"
    HOLDOUT_VIOLATION = "holdout_violation"
    SANDBOX_UNAVAILABLE = "sandbox_unavailable"
    CONTEXT_TOO_LARGE = "context_too_large"
    ENVIRONMENT_FAULT = "environment_fault"
    SERVICE_UNAVAILABLE = "service_unavailable"
    GITHUB_ERROR = "github_error"
    LLM_ERROR = "llm_error"
    BRANCH_DIVERGED = "branch_diverged"
    GRAPH_CHANGED = "graph_changed"
    STATE_CONFLICT = "state_conflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong with an input: where, what, and what is allowed instead."""

    code: str
    message: str
    file: str = ""
    field: str = ""
    allowed: str = ""

    def __str__(self) -> str:
        where = ": ".join(part for part in (self.file, self.field) if part)
        allowed = f"; allowed: {self.allowed}" if self.allowed else ""
        return f"{where}: {self.message}{allowed}" if where else f"{self.message}{allowed}"


class CogWorksError(Exception):
    """Something went wrong; the message says what and for whom."""

    category: FailureCategory | None = None

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message

    @property
    def code(self) -> str:
        """Stable snake-case name of this class of error, for JSON documents and dead letters."""
        name = type(self).__name__
        return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), dict(self.__dict__))


def _rebuild(kind: type[CogWorksError], fields: Mapping[str, object]) -> CogWorksError:
    error = kind.__new__(kind)
    error.__dict__.update(fields)
    error.args = (error.message,)
    return error


class Transient(CogWorksError):
    """An outside party failed in a way that may pass; the operation may be tried again."""

    def __init__(self, message: str = "", *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RateLimited(Transient):
    """A provider's limit was hit; ``reset_at`` says when it lifts, ``limits`` what is left, if the provider said so."""

    def __init__(
        self,
        message: str = "",
        *,
        kind: str,
        reset_at: datetime | None = None,
        retry_after_s: float | None = None,
        limits: RateLimits | None = None,
    ) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.kind = kind
        self.reset_at = reset_at
        self.limits = limits


class GitHubTransient(Transient):
    """GitHub answered 5xx, dropped the connection or did not answer in time."""

    category = FailureCategory.GITHUB_ERROR


class LlmTransient(Transient):
    """The model provider failed; ``kind`` is ``overloaded``, ``server_error``, ``network`` or ``timeout``."""

    category = FailureCategory.LLM_ERROR

    def __init__(self, message: str = "", *, kind: str, retry_after_s: float | None = None) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.kind = kind


class ServiceTransient(Transient):
    """A domain service call failed with a retryable code of 60 section 5."""

    category = FailureCategory.SERVICE_UNAVAILABLE

    def __init__(self, message: str = "", *, service: str, method: str, error_code: str) -> None:
        super().__init__(message)
        self.service, self.method, self.error_code = service, method, error_code


class DependencyUnavailable(CogWorksError):
    """An outside party stays away; the run waits in its state and goes on later. Exit 75."""

    def __init__(
        self, message: str = "", *, category: FailureCategory, reason: str = "outage", retry_after_s: float = 60.0
    ) -> None:
        super().__init__(message)
        self.category = category
        self.reason = reason
        self.retry_after_s = retry_after_s


class ValidationFailed(CogWorksError):
    """What the model produced is technically wrong; ``problems`` goes back to it."""

    category = FailureCategory.RETRY_EXHAUSTED

    def __init__(self, message: str = "", *, problems: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems


class InvalidOutput(ValidationFailed):
    """The answer does not fit its schema; each problem starts with a JSON pointer."""


class Truncated(ValidationFailed):
    """The answer ended at the output limit, or the tool loop at its turn limit."""


class Permanent(CogWorksError):
    """No repetition helps; a person has to change something."""


class ConfigError(Permanent):
    """A file, option or variable is wrong; every problem found is in ``problems``. Exit 2."""

    category = FailureCategory.CONFIG_ERROR

    def __init__(self, *, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(p) for p in problems))
        self.problems = problems


class GitHubError(Permanent):
    """GitHub refused; ``operation`` and ``target`` say what was asked of what."""

    category = FailureCategory.GITHUB_ERROR

    def __init__(self, message: str = "", *, operation: str, target: str) -> None:
        super().__init__(f"{operation} {target}: {message}")
        self.operation, self.target = operation, target


class NotFound(GitHubError):
    """The target does not exist, or the token may not see it."""


class PermissionDenied(GitHubError):
    """The token lacks a right that the operation needs."""


class AlreadyExists(GitHubError):
    """The thing to create is there already."""


class InvalidRequest(GitHubError):
    """GitHub found a field wrong."""


class ParseFailure(GitHubError):
    """An answer lacks a field that is needed; nothing was guessed."""


class CapabilityMissing(GitHubError):
    """The server does not offer this operation."""


class BranchDiverged(Permanent):
    """A branch is not where we left it, or branches to be joined clash; nothing was pushed."""

    category = FailureCategory.BRANCH_DIVERGED


class LlmError(Permanent):
    """The model provider refused the call for good; ``usage`` is what an answer of that kind cost all the same."""

    category = FailureCategory.LLM_ERROR

    def __init__(self, message: str = "", *, request_id: str = "", usage: Usage | None = None) -> None:
        super().__init__(message)
        self.request_id = request_id
        self.usage = usage


class LlmAuth(LlmError):
    """The key is wrong, lacks rights, or its spending is capped."""


class LlmBadRequest(LlmError):
    """The provider found the request malformed."""


class LlmTooLarge(LlmError):
    """The prompt is over the model's window."""

    category = FailureCategory.CONTEXT_TOO_LARGE


class LlmRefused(LlmError):
    """The model refused to answer; the message is its text."""


class ServiceError(Permanent):
    """A domain service refused the call for good, with a code of 60 section 5."""

    category = FailureCategory.SERVICE_UNAVAILABLE

    def __init__(self, message: str = "", *, service: str, method: str, error_code: str) -> None:
        super().__init__(message)
        self.service, self.method, self.error_code = service, method, error_code


class BudgetExceeded(CogWorksError):
    """The ledger refused a call before it was sent; ``limit`` names the limit that it would pass."""

    category = FailureCategory.BUDGET_EXCEEDED

    def __init__(self, message: str = "", *, limit: str) -> None:
        super().__init__(message)
        self.limit = limit


class PolicyViolation(CogWorksError):
    """A safety rule was broken; ``event`` is its name in the audit trail, ``digest`` that of the text in question."""

    def __init__(
        self, message: str = "", *, category: FailureCategory, event: str, detail: str = "", digest: str = ""
    ) -> None:
        super().__init__(message)
        self.category = category
        self.event = event
        self.detail = detail
        self.digest = digest


class ToolRefused(CogWorksError):
    """One tool call was refused and changed nothing; ``error`` is a code of 50 section 2."""

    def __init__(self, message: str = "", *, error: str, parameter: str = "", constraint: str = "") -> None:
        super().__init__(message)
        self.error, self.parameter, self.constraint = error, parameter, constraint


class LeaseConflict(CogWorksError):
    """Somebody else holds the lease; nothing was changed."""

    category = FailureCategory.STATE_CONFLICT


class StaleFence(CogWorksError):
    """A newer owner took over; nothing was written."""

    category = FailureCategory.STATE_CONFLICT


class Cancelled(CogWorksError):
    """The run was cancelled while this attempt was at work."""
