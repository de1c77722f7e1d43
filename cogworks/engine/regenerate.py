"""Take work back so that it is made anew: counters of attempts and cost stay, what was made is forgotten (ENG-37)."""

from collections.abc import Iterable
from dataclasses import replace

from cogworks.engine.progress import ENDED, put_node, put_swi, swi_status
from cogworks.graph.definition import Graph
from cogworks.graph.walk import ancestors, descendants, producers, swi_nodes
from cogworks.model.ids import END_TO_END, NodeId, NodeRef, Slot, SwiOrdinal
from cogworks.model.state import EdgeState, NodeState, NodeStatus, RunState, RunStatus, Swi, SwiStatus


def with_dependents(state: RunState, ordinal: SwiOrdinal) -> frozenset[SwiOrdinal]:
    """Return ``ordinal`` and every sub-work-item that builds on it, near or far."""
    found = {ordinal}
    while True:
        more = {swi.ordinal for swi in state.sub_work_items if found & set(swi.depends_on)} - found
        if not more:
            return frozenset(found)
        found |= more


def regenerated(state: RunState, graph: Graph, ordinals: Iterable[SwiOrdinal]) -> RunState:
    """Return ``state`` in which these sub-work-items have everything before them, with fresh counters (ENG-25).

    What is merged stays; nodes of the work item that came after them have to come again.
    """
    for ordinal in sorted(ordinals):
        swi = state.swi(ordinal)
        if swi.status is not SwiStatus.DONE:
            nodes = {node: _afresh(at) for node, at in swi.nodes.items()}
            state = put_swi(state, replace(swi, nodes=nodes, edges={}, artifacts={}, status=SwiStatus.PENDING))
    return going_on(_without_followers(state, graph), graph)


def rewound(state: RunState, graph: Graph, ordinal: SwiOrdinal, nodes: frozenset[NodeId]) -> RunState:
    """Return ``state`` in which ``nodes`` of one sub-work-item are still to come; their counters stay."""
    swi = state.swi(ordinal)
    slots = {slot for node in nodes for slot in graph.nodes[node].outputs}
    edges = {edge.id: EdgeState() for edge in graph.edges if edge.source in nodes and edge.rework is None}
    kept = {slot: one for slot, one in swi.artifacts.items() if slot not in slots}
    again = {
        node: replace(at, status=NodeStatus.PENDING, ended_at=None, error=None, output_hash=None)
        if node in nodes and at.attempts
        else at
        for node, at in swi.nodes.items()
    }
    swi = replace(swi, nodes=again, edges={**swi.edges, **edges}, artifacts=kept)
    return put_swi(state, replace(swi, status=swi_status(swi)))


def code_nodes(graph: Graph, swi: Swi) -> tuple[NodeId, frozenset[NodeId]] | None:
    """Return the node that made the branch of ``swi`` and those of its nodes that build on it; None without one."""
    slots = [Slot(slot) for slot, one in swi.artifacts.items() if one.kind == "branch"]
    maker = next((node for slot in slots for node in producers(graph, slot)), None)
    if maker is None:
        return None
    return maker, descendants(graph, maker) & frozenset(swi_nodes(graph))


def going_on(state: RunState, graph: Graph) -> RunState:
    """Return ``state`` as it goes on once nothing failed is left in it: completed or failed before, it runs again."""
    everywhere = [*state.nodes.values(), *(at for swi in state.sub_work_items for at in swi.nodes.values())]
    if any(at.status is NodeStatus.FAILED for at in everywhere):
        return state
    if state.status is RunStatus.COMPLETED or state.status in (RunStatus.FAILED, RunStatus.ESCALATED):
        return replace(_unblocked(state, graph), status=RunStatus.RUNNING, failure=None, wait=None)
    return state


def _unblocked(state: RunState, graph: Graph) -> RunState:
    """Return ``state`` whose blocked nodes may hope again; whoever still cannot come is blocked anew."""
    for node in graph.nodes:
        refs = [NodeRef(node), *(NodeRef(node, swi.ordinal) for swi in state.sub_work_items)]
        for ref in refs:
            at = state.node(ref)
            if at.status is NodeStatus.BLOCKED:
                state = put_node(state, ref, replace(at, status=NodeStatus.PENDING))
    return state


def _without_followers(state: RunState, graph: Graph) -> RunState:
    """Return ``state`` whose work-item nodes after the sub-work-items, and the closing check, are still to come."""
    per_swi = frozenset(swi_nodes(graph))
    after = [n.id for n in graph.nodes.values() if not n.per_swi and ancestors(graph, n.id) & per_swi]
    for node in (*after, END_TO_END):
        at = state.nodes.get(node)
        if at is not None and at.status in (*ENDED, NodeStatus.AWAITING_APPROVAL):
            state = put_node(state, NodeRef(node), _afresh(at))
    slots = {slot for node in after for slot in graph.nodes[node].outputs}
    return replace(
        state,
        artifacts={slot: one for slot, one in state.artifacts.items() if slot not in slots},
        edges={**state.edges, **{e.id: EdgeState() for e in graph.edges if e.source in after}},
    )


def _afresh(at: NodeState) -> NodeState:
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
