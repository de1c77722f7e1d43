"""From one entry of ``edges`` to an edge, its condition and its way back."""

from cogworks.graph.definition import AllOf, AnyOf, Cel, Condition, Edge, Judged, Not, Rework
from cogworks.graph.faults import Faults, element, key
from cogworks.graph.tables import ConditionTable, EdgeTable, ReworkTable
from cogworks.model.ids import EdgeId, NodeId, Slot, is_slot

MAX_TRAVERSALS = 20

_KINDS = ("cel", "llm", "all", "any", "not")


def edge_from(table: EdgeTable, *, at: str, into: Faults) -> Edge:
    """Return the edge that ``table`` describes; whatever is wrong with it is noted in ``into``."""
    if not is_slot(table.id):
        into.add("E_BAD_ID", key(at, "id"), f"{table.id!r} is not an edge id", allowed="[a-z][a-z0-9_]{0,63}")
    when = None if table.when is None else condition_from(table.when, at=key(at, "when"), into=into)
    rework = None if table.rework is None else _rework(table.rework, at=key(at, "rework"), into=into)
    return Edge(id=EdgeId(table.id), source=NodeId(table.source), target=NodeId(table.target), when=when, rework=rework)


def condition_from(table: ConditionTable, *, at: str, into: Faults) -> Condition | None:
    """Return the condition that ``table`` describes; None, with the reason noted, when it describes none."""
    given = [kind for kind in _KINDS if (kind if kind != "not" else "not_") in table.model_fields_set]
    if len(given) != 1:
        message = "the condition is empty" if not given else f"{' and '.join(given)} cannot stand side by side"
        into.add("E_CONDITION", at, message, allowed="one of cel, llm, all, any, not")
        return None
    if table.fallback is not None and table.llm is None:
        into.add("E_CONDITION", key(at, "fallback"), "fallback belongs to an llm condition", allowed="with llm only")
    if table.cel is not None:
        return _cel(table.cel, at=at, into=into)
    if table.llm is not None:
        return _judged(table, question=table.llm, at=at, into=into)
    if table.not_ is not None:
        part = condition_from(table.not_, at=key(at, "not"), into=into)
        return None if part is None else Not(part=part)
    return _composite(table, at=at, into=into)


def _cel(expression: str, *, at: str, into: Faults) -> Cel | None:
    if not expression.strip():
        into.add("E_CONDITION", key(at, "cel"), "the condition is empty", allowed="a CEL expression")
        return None
    return Cel(expression=expression)


def _judged(table: ConditionTable, *, question: str, at: str, into: Faults) -> Judged | None:
    if not question.strip():
        into.add("E_CONDITION", key(at, "llm"), "the condition is empty", allowed="a sentence that is true or false")
        return None
    if table.fallback is None:
        into.add("E_LLM_FALLBACK", key(at, "fallback"), "fallback is missing", allowed="take, skip")
        return None
    return Judged(question=question, fallback=table.fallback)


def _composite(table: ConditionTable, *, at: str, into: Faults) -> Condition | None:
    name, tables = ("all", table.all) if table.all is not None else ("any", table.any or ())
    path = key(at, name)
    if not tables:
        into.add("E_CONDITION", path, "the condition is empty", allowed="one condition or more")
        return None
    read = [condition_from(part, at=element(path, index), into=into) for index, part in enumerate(tables)]
    parts = tuple(part for part in read if part is not None)
    if len(parts) < len(read):
        return None
    return AllOf(parts=parts) if name == "all" else AnyOf(parts=parts)


def _rework(table: ReworkTable, *, at: str, into: Faults) -> Rework:
    limit = table.max_traversals
    if limit is None or not 1 <= limit <= MAX_TRAVERSALS:
        message = "max_traversals is missing" if limit is None else f"{limit} traversals are not possible"
        into.add("E_MAX_TRAVERSALS", key(at, "max_traversals"), message, allowed=f"1 to {MAX_TRAVERSALS}")
    return Rework(
        max_traversals=limit or 0,
        semantics=table.semantics,
        preserve=tuple(Slot(name) for name in table.preserve),
        discard=tuple(Slot(name) for name in table.discard),
        overflow=table.overflow,
        overflow_edge=None if table.overflow_edge is None else EdgeId(table.overflow_edge),
    )
