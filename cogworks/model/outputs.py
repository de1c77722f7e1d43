"""What models must answer with: one closed pydantic model per template (ENG-52)."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Text = Annotated[str, Field(min_length=1, max_length=20_000)]
ShortText = Annotated[str, Field(min_length=1, max_length=400)]
Path = Annotated[str, Field(min_length=1, max_length=1024)]
Capability = Literal["network", "filesystem", "ipc", "process", "hardware", "dependency", "permission"]


class Output(BaseModel):
    """Base of all answers: unknown fields are invalid and values are final."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FileChange(Output):
    """A file that the work touches."""

    path: Path
    action: Literal["create", "modify", "delete"]


class CapabilityNeed(Output):
    """A capability that the work needs, and why."""

    capability: Capability
    reason: Text


class Reference(Output):
    """Where something stands: a document or file, and the place in it."""

    source: ShortText
    location: str = ""


class ScopeOutput(Output):
    """Expected size of the work."""

    files: Annotated[int, Field(ge=0, le=10_000)]
    interfaces: Annotated[int, Field(ge=0, le=10_000)]
    complexity: Literal["low", "medium", "high"]


class IntakeOutput(Output):
    """Classification of a work item, before the safety override."""

    task_type: Literal[
        "new_feature", "bug_fix", "refactor", "configuration_change", "documentation", "dependency_update"
    ]
    affected_modules: list[Path] = []
    component_tags: list[ShortText] = []
    scope: ScopeOutput
    safety_affecting: bool
    pipeline: str | None = None
    rationale: Text


class SpecModule(Output):
    """A module that the work changes."""

    path: Path
    new: bool
    reason: Text


class Requirement(Output):
    """One requirement of the work item, by its id."""

    id: ShortText
    text: Text


class Decision(Output):
    """A decision with its rationale."""

    title: ShortText
    decision: Text
    rationale: Text


class DependencyChange(Output):
    """A dependency that the work adds, updates or removes."""

    name: ShortText
    constraint: str
    action: Literal["add", "update", "remove"]
    reason: Text


class Risk(Output):
    """A risk and what is done about it."""

    risk: Text
    mitigation: Text


class ArchitectureOutput(Output):
    """The specification of a work item."""

    title: ShortText
    summary: Text
    affected_modules: list[SpecModule] = []
    requirements: list[Requirement] = []
    decisions: list[Decision] = []
    files: list[FileChange] = []
    capabilities: list[CapabilityNeed] = []
    dependency_changes: list[DependencyChange] = []
    risks: list[Risk] = []
    adrs: list[ShortText] = []
    exclusions: list[Text] = []


class InterfaceFile(Output):
    """A complete file."""

    path: Path
    content: Annotated[str, Field(max_length=1_000_000)]


class Interface(Output):
    """One interface that code must offer."""

    id: ShortText
    path: Path
    signature: Text
    description: Text


class InterfaceOutput(Output):
    """The interface design: files, interfaces, and everything that code may touch."""

    files: list[InterfaceFile] = []
    interfaces: list[Interface] = []
    authorised_files: list[FileChange] = []
    capabilities: list[CapabilityNeed] = []
    notes: str = ""


class PlannedItem(Output):
    """One sub-work-item of a plan."""

    title: ShortText
    description: Text
    files: list[FileChange] = []
    interfaces: list[ShortText] = []
    test_specification: list[Text] = []
    requirements: list[ShortText] = []
    depends_on: list[ShortText] = []


class PlanningOutput(Output):
    """The plan of a work item."""

    sub_work_items: list[PlannedItem] = []


class Ambiguity(Output):
    """A section that can be read in more than one way."""

    section: ShortText
    readings: list[Text] = []


class CodeOutput(Output):
    """What the generated change is; the files themselves were written by tools."""

    summary: ShortText
    files: list[FileChange] = []
    tests: list[Path] = []
    needs: list[CapabilityNeed] = []
    ambiguities: list[Ambiguity] = []


class ReviewFinding(Output):
    """One finding of a review pass."""

    criterion: ShortText
    file: Path
    line: Annotated[int, Field(ge=1)] | None = None
    severity: Literal["blocking", "warning", "informational"]
    explanation: Text


class ReviewOutput(Output):
    """What a review pass looked at and found."""

    files_examined: list[Path] = []
    findings: list[ReviewFinding] = []


class AlignmentFinding(Output):
    """One way in which an output is not what was asked for."""

    type: Literal["missing", "extra", "modified", "ambiguous", "scope_exceeded"]
    severity: Literal["blocking", "warning", "informational"]
    description: Text
    input_reference: Reference
    output_reference: Reference
    suggestion: str | None = None


class AlignmentOutput(Output):
    """Score and findings of an alignment check."""

    score: Annotated[float, Field(ge=0.0, le=1.0)]
    findings: list[AlignmentFinding] = []


class DocumentOutput(Output):
    """A document written by a custom node."""

    title: ShortText
    body: Annotated[str, Field(min_length=1, max_length=60_000)]


class RoutingOutput(Output):
    """Which edges to take from a custom node."""

    next_edges: list[ShortText] = []
    reason: Text


class EdgeDecision(Output):
    """A model's answer to an edge condition (ENG-14)."""

    decision: Literal["true", "false", "ambiguous"]
    confidence: Annotated[float, Field(ge=0.0, le=1.0)]
    reason: Text


SCHEMAS: dict[str, type[Output]] = {
    "intake": IntakeOutput,
    "architecture": ArchitectureOutput,
    "interface_design": InterfaceOutput,
    "planning": PlanningOutput,
    "code_generation": CodeOutput,
    "review": ReviewOutput,
    "alignment": AlignmentOutput,
    "document": DocumentOutput,
    "routing": RoutingOutput,
    "edge_condition": EdgeDecision,
}
