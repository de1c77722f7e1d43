"""Checks that every name in a pipeline leads to something."""

from cogworks.graph.definition import Edge, Graph, Rework
from cogworks.graph.faults import Faults, edge_at, key, listed, nearest, node_at
from cogworks.graph.walk import producers


def edge_ends(graph: Graph, at: str, into: Faults) -> None:
    """E_UNKNOWN_NODE: an edge begins or ends at no node."""
    for edge in graph.edges:
        for name, node in (("from", edge.source), ("to", edge.target)):
            if node not in graph.nodes:
                _unknown_node(graph, node, at=key(edge_at(graph, at, edge), name), into=into)


def start(graph: Graph, at: str, into: Faults) -> None:
    """E_UNKNOWN_NODE: the pipeline starts at no node."""
    if graph.start not in graph.nodes:
        _unknown_node(graph, graph.start, at=key(at, "start"), into=into)


def profile_overrides(graph: Graph, at: str, into: Faults) -> None:
    """E_UNKNOWN_NODE: a tool profile is given to no node."""
    for node in graph.tool_profiles:
        if node not in graph.nodes:
            _unknown_node(graph, node, at=key(key(at, "tool_profiles"), node), into=into)


def boundaries(graph: Graph, at: str, into: Faults) -> None:
    """E_BOUNDARY_NODE: a shift-work boundary is at no node."""
    for item_class, node in graph.boundaries.items():
        if node not in graph.nodes:
            path = key(key(at, "shift_work"), item_class.value)
            message = f"there is no node {node}{nearest(node, graph.nodes)}"
            into.add("E_BOUNDARY_NODE", path, message, allowed=listed(graph.nodes))


def overflow_edges(graph: Graph, at: str, into: Faults) -> None:
    """E_OVERFLOW_EDGE: the way out of a spent rework edge is missing, another node's, or rework itself."""
    for edge in graph.edges:
        if edge.rework is None:
            continue
        message = _overflow_fault(graph, edge, edge.rework)
        if message:
            path = key(key(edge_at(graph, at, edge), "rework"), "overflow_edge")
            others = [one.id for one in graph.edges if one.source == edge.source and one.rework is None]
            into.add("E_OVERFLOW_EDGE", path, message, allowed=listed(others))


def kept_slots(graph: Graph, at: str, into: Faults) -> None:
    """E_PRESERVE: a slot is both kept and thrown away, or no node yields it."""
    for edge in graph.edges:
        if edge.rework is None:
            continue
        path = key(edge_at(graph, at, edge), "rework")
        for slot in edge.rework.preserve:
            if slot in edge.rework.discard:
                into.add("E_PRESERVE", key(path, "preserve"), f"{slot} is in preserve and in discard")
        for name, slots in (("preserve", edge.rework.preserve), ("discard", edge.rework.discard)):
            unknown = [slot for slot in slots if not producers(graph, slot)]
            if unknown:
                into.add("E_PRESERVE", key(path, name), f"no node yields {listed(unknown)}")


def slots(graph: Graph, at: str, into: Faults) -> None:
    """E_DUPLICATE_SLOT: a slot stands twice in one list."""
    for node in graph.nodes.values():
        for name, given in (("inputs", tuple(one.slot for one in node.inputs)), ("outputs", node.outputs)):
            twice = [slot for slot in dict.fromkeys(given) if given.count(slot) > 1]
            if twice:
                path = key(node_at(graph, at, node.id), name)
                into.add("E_DUPLICATE_SLOT", path, f"{listed(twice)} is listed twice")


def _overflow_fault(graph: Graph, edge: Edge, rework: Rework) -> str:
    if rework.overflow_edge is None:
        return "overflow_edge is missing" if rework.overflow == "take_edge" else ""
    other = next((one for one in graph.edges if one.id == rework.overflow_edge), None)
    if other is None:
        return f"there is no edge {rework.overflow_edge}{nearest(rework.overflow_edge, [e.id for e in graph.edges])}"
    if other.source != edge.source:
        return f"{other.id} leaves {other.source}, not {edge.source}"
    return f"{other.id} is a rework edge" if other.rework is not None else ""


def _unknown_node(graph: Graph, node: str, *, at: str, into: Faults) -> None:
    message = f"there is no node {node}{nearest(node, graph.nodes)}"
    into.add("E_UNKNOWN_NODE", at, message, allowed=listed(graph.nodes))
