"""A pipeline as a value: nodes, edges, conditions (10 section 2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from cogworks.model.ids import EdgeId, NodeId, Slot
from cogworks.model.json_value import JsonValue
from cogworks.model.money import MicroUsd
from cogworks.model.state import ItemClass

NodeType = Literal["llm", "deterministic", "spawning"]
NodeScope = Literal["work_item", "sub_work_item"]
Evaluation = Literal["all-matching", "first-matching", "explicit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cel:
    """True when the CEL expression is."""

    expression: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """True when a model says so; ``fallback`` answers when it cannot."""

    question: str
    fallback: Literal["take", "skip"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AllOf:
    """True when every part is."""

    parts: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    """True when one part is."""

    parts: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """True when the part is not."""

    part: "Condition"


Condition = Cel | Judged | AllOf | AnyOf | Not


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A slot that a node reads; an optional one may be absent."""

    slot: Slot
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignmentRule:
    """How a node's output is compared with what was asked for (40 section 10)."""

    deterministic: bool = True
    llm: bool = True
    threshold: Decimal = Decimal("0.90")
    max_rework: int = 3
    against: tuple[Slot, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node of a pipeline. ``gate`` None means: decided by the shift-work boundary (ENG-39)."""

    id: NodeId
    type: NodeType
    uses: str = "custom"
    scope: NodeScope = "work_item"
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Slot, ...] = ()
    gate: Literal["auto-proceed", "human-gated"] | None = None
    produces_code: bool = False
    safety_gate: bool = False
    timeout_s: int = 1800
    cost_limit: MicroUsd | None = None
    retries: int = 5
    semantic_stall_threshold: int = 3
    abort_siblings_on_failure: bool = False
    validation: Literal["none", "schema", "domain_service", "scenario"] = "schema"
    evaluation: Evaluation | None = None
    prompt: str | None = None
    output_schema: str | None = None
    model: str | None = None
    tool_profile: str | None = None
    tool_overrides: Mapping[str, JsonValue] = field(default_factory=dict)
    alignment: AlignmentRule | None = None
    deliver: Literal["pr", "comment", "state"] = "state"
    slug: str = ""
    method: str | None = None
    service_method: str | None = None
    builtin: str | None = None
    blocking: bool = False
    issue_template: str | None = None
    labels: tuple[str, ...] = ()
    link_to_parent: bool = True
    max_issues: int = 10

    @property
    def per_swi(self) -> bool:
        """Whether there is one instance per sub-work-item."""
        return self.scope == "sub_work_item"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rework:
    """What makes an edge go back (ENG-20, ENG-21)."""

    max_traversals: int
    semantics: Literal["rework", "retry"] = "rework"
    preserve: tuple[Slot, ...] = ()
    discard: tuple[Slot, ...] = ()
    overflow: Literal["halt", "escalate", "take_edge"] = "escalate"
    overflow_edge: EdgeId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """One edge; without a condition it is always true."""

    id: EdgeId
    source: NodeId
    target: NodeId
    when: Condition | None = None
    rework: Rework | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """A validated pipeline. ``graph_hash`` is the SHA-256 of the file that it came from."""

    name: str
    start: NodeId
    nodes: Mapping[NodeId, Node]
    edges: tuple[Edge, ...]
    boundaries: Mapping[ItemClass, NodeId]
    tool_profiles: Mapping[NodeId, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolProfile:
    """A named list of tools with their scope values (50 section 3)."""

    name: str
    extends: str | None = None
    tools: tuple[str, ...] = ()
    scope: Mapping[str, Mapping[str, JsonValue]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineFile:
    """Everything that ``.cogworks/pipeline.toml`` says, or the shipped default says in its place."""

    default: str
    pipelines: Mapping[str, Graph]
    tool_profiles: Mapping[str, ToolProfile]
    max_concurrent_llm_calls: int
    max_parallel_sub_work_items: int
    on_duplicate_trigger: Literal["reject", "queue"]
    graph_hash: str
    built_in: bool
