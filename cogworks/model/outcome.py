"""What one attempt came to: returned by nodes, journalled by the engine, read by ``decide``."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from pydantic import ConfigDict, TypeAdapter

from cogworks.model.errors import FailureCategory
from cogworks.model.findings import Alignment, Diagnostic, Finding, MatrixRow
from cogworks.model.json_value import JsonValue
from cogworks.model.state import Artifact, Cost, Swi


class Result(StrEnum):
    """How an attempt ended."""

    SUCCEEDED = "succeeded"
    INVALID = "invalid"
    MISALIGNED = "misaligned"
    FAILED = "failed"
    ESCALATED = "escalated"
    CLARIFICATION = "clarification"
    HELD = "held"
    UNAVAILABLE = "unavailable"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check that an attempt ran and how it ended, for the completion part and the PR body."""

    name: str
    passed: bool
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Result of one attempt with all that later steps need of it.

    ``output`` is the node's typed answer as JSON, which conditions see as ``result``. ``diagnostics`` go back to the
    model on a retry, ``findings`` on a rework. ``error`` is the class of the error that ended the attempt, if one did.
    ``remembered`` is the part of ``cost`` that an earlier owner of the same attempt paid; ``unreconciled`` is what
    calls that were cut off may have cost besides.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    result: Result
    output: Mapping[str, JsonValue] | None = None
    output_hash: str = ""
    artifacts: Mapping[str, Artifact] = field(default_factory=dict)
    swis: tuple[Swi, ...] = ()
    matrix: tuple[MatrixRow, ...] = ()
    alignment: Alignment | None = None
    checks: tuple[Check, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    findings: tuple[Finding, ...] = ()
    category: FailureCategory | None = None
    message: str = ""
    error: str = ""
    traceback_digest: str = ""
    head: str = ""
    base: str = ""
    pr: int | None = None
    safety_affecting: bool = False
    cost: Cost = Cost()
    remembered: Cost = Cost()
    unreconciled: Cost = Cost()
    llm_calls: int = 0
    model: str = ""
    passes: int = 0
    tool_calls: Mapping[str, int] = field(default_factory=dict)
    wait_reason: str = ""
    wait_until: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None


_ADAPTER: TypeAdapter[Outcome] = TypeAdapter(Outcome)


def outcome_to_json(outcome: Outcome) -> str:
    """Return the compact JSON text of ``outcome``."""
    return _ADAPTER.dump_json(outcome, exclude_defaults=True).decode()


def outcome_from_json(text: str | bytes) -> Outcome:
    """Return the outcome in ``text``; raises pydantic's ValidationError for any other shape."""
    return _ADAPTER.validate_json(text)


def with_texts(outcome: Outcome, change: Callable[[JsonValue], JsonValue]) -> Outcome:
    """Return ``outcome`` with ``change`` applied to it as plain JSON values."""
    return _ADAPTER.validate_python(change(_ADAPTER.dump_python(outcome, mode="json")))
