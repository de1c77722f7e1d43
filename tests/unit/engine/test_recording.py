"""Audit events: the envelope of 20 section 9, and one event for each transition."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from run_states import NOW, fresh

from cogworks.engine.progress import put_node
from cogworks.engine.recording import transitions
from cogworks.model.audit import Actor, event_as_value, new_event, trace_of, ulid
from cogworks.model.ids import NodeId, NodeRef, RepoName, RunId
from cogworks.model.state import GateDecision, NodeState, NodeStatus, RunState, RunStatus

AT = datetime(2026, 2, 16, 14, 20, 0, 123456, tzinfo=UTC)
RUN = RunId("5d0c0f3e-7a52-4b0e-9a0c-0d9c2f6f1b11")
INTAKE = NodeRef(NodeId("intake"))


def test_the_envelope_has_every_field_and_times_in_milliseconds() -> None:
    event = new_event(
        "llm.call",
        {"tokens": 3},
        at=AT,
        unique=str(uuid.UUID(int=7)),
        repo=RepoName("acme/widgets"),
        run_id=RUN,
        actor=Actor(kind="worker", name="host:1"),
    )

    assert event_as_value(event) == {
        "id": ulid(AT, str(uuid.UUID(int=7))),
        "version": "1.0",
        "type": "llm.call",
        "timestamp": "2026-02-16T14:20:00.123Z",
        "trace_id": "5d0c0f3e7a524b0e9a0c0d9c2f6f1b11",
        "correlation_id": RUN,
        "cause": None,
        "repo": "acme/widgets",
        "actor": {"kind": "worker", "name": "host:1"},
        "payload": {"tokens": 3},
    }
    assert event.trace_id == trace_of(RUN)


def test_ids_are_ulids_that_sort_by_time() -> None:
    """Crockford's alphabet, 26 characters; the last moment is the one of the ULID specification."""
    ids = [ulid(AT + timedelta(milliseconds=n), str(uuid.UUID(int=1000 - n))) for n in range(5)]

    assert ids == sorted(ids)
    assert all(len(one) == 26 and set(one) <= set("0123456789ABCDEFGHJKMNPQRSTVWXYZ") for one in ids)
    assert ulid(datetime.fromtimestamp(0, UTC), str(uuid.UUID(int=0))) == "0" * 26
    assert ulid(datetime.fromtimestamp(1469918176.385, UTC), str(uuid.UUID(int=0))) == "01ARYZ6S41" + "0" * 16


def _with(state: RunState, status: NodeStatus, attempts: int = 1) -> RunState:
    return put_node(state, INTAKE, NodeState(status=status, attempts=attempts))


GATE = GateDecision(node="architecture", decision="approved", by="jo", at=NOW, ref="pr:44 merged")


@pytest.mark.parametrize(
    ("change", "kinds", "why"),
    [
        (lambda s: s, [], "nothing changed, nothing is told"),
        (lambda s: _with(s, NodeStatus.ACTIVE), ["attempt.queued"], "a node was dispatched"),
        (lambda s: _with(s, NodeStatus.AWAITING_APPROVAL), ["gate.waiting"], "a gate asks"),
        (lambda s: _with(s, NodeStatus.COMPLETED), ["attempt.accepted"], "its output was taken"),
        (lambda s: _with(s, NodeStatus.BLOCKED, 0), ["attempt.blocked"], "an input can never come"),
        (lambda s: replace(s, gates=(GATE,)), ["gate.approved"], "a person decided"),
        (lambda s: replace(s, status=RunStatus.FAILED), ["run.failed"], "the run as a whole"),
    ],
)
def test_each_transition_is_one_event(change, kinds: list[str], why: str) -> None:
    before = replace(fresh(), seq=3)

    assert [one.kind for one in transitions(before, change(before))] == kinds, why


def test_a_decision_is_its_persons_event() -> None:
    before = replace(fresh(), seq=3)
    [told] = transitions(before, replace(before, gates=(GATE,)))

    assert told.actor == Actor(kind="human", name="jo")


def test_a_retry_is_a_transition_though_the_node_stays_active() -> None:
    before = replace(_with(fresh(), NodeStatus.ACTIVE, 1), seq=3)

    assert [one.payload["attempt"] for one in transitions(before, _with(before, NodeStatus.ACTIVE, 2))] == [2]


def test_the_first_write_tells_of_the_start() -> None:
    before = fresh()

    assert transitions(before, before)[0].kind == "run.started"
