"""The tables of a pipeline file as they are written, one model each; closed, and strict about types."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from cogworks.graph.definition import Evaluation, NodeScope


def _number(value: object) -> object:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return Decimal(str(value)) if whole else value


def _listed(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Texts = Annotated[tuple[str, ...], BeforeValidator(_listed)]
SlotName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Slots = Annotated[tuple[SlotName, ...], BeforeValidator(_listed)]
InputName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}\??$")]
Inputs = Annotated[tuple[InputName, ...], BeforeValidator(_listed)]
Label = Annotated[str, Field(min_length=1, max_length=50)]
Labels = Annotated[tuple[Label, ...], BeforeValidator(_listed)]
Count = Annotated[int, Field(ge=0, le=1000)]
Positive = Annotated[int, Field(ge=1, le=1000)]
Seconds = Annotated[int, Field(ge=1, le=604_800)]
Share = Annotated[Decimal, BeforeValidator(_number), Field(ge=0, le=1)]
Dollars = Annotated[Decimal, BeforeValidator(_number), Field(gt=0, le=1_000_000, decimal_places=6)]
Values = Mapping[str, Mapping[str, object]]


class Table(BaseModel):
    """What all tables share: no stray keys, no guessing between types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class RootTable(Table):
    """The file itself; its pipelines and profiles are read one by one."""

    schema_version: object = None
    pipeline: object = Field(default_factory=dict)
    pipelines: Mapping[str, object] = Field(default_factory=dict)
    tool_profiles: Mapping[str, object] = Field(default_factory=dict)


class SettingsTable(Table):
    """``[pipeline]``: what holds for all graphs of the file."""

    default: str = "default"
    max_concurrent_llm_calls: Positive = 3
    max_parallel_sub_work_items: Positive = 1
    max_node_retries: Count = 5
    default_node_timeout_s: Seconds = 1800
    default_cost_limit_usd: Dollars | None = None
    on_duplicate_trigger: Literal["reject", "queue"] = "reject"


class BoundaryTable(Table):
    """``[pipelines.<name>.shift_work]``: the last node where people stand, per class of item."""

    safety_critical: str | None = None
    standard: str | None = None
    low_risk: str | None = None


class GraphTable(Table):
    """``[pipelines.<name>]``; its nodes and edges are read one by one."""

    start: str | None = None
    nodes: Annotated[tuple[object, ...], BeforeValidator(_listed)] = ()
    edges: Annotated[tuple[object, ...], BeforeValidator(_listed)] = ()
    shift_work: BoundaryTable = BoundaryTable()
    tool_profiles: Mapping[str, str] = Field(default_factory=dict)


class AlignmentTable(Table):
    """``alignment`` of a node."""

    deterministic: bool = True
    llm: bool = True
    threshold: Share = Decimal("0.90")
    max_rework: Count = 3
    against: Slots = ()


class OverridesTable(Table):
    """``tool_overrides`` of a node."""

    add: Texts = ()
    remove: Texts = ()
    scope: Values = Field(default_factory=dict)


class NodeTable(Table):
    """One entry of ``nodes``; None and absent keys are told apart by ``model_fields_set``."""

    id: str
    type: str | None = None
    uses: str = "custom"
    scope: NodeScope = "work_item"
    inputs: Inputs = ()
    outputs: Slots = ()
    gate: Literal["auto-proceed", "human-gated"] | None = None
    produces_code: bool = False
    safety_gate: bool = False
    timeout_s: Seconds = 1800
    cost_limit_usd: Dollars | None = None
    retries: Count = 5
    semantic_stall_threshold: Positive = 3
    abort_siblings_on_failure: bool = False
    validation: Literal["none", "schema", "domain_service", "scenario"] = "schema"
    evaluation: Evaluation | None = None
    prompt: Name | None = None
    output_schema: Name | None = None
    model: Name | None = None
    tool_profile: str | None = None
    tool_overrides: OverridesTable = OverridesTable()
    alignment: AlignmentTable = AlignmentTable()
    deliver: Literal["pr", "comment", "state"] = "state"
    slug: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")] = ""
    method: Literal["domain_service", "builtin", "script"] | None = None
    service_method: Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,63}$")] | None = None
    builtin: Literal["open_pull_request"] | None = None
    blocking: bool = False
    issue_template: Name | None = None
    labels: Labels = ()
    link_to_parent: bool = True
    max_issues: Annotated[int, Field(ge=1, le=100)] = 10


class ConditionTable(Table):
    """``when`` of an edge, or a part of one; exactly one kind is meant to be there."""

    cel: str | None = None
    llm: str | None = None
    fallback: Literal["take", "skip"] | None = None
    all: "Annotated[tuple[ConditionTable, ...], BeforeValidator(_listed)] | None" = None
    any: "Annotated[tuple[ConditionTable, ...], BeforeValidator(_listed)] | None" = None
    not_: "ConditionTable | None" = Field(default=None, alias="not")


class ReworkTable(Table):
    """``rework`` of an edge. Its limit is judged apart, with a code of its own."""

    max_traversals: int | None = None
    semantics: Literal["rework", "retry"] = "rework"
    preserve: Slots = ()
    discard: Slots = ()
    overflow: Literal["halt", "escalate", "take_edge"] = "escalate"
    overflow_edge: str | None = None


class EdgeTable(Table):
    """One entry of ``edges``."""

    id: str
    source: str = Field(alias="from")
    target: str = Field(alias="to")
    when: ConditionTable | None = None
    rework: ReworkTable | None = None


class ProfileTable(Table):
    """``[tool_profiles.<name>]``."""

    extends: str | None = None
    tools: Texts = ()
    scope: Values = Field(default_factory=dict)
