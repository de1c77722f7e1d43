"""Draws a graph for people and programs: Mermaid, Graphviz or JSON."""

import json
from collections.abc import Mapping
from typing import Literal, assert_never

from cogworks.graph.definition import AllOf, AnyOf, Cel, Condition, Edge, Graph, Judged, Node, Not
from cogworks.graph.walk import order
from cogworks.model.ids import NodeId
from cogworks.model.json_value import JsonObject, JsonValue

Format = Literal["mermaid", "dot", "json"]

_COLOURS: Mapping[str, str] = {
    "active": "#cfe2ff",
    "awaiting_approval": "#fff3cd",
    "completed": "#d1e7dd",
    "skipped": "#e9ecef",
    "blocked": "#ffe5d0",
    "failed": "#f8d7da",
    "cancelled": "#e2e3e5",
}
_LABEL_CHARACTERS = 60


# `format` is what people call it on the command line.
def draw(graph: Graph, format: Format = "mermaid", *, statuses: Mapping[NodeId, str] | None = None) -> str:  # noqa: A002
    """Return ``graph`` as text; ``statuses`` colours the nodes that have one. Rework edges are dashed."""
    shown = statuses or {}
    match format:
        case "mermaid":
            return _mermaid(graph, shown)
        case "dot":
            return _dot(graph, shown)
        case "json":
            return json.dumps(_document(graph, shown), ensure_ascii=False, indent=2) + "\n"
        case _:
            assert_never(format)


def told(condition: Condition) -> str:
    """Return ``condition`` as one line for people."""
    match condition:
        case Cel(expression=expression):
            return " ".join(expression.split())
        case Judged(question=question):
            return f"judged: {' '.join(question.split())}"
        case Not(part=part):
            return f"not ({told(part)})"
        case AllOf(parts=parts):
            return " and ".join(f"({told(part)})" for part in parts)
        case AnyOf(parts=parts):
            return " or ".join(f"({told(part)})" for part in parts)
        case _:
            assert_never(condition)


def _mermaid(graph: Graph, statuses: Mapping[NodeId, str]) -> str:
    # A prefix keeps ids like `end`, which are words of Mermaid, harmless.
    lines = ["flowchart TD"]
    for node in order(graph):
        label = _mermaid_text("\n".join(_node_lines(graph.nodes[node], statuses)))
        left, right = ("[[", "]]") if graph.nodes[node].per_swi else ("[", "]")
        lines.append(f'  n_{node}{left}"{label}"{right}')
    for edge in graph.edges:
        arrow = "-.->" if edge.rework else "-->"
        lines.append(f'  n_{edge.source} {arrow}|"{_mermaid_text(_edge_label(edge))}"| n_{edge.target}')
    lines += [
        f"  style n_{node} fill:{_COLOURS[status]}"
        for node, status in statuses.items()
        if status in _COLOURS and node in graph.nodes
    ]
    return "\n".join(lines) + "\n"


def _dot(graph: Graph, statuses: Mapping[NodeId, str]) -> str:
    lines = [f"digraph {_quoted(graph.name)} {{", "  rankdir=TB;", "  node [shape=box];"]
    for node in order(graph):
        colour = _COLOURS.get(statuses.get(node, ""))
        filled = f', style=filled, fillcolor="{colour}"' if colour else ""
        around = ", peripheries=2" if graph.nodes[node].per_swi else ""
        label = _quoted("\n".join(_node_lines(graph.nodes[node], statuses)))
        lines.append(f"  {_quoted(node)} [label={label}{around}{filled}];")
    for edge in graph.edges:
        dashed = ", style=dashed, constraint=false" if edge.rework else ""
        label = _quoted(_edge_label(edge))
        lines.append(f"  {_quoted(edge.source)} -> {_quoted(edge.target)} [label={label}{dashed}];")
    return "\n".join([*lines, "}"]) + "\n"


def _document(graph: Graph, statuses: Mapping[NodeId, str]) -> JsonObject:
    nodes: list[JsonValue] = [
        {
            "id": node.id,
            "type": node.type,
            "uses": node.uses,
            "scope": node.scope,
            "inputs": [one.slot + ("?" if one.optional else "") for one in node.inputs],
            "outputs": list(node.outputs),
            "gate": node.gate,
            "safety_gate": node.safety_gate,
            "status": statuses.get(node.id),
        }
        for node in (graph.nodes[id_] for id_ in order(graph))
    ]
    edges: list[JsonValue] = [
        {
            "id": edge.id,
            "from": edge.source,
            "to": edge.target,
            "when": told(edge.when) if edge.when else None,
            "max_traversals": edge.rework.max_traversals if edge.rework else None,
        }
        for edge in graph.edges
    ]
    boundaries = {item_class.value: node for item_class, node in graph.boundaries.items()}
    return {"pipeline": graph.name, "start": graph.start, "boundaries": boundaries, "nodes": nodes, "edges": edges}


def _node_lines(node: Node, statuses: Mapping[NodeId, str]) -> tuple[str, ...]:
    return (node.id, statuses[node.id]) if node.id in statuses else (node.id,)


def _edge_label(edge: Edge) -> str:
    limit = f" (at most {edge.rework.max_traversals})" if edge.rework else ""
    condition = f": {told(edge.when)}" if edge.when else ""
    if len(condition) > _LABEL_CHARACTERS:
        condition = f"{condition[: _LABEL_CHARACTERS - 1]}…"
    return f"{edge.id}{limit}{condition}"


def _mermaid_text(text: str) -> str:
    kept = text
    for character, entity in (("#", "#35;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;"), ("|", "#124;")):
        kept = kept.replace(character, entity)
    return kept.replace("\n", "<br/>")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
