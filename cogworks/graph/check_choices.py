"""Checks of what happens when a node is done: evaluation and conditions, edge by edge."""

from cogworks.graph.conditions import MAX_CHARACTERS, ROOT_NAMES, binds_names, discouraged, fault_in, names_used, parts
from cogworks.graph.definition import Cel, Graph
from cogworks.graph.faults import Faults, edge_at, key, listed, nearest, node_at
from cogworks.graph.walk import outgoing

# The schema for custom nodes that has `next_edges` (TPL-04); repositories cannot add another.
ROUTING_SCHEMA = "routing"


def evaluation(graph: Graph, at: str, into: Faults) -> None:
    """E_EVALUATION_MISSING: several edges leave a node that does not say how they are evaluated."""
    for node in graph.nodes.values():
        edges = outgoing(graph, node.id)
        if len(edges) > 1 and node.evaluation is None:
            message = f"{len(edges)} edges leave {node.id}, evaluation is missing"
            allowed = "all-matching, first-matching, explicit"
            into.add("E_EVALUATION_MISSING", key(node_at(graph, at, node.id), "evaluation"), message, allowed=allowed)


def explicit_schema(graph: Graph, at: str, into: Faults) -> None:
    """E_EXPLICIT_SCHEMA: the node is to name its next edges, but its answer has no room for them."""
    for node in graph.nodes.values():
        if node.evaluation == "explicit" and node.output_schema != ROUTING_SCHEMA:
            path = key(node_at(graph, at, node.id), "output_schema")
            message = f"the output of {node.id} has no next_edges"
            into.add("E_EXPLICIT_SCHEMA", path, message, allowed=ROUTING_SCHEMA)


def conditions(graph: Graph, at: str, into: Faults) -> None:
    """E_CONDITION, E_CONDITION_NAME, W_CEL_MACRO: a condition that cannot be read, or reads what is not there."""
    for edge in graph.edges:
        for path, part in parts(edge.when, at=key(edge_at(graph, at, edge), "when")):
            if isinstance(part, Cel):
                _expression(part, graph, at=key(path, "cel"), into=into)


def unreachable_edges(graph: Graph, at: str, into: Faults) -> None:
    """W_UNREACHABLE_EDGE: an edge stands behind one that is always taken."""
    ways_out = {edge.rework.overflow_edge for edge in graph.edges if edge.rework is not None}
    for node in graph.nodes.values():
        if node.evaluation != "first-matching":
            continue
        always = ""
        for edge in outgoing(graph, node.id):
            if always and edge.id not in ways_out:
                message = f"{edge.id} is never taken: {always} comes first and has no condition"
                into.add("W_UNREACHABLE_EDGE", edge_at(graph, at, edge), message)
            always = always or (edge.id if edge.when is None else "")


def _expression(part: Cel, graph: Graph, *, at: str, into: Faults) -> None:
    fault = fault_in(part.expression)
    if fault:
        into.add("E_CONDITION", at, fault, allowed=f"a CEL expression of at most {MAX_CHARACTERS} characters")
        return
    macros = discouraged(part.expression)
    if macros:
        into.add("W_CEL_MACRO", at, f"{listed(macros)} may take long on long values")
    known = (*sorted(ROOT_NAMES), *graph.nodes)
    unknown = () if binds_names(part.expression) else sorted(names_used(part) - set(known))
    for name in unknown:
        message = f"unknown name {name}{nearest(name, known)}"
        into.add("E_CONDITION_NAME", at, message, allowed=listed(known))
