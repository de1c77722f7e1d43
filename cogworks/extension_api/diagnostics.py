"""What a check observed, and why a call could not be answered."""

from enum import StrEnum
from typing import Annotated, assert_never

from pydantic import AfterValidator, Field

from cogworks.extension_api.wire import ArtifactPath, JsonObject, WireModel

MAX_MESSAGE_CHARACTERS = 4000
"""A finding's message is cut here."""

MAX_DIAGNOSTICS = 1000
"""So many findings of one response are kept."""


class Severity(StrEnum):
    """How much a finding weighs; the order is the order in which findings are kept."""

    BLOCKING = "blocking"
    WARNING = "warning"
    INFORMATIONAL = "informational"


class Category(StrEnum):
    """The standard categories; any other is kept and treated as informational."""

    SYNTAX_ERROR = "syntax_error"
    TYPE_ERROR = "type_error"
    CONSTRAINT_VIOLATION = "constraint_violation"
    INTERFACE_MISMATCH = "interface_mismatch"
    DEPENDENCY_ERROR = "dependency_error"
    STYLE_VIOLATION = "style_violation"
    SAFETY_CONCERN = "safety_concern"
    PERFORMANCE_CONCERN = "performance_concern"
    TEST_FAILURE = "test_failure"
    COMPLETENESS = "completeness"


STANDARD_CATEGORIES = frozenset(category.value for category in Category)
"""The values of `Category`, for a look-up by text."""


def _cut_message(message: str) -> str:
    if len(message) <= MAX_MESSAGE_CHARACTERS:
        return message
    return message[: MAX_MESSAGE_CHARACTERS - 1] + "…"


class Diagnostic(WireModel):
    """One finding."""

    artifact: ArtifactPath | None = None
    location: JsonObject | None = Field(
        default=None, description="Owned by the domain, e.g. {line, column}; null = whole artifact."
    )
    severity: Severity
    category: str = Field(min_length=1, max_length=64)
    message: Annotated[str, AfterValidator(_cut_message)]
    code: str | None = None
    suggestion: str | None = None

    @property
    def effective_severity(self) -> Severity:
        """The severity to act on: a category nobody agreed on only informs."""
        return self.severity if self.category in STANDARD_CATEGORIES else Severity.INFORMATIONAL


_ORDER = {severity: place for place, severity in enumerate(Severity)}


def keep_most_severe(diagnostics: tuple[Diagnostic, ...]) -> tuple[tuple[Diagnostic, ...], int]:
    """The findings to keep, blocking first and otherwise in their order, and how many were dropped."""
    if len(diagnostics) <= MAX_DIAGNOSTICS:
        return diagnostics, 0
    ranked = sorted(diagnostics, key=lambda finding: _ORDER[finding.severity])
    return tuple(ranked[:MAX_DIAGNOSTICS]), len(diagnostics) - MAX_DIAGNOSTICS


class ErrorCode(StrEnum):
    """The standard reasons why a call has no result."""

    TOOL_NOT_FOUND = "tool_not_found"
    TOOL_FAILED = "tool_failed"
    INVALID_REQUEST = "invalid_request"
    UNSUPPORTED_METHOD = "unsupported_method"
    API_VERSION_MISMATCH = "api_version_mismatch"
    ARTIFACT_NOT_FOUND = "artifact_not_found"
    TIMEOUT = "timeout"
    INTERNAL_ERROR = "internal_error"
    TRANSPORT_ERROR = "transport_error"
    INVALID_RESPONSE = "invalid_response"
    SERVICE_UNAVAILABLE = "service_unavailable"

    @property
    def retryable(self) -> bool:
        """Whether the same call may do better a little later."""
        match self:
            case (
                ErrorCode.TOOL_FAILED
                | ErrorCode.TIMEOUT
                | ErrorCode.INTERNAL_ERROR
                | ErrorCode.TRANSPORT_ERROR
                | ErrorCode.INVALID_RESPONSE
                | ErrorCode.SERVICE_UNAVAILABLE
            ):
                return True
            case (
                ErrorCode.TOOL_NOT_FOUND
                | ErrorCode.INVALID_REQUEST
                | ErrorCode.UNSUPPORTED_METHOD
                | ErrorCode.API_VERSION_MISMATCH
                | ErrorCode.ARTIFACT_NOT_FOUND
            ):
                return False
            case _:
                assert_never(self)


class ErrorBody(WireModel):
    """Why the checks could not run."""

    code: str = Field(min_length=1, max_length=64)
    message: str
    recoverable: bool = True
    details: JsonObject | None = None

    @property
    def standard_code(self) -> ErrorCode:
        """The code to act on: one that nobody agreed on acts as `internal_error`."""
        try:
            return ErrorCode(self.code)
        except ValueError:
            return ErrorCode.INTERNAL_ERROR

    @property
    def retryable(self) -> bool:
        """Whether to try again: the code must allow it, and the service may still make it final."""
        return self.standard_code.retryable and self.recoverable
