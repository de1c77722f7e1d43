"""From one entry of ``nodes`` to a node: what is left out comes from the default pipeline's node."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, get_args

from cogworks.graph.conditions import ROOT_NAMES
from cogworks.graph.definition import AlignmentRule, Input, Node, NodeType
from cogworks.graph.faults import Faults, key, listed, nearest
from cogworks.graph.reading import plain
from cogworks.graph.tables import NodeTable, SettingsTable
from cogworks.model.ids import RESERVED_NODE_IDS, NodeId, Slot, is_node_id
from cogworks.model.money import MicroUsd

BUILT_IN_USES = (
    "intake",
    "architecture",
    "interface_design",
    "planning",
    "code_generation",
    "review",
    "integration",
)
NODE_TYPES: tuple[NodeType, ...] = get_args(NodeType)

_LLM_LIKE = frozenset({"llm", "spawning"})
_KEY_TYPES: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("prompt", "output_schema", "model", "tool_profile", "tool_overrides"), _LLM_LIKE),
    "alignment": frozenset({"llm"}),
    **dict.fromkeys(("method", "service_method", "builtin"), frozenset({"deterministic"})),
    **dict.fromkeys(("blocking", "issue_template", "labels", "link_to_parent", "max_issues"), frozenset({"spawning"})),
}
_SAME = frozenset(
    {
        "uses",
        "scope",
        "gate",
        "produces_code",
        "safety_gate",
        "semantic_stall_threshold",
        "abort_siblings_on_failure",
        "validation",
        "evaluation",
        "prompt",
        "output_schema",
        "model",
        "tool_profile",
        "deliver",
        "slug",
        "method",
        "service_method",
        "builtin",
        "blocking",
        "issue_template",
        "labels",
        "link_to_parent",
        "max_issues",
    }
)
_MICRO = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Origins:
    """Where a node's missing keys come from: the file's own settings, and the default nodes by ``uses``."""

    settings: SettingsTable
    built_in: Mapping[str, Node]


def node_from(table: NodeTable, *, origins: Origins, at: str, into: Faults) -> Node:
    """Return the node that ``table`` describes; whatever is wrong with it is noted in ``into``."""
    _judge_id(table.id, at=key(at, "id"), into=into)
    _judge_uses(table.uses, at=key(at, "uses"), into=into)
    default = origins.built_in.get(table.uses)
    kind = _type_of(table, default=default, at=at, into=into)
    base = replace(default or Node(id=NodeId(""), type=kind), id=NodeId(table.id), type=kind)
    node = replace(base, **_written(table, base=base), **_from_settings(table, origins.settings))
    node = replace(node, safety_gate=_safety_gate(table, node=node, default=default), slug=_slug(table, default))
    _judge_keys(table, node=node, at=at, into=into)
    _judge_method(node, at=at, into=into)
    return node


def micro_dollars(amount: Decimal | None) -> MicroUsd | None:
    """Return dollars as written in the file as micro-dollars; nothing stays nothing."""
    return None if amount is None else MicroUsd(int(amount * _MICRO))


def _judge_id(text: str, *, at: str, into: Faults) -> None:
    if not is_node_id(text):
        into.add("E_BAD_ID", at, f"{text!r} is not a node id", allowed="[a-z][a-z0-9_]{0,35}")
    elif text in RESERVED_NODE_IDS | ROOT_NAMES:
        reserved = sorted(RESERVED_NODE_IDS | ROOT_NAMES)
        into.add("E_RESERVED_ID", at, f"{text} means something else", allowed=f"none of {listed(reserved)}")


def _judge_uses(uses: str, *, at: str, into: Faults) -> None:
    known = ("custom", *BUILT_IN_USES)
    if uses not in known:
        into.add("E_UNKNOWN_USES", at, f"unknown behaviour {uses}{nearest(uses, known)}", allowed=listed(known))


def _type_of(table: NodeTable, *, default: Node | None, at: str, into: Faults) -> NodeType:
    path = key(at, "type")
    implied = default.type if default else None
    chosen = next((kind for kind in NODE_TYPES if kind == table.type), None)
    if table.type is None and implied is None:
        into.add("E_BAD_VALUE", path, "type is missing", allowed=listed(NODE_TYPES))
    elif table.type is not None and chosen is None:
        into.add("E_UNKNOWN_USES", path, f"unknown type {table.type}", allowed=listed(NODE_TYPES))
    elif chosen is not None and implied is not None and chosen != implied:
        into.add("E_BAD_VALUE", path, f"{table.uses} is not of type {chosen}", allowed=implied)
    return implied or chosen or "llm"


def _written(table: NodeTable, *, base: Node) -> Mapping[str, Any]:
    given = table.model_fields_set
    values: dict[str, Any] = {name: getattr(table, name) for name in given & _SAME}
    if "inputs" in given:
        values["inputs"] = tuple(_input(text) for text in table.inputs)
    if "outputs" in given:
        values["outputs"] = tuple(Slot(name) for name in table.outputs)
    if "tool_overrides" in given:
        values["tool_overrides"] = plain(table.tool_overrides.model_dump(exclude_unset=True))
    if "alignment" in given:
        own = {name: getattr(table.alignment, name) for name in table.alignment.model_fields_set}
        values["alignment"] = replace(base.alignment or AlignmentRule(), **own)
    return values


def _input(text: str) -> Input:
    return Input(slot=Slot(text.removesuffix("?")), optional=text.endswith("?"))


def _from_settings(table: NodeTable, settings: SettingsTable) -> Mapping[str, Any]:
    """Limits are the file's own concern: one left out never comes from the default pipeline."""
    given = table.model_fields_set
    cost = table.cost_limit_usd if "cost_limit_usd" in given else settings.default_cost_limit_usd
    return {
        "timeout_s": table.timeout_s if "timeout_s" in given else settings.default_node_timeout_s,
        "retries": table.retries if "retries" in given else settings.max_node_retries,
        "cost_limit": micro_dollars(cost),
    }


