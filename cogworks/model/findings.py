"""What checks and reviewers observed: diagnostics, findings, scores (ENG-03, 40 sections 10 and 12)."""

from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding weighs; only ``blocking`` stops work."""

    BLOCKING = "blocking"
    WARNING = "warning"
    INFORMATIONAL = "informational"


class Category(StrEnum):
    """Standard diagnostic categories; an unknown one is kept as text and never blocks."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One technical observation about an artifact."""

    severity: Severity
    category: str
    message: str
    artifact: str | None = None
    location: str | None = None

    @property
    def blocks(self) -> bool:
        """Whether this stops the work; a category outside the standard never does."""
        return self.severity is Severity.BLOCKING and self.category in set(Category)

    def __str__(self) -> str:
        where = ":".join(part for part in (self.artifact, self.location) if part)
        return " ".join(part for part in (self.severity, self.category, where) if part) + f": {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One judgement about valid output: by alignment (``type``) or by a review pass (``criterion``)."""

    kind: str
    severity: Severity
    description: str
    origin: str
    source: str = ""
    file: str | None = None
    line: int | None = None
    suggestion: str | None = None

    @property
    def blocks(self) -> bool:
        """Whether this finding alone rejects the output."""
        return self.severity is Severity.BLOCKING

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.file and self.line else self.file
        return " ".join(part for part in (self.severity, self.kind, where) if part) + f": {self.description}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """Result of comparing a node's output with what was asked for (``AlignmentResult``)."""

    aligned: bool
    score: float
    threshold: float
    findings: tuple[Finding, ...] = ()
    llm_ran: bool = False
    same_model: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixRow:
    """One requirement line of the work item and what became of it at each stage (TRC-01)."""

    requirement_id: str
    text: str
    architecture: str | None = None
    interface: str | None = None
    sub_work_item: str | None = None
    code: str | None = None
    status: str = "not_addressed"
    reason: str | None = None
    flags: tuple[str, ...] = field(default=())
