"""What every plug of Pulse must do (RUN-21)."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from celery import Celery
from redis import Redis
from runtime_plugs import ITEM, OTHER, Plugs

from cogworks.adapters.celery_queue import CeleryQueue, celery_settings
from cogworks.adapters.celery_transport import install_repairs
from cogworks.adapters.memory_clock import VirtualClock
from cogworks.adapters.memory_pulse import MemoryPulse
from cogworks.adapters.memory_queue import RecordingQueue
from cogworks.adapters.redis_pulse import RedisPulse
from cogworks.model.errors import DependencyUnavailable
from cogworks.model.ids import IssueNumber, Item, NodeId, NodeRef, RepoName
from cogworks.model.pulse import Alert, AlertKind, Tick, WorkerSign
from cogworks.ports.pulse import Pulse
from cogworks.ports.runtime import Queue

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
ALERT = Alert(kind=AlertKind.BEAT_SILENT, about="beat", reason="beat is silent", since=NOW)


def sign(name: str, *, minutes: float = 0, busy: int = 0) -> WorkerSign:
    at = NOW + timedelta(minutes=minutes)
    return WorkerSign(name=name, queues=("llm",), seen_at=at, busy=busy, slots=3, taken={"llm": NOW})


def test_where_nobody_ever_gave_a_sign_nothing_is_known(plugs: Plugs) -> None:
    found = plugs.pulse.vitals()
    assert (found.begun_at, found.beat, found.workers, found.polls, found.waiting) == (None, None, (), {}, {})
    assert {one.name: one.depth for one in found.queues} == {"control": 0, "llm": 0, "tool": 0, "aux": 0}


def test_the_newest_tick_counts_and_the_first_sign_is_the_beginning(plugs: Plugs) -> None:
    plugs.pulse.ticked(Tick(at=NOW, by="one"))
    plugs.pulse.ticked(Tick(at=NOW + timedelta(minutes=1), by="two"))
    found = plugs.pulse.vitals()
    assert (found.begun_at, found.beat) == (NOW, Tick(at=NOW + timedelta(minutes=1), by="two"))


def test_a_worker_is_known_by_its_newest_sign_and_forgotten_after_a_day(plugs: Plugs) -> None:
    plugs.pulse.worked(sign("llm@b"))
    plugs.pulse.worked(sign("llm@a"))
    plugs.pulse.worked(sign("llm@a", minutes=5, busy=2))
    assert plugs.pulse.vitals().workers == (sign("llm@a", minutes=5, busy=2), sign("llm@b"))
    plugs.pulse.worked(sign("llm@c", minutes=24 * 60 + 1))
    assert [one.name for one in plugs.pulse.vitals().workers] == ["llm@a", "llm@c"]


def test_a_poll_replaces_what_waits_in_its_repository_alone(plugs: Plugs) -> None:
    repo, elsewhere = ITEM.repo, RepoName("acme/other")
    plugs.pulse.polled(repo, at=NOW, waiting={ITEM.number: "no room", OTHER.number: "blocked by #1"})
    plugs.pulse.polled(elsewhere, at=NOW, waiting={IssueNumber(1): "no room"})
    plugs.pulse.polled(repo, at=NOW + timedelta(minutes=1), waiting={OTHER.number: "blocked by #2"})
    found = plugs.pulse.vitals()
    assert found.waiting == {OTHER: "blocked by #2", Item(elsewhere, IssueNumber(1)): "no room"}
    assert found.polls == {repo: NOW + timedelta(minutes=1), elsewhere: NOW}


def test_an_alert_is_said_once_an_hour_whoever_says_it(plugs: Plugs) -> None:
    again = Alert(kind=ALERT.kind, about="beat", reason="other words", since=NOW + timedelta(minutes=1))
    other = Alert(kind=AlertKind.WORK_WAITS, about=str(ITEM), reason="stands", since=NOW)
    assert [plugs.pulse.first_to_say(one) for one in (ALERT, again, other)] == [True, False, True]
    plugs.pass_time(3601)
    assert plugs.pulse.first_to_say(ALERT)


@pytest.mark.parametrize("kind", ["memory", "server"])
def test_what_was_sent_waits_in_its_queue(kind: str, request: pytest.FixtureRequest) -> None:
    if kind == "memory":
        recording = RecordingQueue()
        pulse: Pulse = MemoryPulse(VirtualClock(), recording)
        fill(recording)
    else:
        client = request.getfixturevalue("real_client")
        app = Celery("sender", set_as_current=False)
        app.conf.update(celery_settings(request.getfixturevalue("server").url))
        install_repairs(app)
        pulse = RedisPulse(client)
        fill(CeleryQueue(app))
        app.close()
    levels = {one.name: one for one in pulse.vitals().queues}
    assert (levels["control"].depth >= 2, levels["llm"].depth, levels["tool"].depth) == (True, 1, 0)
    oldest = levels["llm"].oldest_at
    assert oldest is not None, "a message says when it was sent"
    assert oldest == NOW.replace(hour=0) if kind == "memory" else abs(time.time() - oldest.timestamp()) < 60
    assert levels["tool"].oldest_at is None


def fill(queue: Queue) -> None:
    queue.step(ITEM, hint="a")
    queue.step(ITEM, hint="b")
    queue.run_nodes(ITEM, [(NodeRef(NodeId("intake")), 1, "llm")])


def test_a_server_that_takes_no_writes_says_so(real_client: Redis) -> None:
    pulse = RedisPulse(real_client)
    assert pulse.vitals().unfit == ""
    try:
        real_client.replicaof("127.0.0.1", "9")
        assert "read-only" in pulse.vitals().unfit
        with pytest.raises(DependencyUnavailable):
            pulse.ticked(Tick(at=NOW, by="one"))
        real_client.replicaof("NO", "ONE")
        real_client.config_set("maxmemory", "1")
        assert "full" in pulse.vitals().unfit
    finally:
        real_client.replicaof("NO", "ONE")
        real_client.config_set("maxmemory", "0")


def test_losing_everything_is_a_new_beginning(plugs: Plugs) -> None:
    plugs.pulse.ticked(Tick(at=NOW, by="one"))
    plugs.wipe()
    plugs.pulse.worked(sign("llm@a", minutes=3))
    found = plugs.pulse.vitals()
    assert (found.begun_at, found.beat) == (NOW + timedelta(minutes=3), None)