def _safety_gate(table: NodeTable, *, node: Node, default: Node | None) -> bool:
    """A node that comes to write code gets the gate; one that ceases to keeps what the default had."""
    if "safety_gate" in table.model_fields_set:
        return table.safety_gate
    if default is None:
        return node.produces_code
    return default.safety_gate or (node.produces_code and not default.produces_code)


def _slug(table: NodeTable, default: Node | None) -> str:
    if table.slug:
        return table.slug
    if default is not None and default.slug != default.id.replace("_", "-"):
        return default.slug
    return table.id.replace("_", "-")


def _judge_keys(table: NodeTable, *, node: Node, at: str, into: Faults) -> None:
    for name in NodeTable.model_fields:
        kinds: Collection[str] = _KEY_TYPES.get(name, NODE_TYPES)
        if name in table.model_fields_set and node.type not in kinds:
            message = f"{name} means nothing to a node of type {node.type}"
            into.add("E_KEY_FOR_TYPE", key(at, name), message, allowed=f"only with type {listed(sorted(kinds))}")


def _judge_method(node: Node, *, at: str, into: Faults) -> None:
    if node.type != "deterministic":
        return
    if node.method == "script":
        message = "a repository's pipeline cannot run scripts"
        into.add("E_METHOD_FORBIDDEN", key(at, "method"), message, allowed="domain_service, builtin")
    elif node.method is None:
        into.add("E_BAD_VALUE", key(at, "method"), "method is missing", allowed="domain_service, builtin")
    elif node.method == "domain_service" and node.service_method is None:
        into.add("E_BAD_VALUE", key(at, "service_method"), "service_method is missing", allowed="a service's method")
    elif node.method == "builtin" and node.builtin is None:
        into.add("E_BAD_VALUE", key(at, "builtin"), "builtin is missing", allowed="open_pull_request")
