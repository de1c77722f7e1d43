"""Questions about the shape of a graph; no run state is known here."""

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from graphlib import TopologicalSorter

from cogworks.graph.definition import Edge, Graph
from cogworks.model.ids import NodeId, Slot
from cogworks.model.state import ItemClass


def forward_edges(graph: Graph) -> tuple[Edge, ...]:
    """Return the edges that never go back, in declared order."""
    return tuple(edge for edge in graph.edges if edge.rework is None)


def rework_edges(graph: Graph) -> tuple[Edge, ...]:
    """Return the edges that go back, in declared order."""
    return tuple(edge for edge in graph.edges if edge.rework is not None)


def incoming(graph: Graph, node: NodeId) -> tuple[Edge, ...]:
    """Return every edge into ``node``, rework edges included, in declared order."""
    return tuple(edge for edge in graph.edges if edge.target == node)


def outgoing(graph: Graph, node: NodeId) -> tuple[Edge, ...]:
    """Return every edge out of ``node``, rework edges included, in declared order."""
    return tuple(edge for edge in graph.edges if edge.source == node)


def order(graph: Graph) -> tuple[NodeId, ...]:
    """Return all nodes, each after those before it on forward edges; ties by declaration.

    Raises graphlib.CycleError when forward edges form a cycle, which a validated graph never does.
    """
    place = {node: index for index, node in enumerate(graph.nodes)}
    sorter: TopologicalSorter[NodeId] = TopologicalSorter(dict.fromkeys(graph.nodes, ()))
    for edge in forward_edges(graph):
        sorter.add(edge.target, edge.source)
    sorter.prepare()
    ready: list[tuple[int, NodeId]] = []
    ordered: list[NodeId] = []
    while sorter.is_active():
        for node in sorter.get_ready():
            heapq.heappush(ready, (place[node], node))
        _, first = heapq.heappop(ready)
        ordered.append(first)
        sorter.done(first)
    return tuple(ordered)


def ancestors(graph: Graph, node: NodeId) -> frozenset[NodeId]:
    """Return the nodes from which ``node`` can be reached on forward edges, itself left out."""
    before = _neighbours(forward_edges(graph), backwards=True)
    return reachable(before.get(node, ()), before.get) - {node}


def descendants(graph: Graph, node: NodeId) -> frozenset[NodeId]:
    """Return the nodes that can be reached from ``node`` on forward edges, itself left out."""
    after = _neighbours(forward_edges(graph), backwards=False)
    return reachable(after.get(node, ()), after.get) - {node}


def terminals(graph: Graph) -> tuple[NodeId, ...]:
    """Return the nodes without an outgoing forward edge, in declared order."""
    sources = {edge.source for edge in forward_edges(graph)}
    return tuple(node for node in graph.nodes if node not in sources)


def cycle_of(graph: Graph, edge: Edge) -> frozenset[NodeId]:
    """Return what a rework edge resets: its target and everything from there back to its source (ENG-20)."""
    below = descendants(graph, edge.target) | {edge.target}
    above = ancestors(graph, edge.source) | {edge.source}
    return below & above


def swi_nodes(graph: Graph) -> tuple[NodeId, ...]:
    """Return the nodes that run once per sub-work-item, in topological order."""
    return tuple(node for node in order(graph) if graph.nodes[node].per_swi)


def first_swi_nodes(graph: Graph) -> tuple[NodeId, ...]:
    """Return the nodes that a sub-work-item begins with: no forward edge reaches them from another of its nodes."""
    fed = {edge.target for edge in forward_edges(graph) if is_swi_edge(graph, edge)}
    return tuple(node for node in swi_nodes(graph) if node not in fed)


def is_swi_edge(graph: Graph, edge: Edge) -> bool:
    """Tell whether ``edge`` exists once per sub-work-item: both its ends do."""
    return graph.nodes[edge.source].per_swi and graph.nodes[edge.target].per_swi


def producers(graph: Graph, slot: Slot) -> tuple[NodeId, ...]:
    """Return the nodes that yield ``slot``, in declared order."""
    return tuple(node.id for node in graph.nodes.values() if slot in node.outputs)


def boundary_nodes(graph: Graph, item_class: ItemClass) -> frozenset[NodeId]:
    """Return where people stand for items of this class: the boundary node and its ancestors (ENG-39 c)."""
    boundary = graph.boundaries[item_class]
    return ancestors(graph, boundary) | {boundary}


def reachable(begin: Iterable[NodeId], following: Callable[[NodeId], Iterable[NodeId] | None]) -> frozenset[NodeId]:
    """Return ``begin`` and all that repeated ``following`` leads to; None leads nowhere."""
    seen = set(begin)
    waiting = deque(seen)
    while waiting:
        for node in following(waiting.popleft()) or ():
            if node not in seen:
                seen.add(node)
                waiting.append(node)
    return frozenset(seen)


def _neighbours(edges: Iterable[Edge], *, backwards: bool) -> Mapping[NodeId, list[NodeId]]:
    found: dict[NodeId, list[NodeId]] = {}
    for edge in edges:
        one, other = (edge.target, edge.source) if backwards else (edge.source, edge.target)
        found.setdefault(one, []).append(other)
    return found
