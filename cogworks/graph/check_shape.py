"""Checks of the shape: one way in, a way out from everywhere, and no way back but by a rework edge."""

from collections.abc import Iterable, Mapping

from cogworks.graph.definition import Edge, Graph
from cogworks.graph.faults import Faults, edge_at, key, listed, node_at
from cogworks.graph.walk import ancestors, descendants, forward_edges, reachable, rework_edges
from cogworks.model.ids import NodeId


def start(graph: Graph, at: str, into: Faults) -> None:
    """E_START_NODE: work can come back to the start, or the start is not intake."""
    if _fed(graph, graph.start):
        sources = [node for node in graph.nodes if not _fed(graph, node)]
        message = f"a forward edge leads to {graph.start}"
        into.add("E_START_NODE", key(at, "start"), message, allowed=listed(sources))
    uses = graph.nodes[graph.start].uses
    if uses != "intake":
        alike = [node.id for node in graph.nodes.values() if node.uses == "intake"]
        message = f"{graph.start} uses {uses}, a pipeline starts with intake"
        into.add("E_START_NODE", key(at, "start"), message, allowed=listed(alike))


def orphans(graph: Graph, at: str, into: Faults) -> None:
    """E_ORPHAN_NODE: a node has no edge at all, and is not alone."""
    for node in _orphans(graph):
        into.add("E_ORPHAN_NODE", node_at(graph, at, node), f"{node} has no edge")


def unreachable(graph: Graph, at: str, into: Faults) -> None:
    """E_UNREACHABLE_NODE: no way leads to a node, from a start that is one."""
    if _fed(graph, graph.start):
        return
    found = descendants(graph, graph.start) | {graph.start} | _orphans(graph)
    for node in graph.nodes:
        if node not in found:
            message = f"no forward edge leads from {graph.start} to {node}"
            into.add("E_UNREACHABLE_NODE", node_at(graph, at, node), message)


def exits(graph: Graph, at: str, into: Faults) -> None:
    """E_NO_TERMINAL, E_NO_EXIT: the pipeline, or a part of it, has no end."""
    ends = [node for node in graph.nodes if not any(edge.source == node for edge in _onward(graph))]
    reached = descendants(graph, graph.start) | {graph.start}
    if not reached & set(ends):
        into.add("E_NO_TERMINAL", key(at, "edges"), f"no node where work ends can be reached from {graph.start}")
        return
    leading = reachable(ends, _sources(graph).get)
    stuck = [node for node in graph.nodes if node in reached and node not in leading]
    if stuck:
        into.add("E_NO_EXIT", node_at(graph, at, stuck[0]), f"no end can be reached from [{listed(stuck)}]")


def cycles(graph: Graph, at: str, into: Faults) -> None:
    """E_UNTERMINATED_CYCLE: forward edges lead in a circle."""
    seen: set[NodeId] = set()
    for node in graph.nodes:
        circle = _circle(graph, node)
        if len(circle) > 1 and node not in seen:
            seen |= circle
            inside = [edge for edge in _onward(graph) if edge.source in circle and edge.target in circle]
            members = listed([one for one in graph.nodes if one in circle])
            message = f"cycle without a rework edge: [{members}]"
            into.add("E_UNTERMINATED_CYCLE", edge_at(graph, at, inside[-1]), message)


def self_edges(graph: Graph, at: str, into: Faults) -> None:
    """E_SELF_EDGE: a forward edge leads from a node to itself."""
    for edge in forward_edges(graph):
        if edge.source == edge.target:
            message = f"{edge.id} leads from {edge.source} to itself"
            into.add("E_SELF_EDGE", edge_at(graph, at, edge), message, allowed="only with rework")


def ways_back(graph: Graph, at: str, into: Faults) -> None:
    """E_NOT_A_CYCLE: a rework edge leads to a node that does not come before its source."""
    for edge in rework_edges(graph):
        upstream = ancestors(graph, edge.source) | {edge.source}
        if edge.target not in upstream:
            message = f"{edge.target} does not come before {edge.source}"
            before = listed([node for node in graph.nodes if node in upstream])
            into.add("E_NOT_A_CYCLE", key(edge_at(graph, at, edge), "to"), message, allowed=before)


def _onward(graph: Graph) -> tuple[Edge, ...]:
    return tuple(edge for edge in forward_edges(graph) if edge.source != edge.target)


def _sources(graph: Graph) -> Mapping[NodeId, Iterable[NodeId]]:
    return {node: [edge.source for edge in _onward(graph) if edge.target == node] for node in graph.nodes}


def _fed(graph: Graph, node: NodeId) -> bool:
    return any(edge.target == node for edge in _onward(graph))


def _orphans(graph: Graph) -> frozenset[NodeId]:
    if len(graph.nodes) == 1:
        return frozenset()
    ends = {edge.source for edge in graph.edges} | {edge.target for edge in graph.edges}
    return frozenset(graph.nodes.keys() - ends)


def _circle(graph: Graph, node: NodeId) -> frozenset[NodeId]:
    return (descendants(graph, node) & ancestors(graph, node)) | {node}
