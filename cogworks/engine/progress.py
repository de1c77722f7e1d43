"""Where a run stands in its graph: which instances exist, what may start, what never will (ENG-30, ENG-36)."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from enum import StrEnum

from cogworks.graph.definition import Edge, Graph
from cogworks.graph.walk import incoming, is_swi_edge, order, outgoing
from cogworks.model.ids import EdgeId, NodeId, NodeRef
from cogworks.model.state import EdgeState, NodeState, NodeStatus, RunState, Swi, SwiStatus

ENDED = (NodeStatus.COMPLETED, NodeStatus.SKIPPED)
BROKEN = (NodeStatus.FAILED, NodeStatus.BLOCKED, NodeStatus.CANCELLED)


class Readiness(StrEnum):
    """What a pending instance can expect."""

    ELIGIBLE = "eligible"
    NOT_YET = "not_yet"
    DEAD = "dead"
    BLOCKED = "blocked"


def instances(state: RunState, graph: Graph) -> Iterator[NodeRef]:
    """Yield every node instance in topological order; SWI by SWI where a node runs per SWI."""
    for node_id in order(graph):
        if graph.nodes[node_id].per_swi:
            yield from (NodeRef(node_id, swi.ordinal) for swi in state.sub_work_items)
        else:
            yield NodeRef(node_id)


def put_node(state: RunState, ref: NodeRef, at: NodeState) -> RunState:
    """Return ``state`` with ``at`` as the state of ``ref``."""
    if ref.swi is None:
        return replace(state, nodes={**state.nodes, ref.node: at})
    swi = state.swi(ref.swi)
    return put_swi(state, replace(swi, nodes={**swi.nodes, ref.node: at}))


def put_swi(state: RunState, swi: Swi) -> RunState:
    """Return ``state`` with ``swi`` in place of the sub-work-item of the same ordinal."""
    return replace(
        state, sub_work_items=tuple(swi if one.ordinal == swi.ordinal else one for one in state.sub_work_items)
    )


def put_edges(state: RunState, ref: NodeRef, changed: Mapping[EdgeId, EdgeState]) -> RunState:
    """Return ``state`` with edges leaving ``ref`` changed; edges of an SWI node are the SWI's."""
    if ref.swi is None:
        return replace(state, edges={**state.edges, **changed})
    swi = state.swi(ref.swi)
    return put_swi(state, replace(swi, edges={**swi.edges, **changed}))


def edge_at(state: RunState, edge_id: EdgeId, ref: NodeRef) -> EdgeState:
    """Return the state of an edge that leaves ``ref``."""
    edges = state.edges if ref.swi is None else state.swi(ref.swi).edges
    return edges.get(edge_id, EdgeState())


def readiness(state: RunState, graph: Graph, ref: NodeRef) -> Readiness:
    """Judge a pending instance by its incoming forward edges and its required inputs."""
    edges = [edge for edge in incoming(graph, ref.node) if edge.rework is None]
    if not edges:
        return Readiness.ELIGIBLE
    sources = [_arrival(state, graph, edge, ref) for edge in edges]
    if "open" in sources:
        return Readiness.NOT_YET
    if "taken" not in sources:
        return Readiness.BLOCKED if "broken" in sources else Readiness.DEAD
    return Readiness.ELIGIBLE if _inputs_exist(state, graph, ref) else Readiness.BLOCKED


def _arrival(state: RunState, graph: Graph, edge: Edge, ref: NodeRef) -> str:
    """Return how one edge reaches ``ref``: ``taken``, ``not_taken``, ``broken`` or ``open``."""
    if graph.nodes[edge.source].per_swi and not is_swi_edge(graph, edge):
        return _fan_in(state, edge)
    source = NodeRef(edge.source, ref.swi if is_swi_edge(graph, edge) else None)
    return _edge_word(state, edge, source)


def _fan_in(state: RunState, edge: Edge) -> str:
    """Return how an edge from SWI nodes reaches a work-item node: it waits for all SWIs."""
    words = [_edge_word(state, edge, NodeRef(edge.source, swi.ordinal)) for swi in state.sub_work_items]
    for word in ("open", "broken", "taken"):
        if word in words or not words:
            return word
    return "not_taken"


def _edge_word(state: RunState, edge: Edge, source: NodeRef) -> str:
    at = state.node(source)
    if at.status in BROKEN:
        return "broken"
    if at.status is NodeStatus.SKIPPED:
        return "not_taken"
    resolved = edge_at(state, edge.id, source).state
    return "open" if at.status is not NodeStatus.COMPLETED or resolved == "unresolved" else resolved


def _inputs_exist(state: RunState, graph: Graph, ref: NodeRef) -> bool:
    required = (one.slot for one in graph.nodes[ref.node].inputs if not one.optional and one.slot != "work_item")
    if ref.swi is None and state.sub_work_items:
        return all(_slot_exists(state, slot) for slot in required)
    return all(state.artifact(slot, swi=ref.swi) is not None for slot in required)


def _slot_exists(state: RunState, slot: str) -> bool:
    return slot in state.artifacts or all(slot in swi.artifacts for swi in state.sub_work_items)


