"""Checks of what flows: slots reach their readers, and code reaches people's repositories only past its guards."""

from collections.abc import Callable, Iterable
from itertools import combinations

from cogworks.graph.definition import Graph, Node
from cogworks.graph.faults import Faults, key, listed, node_at
from cogworks.graph.walk import ancestors, outgoing, reachable, terminals
from cogworks.model.ids import NodeId

# Always there, yielded by no node.
WORK_ITEM = "work_item"


def inputs(graph: Graph, at: str, into: Faults) -> None:
    """E_INPUT_UNSUPPLIED: a node needs a slot that nothing before it yields."""
    for node in graph.nodes.values():
        before = ancestors(graph, node.id)
        yielded = {WORK_ITEM, *(slot for one in before for slot in graph.nodes[one].outputs)}
        missing = [one.slot for one in node.inputs if not one.optional and one.slot not in yielded]
        if missing:
            path = key(node_at(graph, at, node.id), "inputs")
            message = f"no node before {node.id} yields {listed(missing)}"
            into.add("E_INPUT_UNSUPPLIED", path, message, allowed=listed(sorted(yielded)))


def outputs(graph: Graph, at: str, into: Faults) -> None:
    """E_OUTPUT_CLASH: two nodes that may run together yield the same slot."""
    before = {node: ancestors(graph, node) for node in graph.nodes}
    for one, other in combinations(graph.nodes.values(), 2):
        same = [slot for slot in one.outputs if slot in other.outputs]
        if same and one.id not in before[other.id] and other.id not in before[one.id]:
            path = key(node_at(graph, at, other.id), "outputs")
            message = f"{one.id} and {other.id} may run together and both yield {listed(same)}"
            into.add("E_OUTPUT_CLASH", path, message)


def sub_graph(graph: Graph, at: str, into: Faults) -> None:
    """E_SUBGRAPH: work on a sub-work-item can begin before any was planned."""
    found = _past(graph, [graph.start], stopping=lambda node: node.uses == "planning")
    for node in graph.nodes.values():
        if node.per_swi and node.id in found:
            message = f"{node.id} can be reached without a planning node"
            into.add("E_SUBGRAPH", key(node_at(graph, at, node.id), "scope"), message, allowed="work_item")


def review(graph: Graph, at: str, into: Faults) -> None:
    """E_REVIEW_BYPASS: code can be integrated without review."""
    for node in graph.nodes.values():
        found = _past(graph, [node.id], stopping=lambda one: one.uses == "review") if node.produces_code else ()
        reached = [one for one in graph.nodes if one in found and graph.nodes[one].uses == "integration"]
        if reached:
            message = f"code of {node.id} can reach {listed(reached)} around every review node"
            into.add("E_REVIEW_BYPASS", node_at(graph, at, node.id), message)


def safety_gates(graph: Graph, at: str, into: Faults) -> None:
    """E_SAFETY_GATE_BYPASS: code of a safety-affecting item can reach an end past no person."""
    ends = set(terminals(graph))
    for node in graph.nodes.values():
        found = _past(graph, [node.id], stopping=lambda one: one.safety_gate) if node.produces_code else frozenset()
        reached = [one for one in graph.nodes if one in found & ends]
        if reached:
            message = f"code of {node.id} can reach {listed(reached)} around every safety gate"
            path = key(node_at(graph, at, node.id), "safety_gate")
            into.add("E_SAFETY_GATE_BYPASS", path, message, allowed="true, here or on every way to the end")


def _past(graph: Graph, begin: Iterable[NodeId], *, stopping: Callable[[Node], bool]) -> frozenset[NodeId]:
    """Return what can be reached when the nodes that stop are taken away; rework edges count as ways too."""
    open_nodes = {node.id for node in graph.nodes.values() if not stopping(node)}

    def following(node: NodeId) -> list[NodeId]:
        return [edge.target for edge in outgoing(graph, node) if edge.target in open_nodes]

    return reachable([node for node in begin if node in open_nodes], following)
