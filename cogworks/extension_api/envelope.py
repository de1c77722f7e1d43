"""The two envelopes: what CogWorks asks, and what a service answers."""

from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from pydantic import Field, JsonValue

from cogworks.extension_api.diagnostics import Diagnostic, ErrorBody
from cogworks.extension_api.wire import API_VERSION, Count, JsonObject, WireModel

VERSION_PATTERN = r"^(0|[1-9][0-9]{0,3})\.(0|[1-9][0-9]{0,3})$"
"""MAJOR.MINOR."""

ModelT = TypeVar("ModelT", bound=WireModel)


class Caller(WireModel):
    """Who asks, for the service's own records."""

    system: str = "cogworks"
    system_version: str
    pipeline_run_id: UUID | None = None
    work_item_id: int | None = None
    sub_work_item_id: int | None = None
    node: str | None = None
    attempt: int | None = None
    trace_id: str | None = None


class Repository(WireModel):
    """Which commit the call is about: an absolute local path, or a clone URL (a scheme tells them apart)."""

    path: str = Field(min_length=1)
    ref: str = Field(min_length=1)


class InterfaceContract(WireModel):
    """One interface of the registry that concerns the artifacts of the call."""

    id: str
    type: str
    version: str
    owner: str
    domains: tuple[str, ...] = ()
    subject: str | None = None
    parameters: JsonObject = Field(default_factory=dict)


class Request(WireModel):
    """One call. `params` are those of `method` (see `methods`); `repository` is null only for the handshake."""

    request_id: UUID
    api_version: str = Field(default=API_VERSION, pattern=VERSION_PATTERN)
    method: str = Field(min_length=1, max_length=64)
    caller: Caller
    repository: Repository | None = None
    params: JsonObject = Field(default_factory=dict)
    interface_contracts: tuple[InterfaceContract, ...] | None = None
    deadline_ms: int = Field(ge=1)
    auth: None = None


class Status(StrEnum):
    """How the call went."""

    SUCCESS = "success"
    """no blocking finding"""
    FAILURE = "failure"
    """the checks ran, and at least one finding blocks"""
    ERROR = "error"
    """the checks could not run"""


class ConstraintOutcome(StrEnum):
    """How one parameter of a contract compares with the code."""

    PASS = "pass"  # noqa: S105 - an outcome, not a password
    WARNING = "warning"
    VIOLATION = "violation"
    NOT_EXTRACTED = "not_extracted"


class ConstraintResult(WireModel):
    """One parameter of one contract, compared."""

    interface_id: str
    parameter: str
    result: ConstraintOutcome
    expected: JsonValue = None
    actual: JsonValue = None
    unit: str | None = None
    owning_domain: str | None = None
    violating_domain: str | None = None
    message: str = ""


class Metadata(WireModel):
    """About the call itself."""

    duration_ms: Count
    tool_versions: dict[str, str] = Field(default_factory=dict)
    artifacts_checked: Count = 0
    truncated: Count = Field(default=0, description="How many diagnostics were dropped.")


class Response(WireModel):
    """One answer. `result` has the shape of the method's result model; it is null on `error`."""

    request_id: UUID
    api_version: str = Field(pattern=VERSION_PATTERN)
    status: Status
    result: JsonObject | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    constraint_results: tuple[ConstraintResult, ...] | None = None
    error: ErrorBody | None = None
    metadata: Metadata

    def result_as(self, model: type[ModelT]) -> ModelT:
        """The result as the given result model; ask only of a checked response that is not an `error`."""
        return model.model_validate(self.result)


def version_problem(service_version: str, *, needed: str = API_VERSION) -> str | None:
    """Why a service that speaks `service_version` cannot be used (same major, minor not below ours), or None."""
    needed_major, needed_minor = (int(part) for part in needed.split("."))
    parts = service_version.split(".")
    if len(parts) == 2 and all(part.isdecimal() for part in parts):
        major, minor = (int(part) for part in parts)
        if major == needed_major and minor >= needed_minor:
            return None
    return f"api {service_version}, need {needed_major}.x (>= {needed})"
