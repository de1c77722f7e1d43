"""Build a sub-work-item again: it and all that depends on it go back to the start of their sub-graph (ENG-37)."""

from dataclasses import replace

from cogworks.engine.progress import put_node
from cogworks.graph.definition import Graph
from cogworks.graph.walk import descendants, swi_nodes
from cogworks.model.ids import END_TO_END, NodeId, NodeRef, SwiOrdinal
from cogworks.model.state import NodeState, NodeStatus, RunState, Swi, SwiStatus


def affected(state: RunState, ordinal: SwiOrdinal) -> frozenset[SwiOrdinal]:
    """Return the sub-work-item with everything that depends on it, directly or not."""
    hit = {ordinal}
    while grown := {swi.ordinal for swi in state.sub_work_items if hit & set(swi.depends_on)} - hit:
        hit |= grown
    return frozenset(hit)


def regenerated(state: RunState, graph: Graph, ordinal: SwiOrdinal) -> RunState:
    """Return ``state`` with that sub-work-item and its dependents pending, and what followed from them undone.

    Branches and pull requests stay: the new work goes on top of the old, under the same numbers.
    """
    hit = affected(state, ordinal)
    state = replace(
        state, sub_work_items=tuple(_fresh(swi) if swi.ordinal in hit else swi for swi in state.sub_work_items)
    )
    later: set[NodeId] = {END_TO_END}
    for node in swi_nodes(graph):
        later |= {one for one in descendants(graph, node) if not graph.nodes[one].per_swi}
    for node in later:
        ref = NodeRef(node)
        if state.node(ref).attempts or state.node(ref).status is not NodeStatus.PENDING:
            state = put_node(state, ref, _pending(state.node(ref)))
    slots = {slot for node in later & set(graph.nodes) for slot in graph.nodes[node].outputs}
    edges = {edge.id for edge in graph.edges if edge.source in later}
    return replace(
        state,
        artifacts={slot: one for slot, one in state.artifacts.items() if slot not in slots},
        edges={edge: at for edge, at in state.edges.items() if edge not in edges},
    )


def _fresh(swi: Swi) -> Swi:
    nodes = {node: _pending(at) for node, at in swi.nodes.items()}
    return replace(swi, nodes=nodes, edges={}, artifacts={}, status=SwiStatus.PENDING, regenerated=True)


def _pending(at: NodeState) -> NodeState:
    """Return a node that is to run again; a person asked, so that its counters are fresh, its numbers and cost stay."""
    return replace(
        at,
        status=NodeStatus.PENDING,
        retries=0,
        reworks=0,
        categories=(),
        ended_at=None,
        error=None,
        output_hash=None,
    )