def propagate(state: RunState, graph: Graph) -> RunState:
    """Return ``state`` with dead instances skipped and hopeless ones blocked, until nothing changes."""
    for ref in instances(state, graph):
        if state.node(ref).status is not NodeStatus.PENDING or state.node(ref).attempts:
            continue
        ready = readiness(state, graph, ref)
        if ready is Readiness.DEAD:
            state = _close(state, graph, ref, NodeStatus.SKIPPED)
        elif ready is Readiness.BLOCKED or _dependency_broken(state, ref):
            state = _close(state, graph, ref, NodeStatus.BLOCKED)
    return replace(state, sub_work_items=tuple(replace(swi, status=swi_status(swi)) for swi in state.sub_work_items))


def _close(state: RunState, graph: Graph, ref: NodeRef, status: NodeStatus) -> RunState:
    state = put_node(state, ref, replace(state.node(ref), status=status))
    if status is NodeStatus.SKIPPED:
        dead = {edge.id: EdgeState(state="not_taken") for edge in outgoing(graph, ref.node) if edge.rework is None}
        state = put_edges(state, ref, dead)
    return state


def _dependency_broken(state: RunState, ref: NodeRef) -> bool:
    if ref.swi is None:
        return False
    needed = (state.swi(ordinal) for ordinal in state.swi(ref.swi).depends_on)
    return any(swi_status(swi) in (SwiStatus.FAILED, SwiStatus.BLOCKED) for swi in needed)


def swi_status(swi: Swi) -> SwiStatus:
    """Return the status that follows from the SWI's nodes; what people made of its PR stays."""
    if swi.status in (SwiStatus.DONE, SwiStatus.SUPERSEDED):
        return swi.status
    statuses = [at.status for at in swi.nodes.values()]
    if swi.regenerated and all(status is NodeStatus.PENDING for status in statuses):
        return SwiStatus.PENDING
    if NodeStatus.FAILED in statuses or NodeStatus.CANCELLED in statuses:
        return SwiStatus.FAILED
    if NodeStatus.BLOCKED in statuses:
        return SwiStatus.BLOCKED
    if NodeStatus.AWAITING_APPROVAL in statuses:
        return SwiStatus.AWAITING_REVIEW
    if swi.pr is not None and all(status in ENDED for status in statuses):
        return SwiStatus.PR_OPEN
    return SwiStatus.ACTIVE if any(at.attempts for at in swi.nodes.values()) else SwiStatus.PENDING


def swi_ended(state: RunState, graph: Graph, swi: Swi) -> bool:
    """Tell whether all nodes of an SWI are completed or skipped."""
    return all(
        state.node(NodeRef(node.id, swi.ordinal)).status in ENDED for node in graph.nodes.values() if node.per_swi
    )


def eligible(state: RunState, graph: Graph, *, max_parallel_swis: int) -> tuple[NodeRef, ...]:
    """Return the instances that may start now, in order; independent SWIs up to the parallel limit."""
    running = sum(swi.status in (SwiStatus.ACTIVE, SwiStatus.AWAITING_REVIEW) for swi in state.sub_work_items)
    room = max_parallel_swis - running
    ready: list[NodeRef] = []
    for ref in instances(state, graph):
        if state.node(ref).status is not NodeStatus.PENDING or readiness(state, graph, ref) is not Readiness.ELIGIBLE:
            continue
        if ref.swi is not None and state.swi(ref.swi).status is SwiStatus.PENDING:
            if room < 1 or not _dependencies_ended(state, graph, state.swi(ref.swi)):
                continue
            room -= 1
        ready.append(ref)
    return tuple(ready)


def _dependencies_ended(state: RunState, graph: Graph, swi: Swi) -> bool:
    return all(swi_ended(state, graph, state.swi(ordinal)) for ordinal in swi.depends_on)


def at_work(state: RunState, status: NodeStatus) -> tuple[NodeRef, ...]:
    """Return the instances in ``status``, work-item nodes first."""
    return tuple(ref for ref, at in every_node(state) if at.status is status)


def every_node(state: RunState) -> Iterator[tuple[NodeRef, NodeState]]:
    """Yield every node instance that the state knows, work-item nodes first."""
    yield from ((NodeRef(node), at) for node, at in state.nodes.items())
    for swi in state.sub_work_items:
        yield from ((NodeRef(node, swi.ordinal), at) for node, at in swi.nodes.items())


def all_ended(state: RunState, graph: Graph) -> bool:
    """Tell whether every instance is completed or skipped, the closing check aside."""
    return all(state.node(ref).status in ENDED for ref in instances(state, graph))


def clear_nodes(state: RunState, nodes: frozenset[NodeId], ref: NodeRef) -> RunState:
    """Return ``state`` with ``nodes`` of this instance's level pending again; counters and cost stay (ENG-18).

    Their output is forgotten: the same output once more is no second try of a failed one.
    """
    for node_id in nodes:
        one = NodeRef(node_id, ref.swi)
        at = state.node(one)
        if at.attempts:
            state = put_node(
                state, one, replace(at, status=NodeStatus.PENDING, ended_at=None, error=None, output_hash=None)
            )
    return state
