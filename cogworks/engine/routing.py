"""Which edges a completed node takes, and what a rework edge resets (10 sections 3 and 4)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from cogworks.engine.effects import Note
from cogworks.engine.events import Results
from cogworks.engine.going_back import ask_back, counted_at, leaves_swis
from cogworks.engine.progress import clear_nodes, edge_at, put_edges, put_node, put_swi
from cogworks.graph.conditions import Verdict, evaluate, fallbacks, settle
from cogworks.graph.definition import Edge, Graph
from cogworks.graph.walk import cycle_of, outgoing
from cogworks.model.errors import FailureCategory
from cogworks.model.ids import EdgeId, NodeRef
from cogworks.model.json_value import JsonObject, JsonValue
from cogworks.model.state import EdgeState, RunState

HARD_TRAVERSAL_CAP = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """The state after routing; ``stop`` says why the run cannot go on from here, ``halts`` that nobody is asked."""

    state: RunState
    notes: tuple[Note, ...]
    stop: tuple[FailureCategory, str] | None = None
    halts: bool = False


def route(state: RunState, graph: Graph, ref: NodeRef, *, output: JsonObject, results: Results) -> Routed:
    """Evaluate the edges of the completed ``ref`` in declared order and take the ones that its evaluation says."""
    edges = outgoing(graph, ref.node)
    if not edges:
        return Routed(state=state, notes=())
    names = names_for(state, graph, ref, output=output, results=results)
    verdicts = [(edge, evaluate(edge.when, names)) for edge in edges]
    notes = tuple(_note(ref, edge, verdict) for edge, verdict in verdicts)
    chosen = _choose(graph, ref, verdicts, output, names)
    if not chosen:
        lines = "; ".join(f"{edge.id}: {verdict.reason or 'false'}" for edge, verdict in verdicts)
        stop = (FailureCategory.DEAD_END, f"no outgoing edge of {ref} is true ({lines})")
        return Routed(state=state, notes=notes, stop=stop)
    return _take(state, graph, ref, chosen, notes)


def _choose(
    graph: Graph, ref: NodeRef, verdicts: list[tuple[Edge, Verdict]], output: JsonObject, names: JsonObject
) -> tuple[Edge, ...]:
    evaluation = graph.nodes[ref.node].evaluation or "first-matching"
    if evaluation == "explicit":
        wanted = output.get("next_edges")
        asked = wanted if isinstance(wanted, list | tuple) else ()
        return tuple(edge for edge, _ in verdicts if edge.id in asked)
    true = tuple(edge for edge, verdict in verdicts if _truth(edge, verdict, names))
    return true[:1] if evaluation == "first-matching" else true


def _truth(edge: Edge, verdict: Verdict, names: JsonObject) -> bool:
    """Return the verdict; a question that only a model can answer takes its fallback (ENG-14)."""
    if verdict.result is not None:
        return verdict.result
    return settle(edge.when, names, answers=fallbacks(verdict.questions)).result is True


def _take(state: RunState, graph: Graph, ref: NodeRef, chosen: tuple[Edge, ...], notes: tuple[Note, ...]) -> Routed:
    back = next((edge for edge in chosen if edge.rework), None)
    if back is None:
        return Routed(state=_resolve(state, graph, ref, chosen), notes=notes)
    at = edge_at(state, back.id, counted_at(graph, back, ref))
    assert back.rework is not None
    if at.traversals < min(back.rework.max_traversals, HARD_TRAVERSAL_CAP):
        go = ask_back if leaves_swis(graph, back) else _go_back
        return Routed(state=go(state, graph, ref, back, at), notes=notes)
    if back.rework.overflow == "take_edge":
        forward = tuple(edge for edge in graph.edges if edge.id == back.rework.overflow_edge)
        return Routed(state=_resolve(state, graph, ref, forward), notes=notes)
    message = f"rework edge {back.id} was taken {at.traversals} times, its limit; findings are still open"
    halts = back.rework.overflow == "halt"
    return Routed(state=state, notes=notes, stop=(FailureCategory.TRAVERSALS_EXHAUSTED, message), halts=halts)


def _resolve(state: RunState, graph: Graph, ref: NodeRef, chosen: tuple[Edge, ...]) -> RunState:
    taken = {edge.id for edge in chosen}
    resolved: dict[EdgeId, EdgeState] = {
        edge.id: replace(edge_at(state, edge.id, ref), state="taken" if edge.id in taken else "not_taken")
        for edge in outgoing(graph, ref.node)
    }
    return put_edges(state, ref, resolved)


def _go_back(state: RunState, graph: Graph, ref: NodeRef, edge: Edge, at: EdgeState) -> RunState:
    """Return ``state`` with the cycle of ``edge`` pending and its inner edges unresolved (ENG-20)."""
    assert edge.rework is not None
    cycle = cycle_of(graph, edge)
    state = clear_nodes(state, cycle, ref)
    inner = {one.id: EdgeState() for one in graph.edges if one.source in cycle and one.rework is None}
    state = put_edges(state, ref, inner)
    state = put_edges(state, ref, {edge.id: EdgeState(state="taken", traversals=at.traversals + 1)})
    gone: set[str] = {slot for node in cycle for slot in graph.nodes[node].outputs} | set(edge.rework.discard)
    state = _without_slots(state, ref, {slot for slot in gone if slot not in edge.rework.preserve})
    if edge.rework.semantics == "retry":
        target = NodeRef(edge.target, ref.swi)
        before = state.node(target)
        state = put_node(state, target, replace(before, retries=before.retries + 1))
    return state


def _without_slots(state: RunState, ref: NodeRef, gone: set[str]) -> RunState:
    if ref.swi is None:
        return replace(state, artifacts={slot: one for slot, one in state.artifacts.items() if slot not in gone})
    swi = state.swi(ref.swi)
    return put_swi(
        state, replace(swi, artifacts={slot: one for slot, one in swi.artifacts.items() if slot not in gone})
    )


def names_for(
    state: RunState, graph: Graph, ref: NodeRef, *, output: JsonObject, results: Results
) -> dict[str, JsonValue]:
    """Return what conditions may name (ENG-12); in an SWI's sub-graph a node id means this SWI's instance."""
    seen = {**results, ref.node: output}
    names: dict[str, JsonValue] = {
        "run": {
            "class": str(state.classification.item_class) if state.classification else "standard",
            "safety_affecting": bool(state.classification and state.classification.safety_affecting),
            "pipeline": state.pipeline,
            "cost_microusd": state.cost.microusd,
            "tokens": state.cost.tokens,
        },
        "item": {"number": int(state.work_item), "labels": [], "milestone": ""},
        "output": output,
        "edges": {
            edge.id: {"traversals": edge_at(state, edge.id, counted_at(graph, edge, ref)).traversals}
            for edge in graph.edges
        },
    }
    if ref.swi is not None:
        names["swi"] = {"ordinal": int(ref.swi), "files": list(state.swi(ref.swi).files)}
    for node in graph.nodes.values():
        names[node.id] = _node_facts(state, NodeRef(node.id, ref.swi if node.per_swi else None), seen)
    return names


def _node_facts(state: RunState, ref: NodeRef, seen: Mapping[str, JsonObject]) -> JsonObject:
    if ref.swi is None and any(ref.node in swi.nodes for swi in state.sub_work_items):
        return {}
    at = state.node(ref)
    facts: dict[str, JsonValue] = {
        "status": str(at.status),
        "attempts": at.attempts,
        "retries": at.retries,
        "reworks": at.reworks,
    }
    if ref.node in seen:
        facts["result"] = seen[ref.node]
    return facts


def _note(ref: NodeRef, edge: Edge, verdict: Verdict) -> Note:
    return Note(
        action="edge_eval", message=f"{ref} {edge.id}: {verdict.result} by {verdict.evaluator} {verdict.reason}".strip()
    )
