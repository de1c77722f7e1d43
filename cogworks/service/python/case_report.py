"""What the runner in the sandbox reported, line by line, up to where it got."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, TypeAdapter, ValidationError

from cogworks.extension_api.diagnostics import Category, Diagnostic
from cogworks.extension_api.methods import Case, CaseOutcome, SimulateResult
from cogworks.extension_api.wire import path_problem
from cogworks.service.python.calls import Answer, finding
from cogworks.service.python.settings import Limits

_CUT_MARK = "\n[cut]\n"
_MAX_MESSAGE_CHARACTERS = 4000


class Event(BaseModel):
    """One line of the report; which fields it has depends on the event."""

    event: Literal["collected", "collection_error", "start", "end"]
    id: str = ""
    ids: list[str] = []
    kinds: list[str] = []
    outcome: Literal["passed", "failed", "skipped"] = "failed"
    duration_ms: int = 0
    message: str = ""
    line: int | None = None
    output: str = ""


_EVENT = TypeAdapter(Event)


@dataclass(slots=True, kw_only=True)
class CaseReport:
    """The events, sorted into what they are about."""

    limits: Limits
    collected: list[str] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    ended: dict[str, Event] = field(default_factory=dict)
    uncollected: dict[str, Event] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all is known about any case."""
        return not (self.collected or self.started or self.uncollected)

    def to_answer(self, *, killed: bool, exit_code: int) -> Answer:
        """The cases and a blocking finding for each that failed."""
        cases, findings = [], []
        for case, diagnostic in (*self._of_files(), *self._of_tests(killed=killed, exit_code=exit_code)):
            cases.append(case)
            if diagnostic is not None:
                findings.append(diagnostic)
        return Answer(
            result=_counted(self._within_budget(cases)),
            diagnostics=tuple(findings),
            artifacts_checked=len({case.id.partition("::")[0] for case in cases}),
        )

    def _of_files(self) -> Iterator[tuple[Case, Diagnostic | None]]:
        for event in self.uncollected.values():
            yield _case(event, CaseOutcome.FAILED), _failure(event, _collection_category(event))

    def _of_tests(self, *, killed: bool, exit_code: int) -> Iterator[tuple[Case, Diagnostic | None]]:
        started = set(self.started)
        for identifier in dict.fromkeys([*self.collected, *self.started]):
            event = self.ended.get(identifier)
            if event is not None:
                yield _case(event, CaseOutcome(event.outcome)), _failure_of(event)
            elif identifier in started:
                yield _interrupted(identifier, killed=killed, exit_code=exit_code)
            else:
                message = "not run: the run ended before it"
                yield _case(Event(event="end", id=identifier, message=message), CaseOutcome.SKIPPED), None

    def _within_budget(self, cases: list[Case]) -> tuple[Case, ...]:
        left = self.limits.call_output_bytes
        kept: list[Case] = []
        for case in cases:
            output = case.output if len(case.output) <= left else case.output[:left] + _CUT_MARK
            left = max(0, left - len(case.output))
            kept.append(case.model_copy(update={"output": output}))
        return tuple(kept)


def read_report(content: bytes, *, limits: Limits) -> CaseReport:
    """The report as far as it was written; a line cut off by a kill is left out."""
    report = CaseReport(limits=limits)
    for line in content.splitlines():
        try:
            event = _EVENT.validate_json(line)
        except ValidationError:
            continue  # the line that the kill interrupted
        match event.event:
            case "collected":
                report.collected += event.ids
            case "collection_error":
                report.uncollected[event.id] = event
            case "start":
                report.started.append(event.id)
            case "end":
                report.ended[event.id] = event
    return report


def _counted(cases: tuple[Case, ...]) -> SimulateResult:
    passed = sum(case.outcome is CaseOutcome.PASSED for case in cases)
    skipped = sum(case.outcome is CaseOutcome.SKIPPED for case in cases)
    return SimulateResult(
        total=len(cases), passed=passed, failed=len(cases) - passed - skipped, skipped=skipped, cases=cases
    )


def _case(event: Event, outcome: CaseOutcome) -> Case:
    return Case(
        id=event.id,
        name=event.id.rpartition("::")[2],
        outcome=outcome,
        duration_ms=max(0, event.duration_ms),
        message=event.message[:_MAX_MESSAGE_CHARACTERS],
        output=event.output,
    )


def _failure_of(event: Event) -> Diagnostic | None:
    return _failure(event, Category.TEST_FAILURE) if event.outcome == "failed" else None


def _failure(event: Event, category: Category, *, code: str | None = None) -> Diagnostic:
    path = event.id.partition("::")[0]
    return finding(
        category,
        f"{event.id}: {event.message}",
        artifact=None if path_problem(path) else path,
        line=event.line,
        code=code or (event.kinds[0] if event.kinds else None),
    )


def _collection_category(event: Event) -> Category:
    if "SyntaxError" in event.kinds:
        return Category.SYNTAX_ERROR
    if "ImportError" in event.kinds:
        return Category.DEPENDENCY_ERROR
    return Category.TEST_FAILURE


def _interrupted(identifier: str, *, killed: bool, exit_code: int) -> tuple[Case, Diagnostic]:
    if killed:
        message, outcome, code = "timeout: still running when the time was up", CaseOutcome.TIMEOUT, "timeout"
    else:
        message, outcome = f"the test process ended with exit code {exit_code} during this test", CaseOutcome.FAILED
        code = "crash"
    event = Event(event="end", id=identifier, message=message)
    return _case(event, outcome), _failure(event, Category.TEST_FAILURE, code=code)
