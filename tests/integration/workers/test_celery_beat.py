"""Two beats, one acts; a lost one is replaced within its lease, and an absent Redis is outlived (RUN-24)."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from redis import Redis
from worker_stack import HERE, Stack, kill_all, until, worker

from cogworks.adapters.redis_connection import connect
from cogworks.adapters.redis_pulse import RedisPulse
from cogworks.adapters.redis_start import EmbeddedRedis, start_redis
from cogworks.model.ids import IssueNumber, Item, RepoName

LEASE_S = 2.0
ITEM = Item(RepoName("acme/tally"), IssueNumber(42))


@contextmanager
def beat(url: str, *, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Yield a beat process of the throwaway application."""
    env = {**os.environ, "COGWORKS_REDIS_URL": url, "PYTHONPATH": str(HERE)}
    command = [sys.executable, "-m", "celery", "-A", "throwaway_app", "beat", "-l", "INFO"]
    with log.open("ab") as output:
        process = subprocess.Popen(command, env=env, stdout=output, stderr=output, start_new_session=True)
    try:
        until(lambda: b"beat leads" in log.read_bytes() or b"beat stands by" in log.read_bytes(), deadline_s=60)
        yield process
    finally:
        kill_all(process)


def leader(client: Redis) -> str:
    return str(client.get("cogworks:leader:beat") or "")


def sent(client: Redis) -> int:
    return client.llen("ticks")


def test_of_two_beats_one_sends_and_the_other_takes_over(server: EmbeddedRedis, tmp_path: Path) -> None:
    """Each tick is sent once; when the leader is killed the other one acts as soon as the lease has run out."""
    with (
        connect(server.url) as client,
        beat(server.url, log=tmp_path / "one") as one,
        beat(server.url, log=tmp_path / "two") as two,
    ):
        until(lambda: sent(client) > 0, deadline_s=60)
        first = leader(client)
        began, before = datetime.now(UTC), sent(client)
        until(lambda: sent(client) >= before + 8, deadline_s=60)
        passed_s = (datetime.now(UTC) - began).total_seconds()
        assert 8 <= sent(client) - before <= passed_s / 0.5 + 1, "one enqueue for each tick, not two"
        assert leader(client) == first, "nobody takes the lead from a living one"
        tick = RedisPulse(client).vitals().beat
        assert tick is not None
        assert tick.by == first

        leading, standing = (one, two) if f":{one.pid}:" in first else (two, one)
        os.killpg(leading.pid, signal.SIGKILL)
        leading.wait()
        killed = sent(client)
        until(lambda: sent(client) > killed, deadline_s=LEASE_S + 20)
        assert f":{standing.pid}:" in leader(client)

        standing.terminate()
        assert standing.wait(30) == 0
        assert leader(client) == "", "a beat that ends in order gives the lead up at once"


def test_a_beat_outlives_an_absence_of_redis(tmp_path: Path) -> None:
    home, log = tmp_path / "r", tmp_path / "log"
    with start_redis(folder=home) as before, beat(before.url, log=log) as process:
        with connect(before.url) as client:
            until(lambda: sent(client) > 0, deadline_s=60)
        before.stop()
        until(lambda: b"beat cannot ask who leads" in log.read_bytes(), deadline_s=60)
        with start_redis(folder=home) as after, connect(after.url) as client:
            client.delete("ticks")
            until(lambda: sent(client) > 1, deadline_s=60)
            assert process.poll() is None


def test_a_worker_says_that_it_lives_and_what_it_takes(stack: Stack, tmp_path: Path) -> None:
    with worker(stack.url, log=tmp_path / "log") as process:
        until(lambda: RedisPulse(stack.client).vitals().workers, deadline_s=30)
        [sign] = RedisPulse(stack.client).vitals().workers
        assert (sign.queues, sign.slots) == (("control", "llm", "tool"), 2)
        stack.queue.step(ITEM, hint="take it")
        until(lambda: "control" in RedisPulse(stack.client).vitals().workers[0].taken, deadline_s=30)
        assert process.poll() is None
