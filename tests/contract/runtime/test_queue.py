"""What both queues do with a fan-out, message by message; real workers are in tests/integration."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from celery import Celery
from runtime_plugs import ITEM

from cogworks.adapters.celery_queue import CeleryQueue, celery_settings
from cogworks.adapters.celery_transport import install_repairs
from cogworks.adapters.memory_clock import CountingIds, VirtualClock
from cogworks.adapters.memory_queue import RecordingQueue, SentNode, SentStep
from cogworks.adapters.system_clock import RandomIds, SystemClock
from cogworks.model.errors import DependencyUnavailable
from cogworks.model.ids import NodeId, NodeRef, SwiOrdinal
from cogworks.ports.runtime import Clock, Ids

INTAKE = NodeRef(NodeId("intake"))
CODING = NodeRef(NodeId("coding"), SwiOrdinal(2))


def sent_node(ref: NodeRef, *, announce: bool, attempt: int = 1, queue: str = "llm") -> SentNode:
    return SentNode(item=ITEM, ref=ref, attempt=attempt, queue=queue, announce=announce)


ENDED = SentStep(item=ITEM, hint="nodes_ended")
FAN_OUTS = [
    ("nothing", [], []),
    ("one is followed by its step", [(INTAKE, 1, "llm")], [sent_node(INTAKE, announce=False), ENDED]),
    (
        "several announce themselves, and one step follows all",
        [(INTAKE, 1, "llm"), (CODING, 3, "tool")],
        [sent_node(INTAKE, announce=True), sent_node(CODING, announce=True, attempt=3, queue="tool"), ENDED],
    ),
]


@pytest.mark.parametrize(("why", "attempts", "sent"), FAN_OUTS, ids=[row[0] for row in FAN_OUTS])
def test_the_recording_queue_keeps_what_was_sent(
    why: str, attempts: list[tuple[NodeRef, int, str]], sent: list[SentNode | SentStep]
) -> None:
    queue = RecordingQueue()
    queue.run_nodes(ITEM, attempts)
    assert queue.sent == sent
    assert [queue.take() for _ in sent] == sent
    assert queue.take() is None
    assert queue.sent == sent


def test_an_absent_broker_is_an_outage_known_soon(tmp_path: Path) -> None:
    app = Celery("sender", set_as_current=False)
    app.conf.update(celery_settings(f"unix://{tmp_path}/nobody.sock"))
    install_repairs(app)
    queue, start = CeleryQueue(app), time.monotonic()
    with pytest.raises(DependencyUnavailable):
        queue.step(ITEM, hint="x")
    with pytest.raises(DependencyUnavailable):
        queue.run_nodes(ITEM, [(INTAKE, 1, "llm"), (CODING, 1, "llm")])
    assert time.monotonic() - start < 10
    app.close()


@pytest.mark.parametrize("clock", [SystemClock(), VirtualClock()], ids=["system", "virtual"])
def test_both_clocks_agree_with_themselves(clock: Clock) -> None:
    wall, steady = clock.now(), clock.monotonic()
    clock.sleep(0.01)
    clock.sleep(-5)
    assert clock.now().tzinfo is UTC
    assert clock.now() - wall >= timedelta(seconds=0.009)
    assert clock.monotonic() - steady >= 0.01


def test_virtual_time_passes_only_when_told() -> None:
    start = datetime(2026, 5, 1, tzinfo=UTC)
    clock = VirtualClock(start)
    clock.advance(3600)
    clock.sleep(60)
    assert clock.now() == start + timedelta(seconds=3660)
    assert clock.monotonic() == 3660


@pytest.mark.parametrize("ids", [RandomIds(), CountingIds()], ids=["random", "counting"])
def test_ids_are_fresh_and_jitter_stays_in_its_range(ids: Ids) -> None:
    assert len({ids.uuid() for _ in range(100)}) == 100
    assert all(len(ids.uuid()) == 36 for _ in range(3))
    assert all(0.5 <= ids.jitter() <= 1.5 for _ in range(100))
