"""What a method works with, and what it gives back."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from cogworks.extension_api.diagnostics import Category, Diagnostic, Severity
from cogworks.extension_api.envelope import ConstraintResult, InterfaceContract, Repository
from cogworks.extension_api.methods import Check
from cogworks.extension_api.wire import JsonObject, WireModel
from cogworks.service.python.deadlines import Deadline
from cogworks.service.python.workshop import Workshop


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request on its way through a method."""

    workshop: Workshop
    repository: Repository
    contracts: tuple[InterfaceContract, ...] | None
    deadline: Deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a method found out."""

    result: WireModel
    diagnostics: tuple[Diagnostic, ...] = ()
    constraint_results: tuple[ConstraintResult, ...] | None = None
    artifacts_checked: int = 0


@dataclass(slots=True)
class Findings:
    """Findings as they come in, and the checks that made them."""

    diagnostics: list[Diagnostic] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)

    @contextmanager
    def check(self, name: str) -> Iterator[None]:
        """Run the block as the check of that name: it passed when it added no blocking finding."""
        before, started = len(self.diagnostics), time.monotonic()
        yield
        passed = not any(finding.severity is Severity.BLOCKING for finding in self.diagnostics[before:])
        duration_ms = round((time.monotonic() - started) * 1000)
        self.checks.append(Check(name=name, passed=passed, duration_ms=duration_ms))


def finding(  # one place that knows how this service writes a location
    category: Category,
    message: str,
    *,
    severity: Severity = Severity.BLOCKING,
    artifact: str | None = None,
    line: int | None = None,
    column: int | None = None,
    code: str | None = None,
    suggestion: str | None = None,
) -> Diagnostic:
    """A finding at a line (from 1) and column (from 1) of an artifact."""
    location: JsonObject = {}
    if line is not None:
        location["line"] = max(line, 1)
    if line is not None and column is not None:
        location["column"] = max(column, 1)
    return Diagnostic(
        artifact=artifact,
        location=location or None,
        severity=severity,
        category=category,
        message=message,
        code=code,
        suggestion=suggestion,
    )
