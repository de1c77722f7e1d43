"""What a step leaves for the audit trail: which transitions its decision made, each one event (RUN-12, GH-13)."""

from collections.abc import Iterator
from dataclasses import dataclass

from cogworks.engine.progress import every_node
from cogworks.model.audit import Actor
from cogworks.model.json_value import JsonObject, JsonValue
from cogworks.model.state import GateDecision, NodeStatus, RunState


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """An event in the making; ``actor`` is a person where one decided, else None: the process that stepped."""

    kind: str
    payload: JsonObject
    actor: Actor | None = None


def transitions(before: RunState, after: RunState) -> tuple[Happened, ...]:
    """Return what changed from ``before`` to ``after``: gates answered, nodes moved, the run as a whole."""
    return (*_gates(before, after), *_nodes(before, after), *_run(before, after))


def _gates(before: RunState, after: RunState) -> Iterator[Happened]:
    for gate in after.gates[len(before.gates) :]:
        yield Happened(kind=f"gate.{gate.decision}", payload=_told(gate), actor=Actor(kind="human", name=gate.by))


def _told(gate: GateDecision) -> dict[str, JsonValue]:
    return {"node": gate.node, "swi": gate.swi, "where": gate.ref, "note": gate.note}


def _nodes(before: RunState, after: RunState) -> Iterator[Happened]:
    known = dict(every_node(before))
    for ref, at in every_node(after):
        was = known.get(ref)
        old = was.status if was else NodeStatus.PENDING
        if (at.status, at.attempts) == (old, was.attempts if was else 0):
            continue
        told: dict[str, JsonValue] = {"node": ref.node, "swi": ref.swi, "attempt": at.attempts, "from": old.value}
        kind = "gate.waiting" if at.status is NodeStatus.AWAITING_APPROVAL else f"attempt.{_WORDS[at.status]}"
        yield Happened(kind=kind, payload=told)


_WORDS = {
    NodeStatus.PENDING: "reset",
    NodeStatus.ACTIVE: "queued",
    NodeStatus.AWAITING_APPROVAL: "waiting",
    NodeStatus.COMPLETED: "accepted",
    NodeStatus.SKIPPED: "skipped",
    NodeStatus.BLOCKED: "blocked",
    NodeStatus.FAILED: "failed",
    NodeStatus.CANCELLED: "cancelled",
}


def _run(before: RunState, after: RunState) -> Iterator[Happened]:
    if before.seq == 0:
        yield Happened(kind="run.started", payload={"pipeline": after.pipeline, "graph_hash": after.graph_hash})
    if before.status is not after.status:
        failure = after.failure
        told: dict[str, JsonValue] = {"from": before.status.value, "category": failure.category if failure else None}
        yield Happened(kind=f"run.{after.status}", payload=told)
