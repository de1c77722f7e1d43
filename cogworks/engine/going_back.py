"""Rework edges that lead from a sub-work-item back to the work item: all sub-work-items go back together (ENG-22).

The edge is counted for the run, not for the sub-work-item that asks: the plan may be another one afterwards. Until all
sub-work-items have come to a boundary it is only asked for; then the cycle is reset, with everything that was planned.
"""

from dataclasses import replace

from cogworks.engine.progress import at_work, clear_nodes, put_edges
from cogworks.graph.definition import Edge, Graph
from cogworks.graph.walk import cycle_of
from cogworks.model.ids import NodeId, NodeRef, PullNumber
from cogworks.model.state import EdgeState, NodeState, NodeStatus, RunState, Swi


def leaves_swis(graph: Graph, edge: Edge) -> bool:
    """Tell whether ``edge`` leads from nodes of sub-work-items back to one of the work item."""
    return edge.rework is not None and graph.nodes[edge.source].per_swi and not graph.nodes[edge.target].per_swi


def counted_at(graph: Graph, edge: Edge, ref: NodeRef) -> NodeRef:
    """Return the instance whose edges hold the traversals of ``edge`` when ``ref`` takes it."""
    return NodeRef(edge.source) if leaves_swis(graph, edge) else ref


def ask_back(state: RunState, graph: Graph, ref: NodeRef, edge: Edge, at: EdgeState) -> RunState:
    """Return ``state`` in which ``edge`` is taken once more and waits for the other sub-work-items."""
    state = put_edges(state, ref, {edge.id: EdgeState(state="taken")})
    asked = EdgeState(state="taken", traversals=at.traversals + 1)
    return put_edges(state, counted_at(graph, edge, ref), {edge.id: asked})


def asked_back(state: RunState, graph: Graph) -> Edge | None:
    """Return the edge that waits for the sub-work-items to stop, or None."""
    asked = (edge for edge in graph.edges if leaves_swis(graph, edge) and edge.id in state.edges)
    return next((edge for edge in asked if state.edges[edge.id].state == "taken"), None)


def stopping(state: RunState) -> bool:
    """Tell whether a sub-work-item is still on its way to its next boundary."""
    return any(ref.swi is not None for ref in at_work(state, NodeStatus.ACTIVE))


def superseded_pulls(state: RunState) -> tuple[PullNumber, ...]:
    """Return the pull requests of sub-work-items, which stay as they are when everything goes back."""
    return tuple(swi.pr for swi in state.sub_work_items if swi.pr is not None)


def gone_back(state: RunState, graph: Graph, edge: Edge) -> RunState:
    """Return ``state`` with the cycle of ``edge`` still to come, in every sub-work-item too (ENG-20)."""
    assert edge.rework is not None
    cycle = cycle_of(graph, edge)
    state = clear_nodes(state, cycle, NodeRef(edge.target))
    slots = {slot for node in cycle for slot in graph.nodes[node].outputs} | set(edge.rework.discard)
    dropped = {slot: one for slot, one in state.artifacts.items() if slot in slots - set(edge.rework.preserve)}
    pulls = [PullNumber(int(one.ref)) for one in dropped.values() if one.kind == "pr"]
    inner = {e.id: EdgeState() for e in graph.edges if e.source in cycle and e.rework is None}
    inner[edge.id] = replace(state.edges[edge.id], state="unresolved")
    return replace(
        state,
        edges={**state.edges, **inner},
        artifacts={slot: one for slot, one in state.artifacts.items() if slot not in dropped},
        sub_work_items=tuple(_stopped(swi, edge) for swi in state.sub_work_items),
        set_aside=tuple(dict.fromkeys((*state.set_aside, *pulls, *superseded_pulls(state)))),
        failure=None,
        wait=None,
    )


def replanned(state: RunState, swis: tuple[Swi, ...]) -> RunState:
    """Return ``state`` with a plan in place of the one before: attempts go on counting, for their records stay."""
    before = {swi.ordinal: swi for swi in state.sub_work_items}
    return replace(state, sub_work_items=tuple(_like(swi, before.get(swi.ordinal)) for swi in swis))


def _stopped(swi: Swi, edge: Edge) -> Swi:
    """Return a sub-work-item that has everything before it; whether it asked is kept for the node that it asked."""
    asked = {edge.id: swi.edges[edge.id]} if edge.id in swi.edges else {}
    return replace(swi, nodes=_counters(swi), edges=asked, artifacts={}, pr=None)


def _like(swi: Swi, before: Swi | None) -> Swi:
    return swi if before is None else replace(swi, nodes=_counters(before), cost=before.cost)


def _counters(swi: Swi) -> dict[NodeId, NodeState]:
    return {
        node: replace(at, status=NodeStatus.PENDING, ended_at=None, error=None, output_hash=None)
        for node, at in swi.nodes.items()
    }
