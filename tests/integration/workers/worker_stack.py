"""A server and real workers, each a process of ours."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from celery import Celery
from redis import Redis

from cogworks.adapters.celery_queue import CeleryQueue, celery_settings
from cogworks.adapters.celery_transport import install_repairs
from cogworks.adapters.redis_connection import connect

HERE = Path(__file__).parent
PROJECT = HERE.parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A Redis, our queue on it, and what the workers wrote down."""

    url: str
    client: Redis
    queue: CeleryQueue

    def seen(self) -> list[list[object]]:
        """Return every fact written down so far, oldest first."""
        return [json.loads(text) for text in self.client.lrange("seen", 0, -1)]

    def kinds(self) -> list[object]:
        """Return the first word of every fact."""
        return [fact[0] for fact in self.seen()]


@contextmanager
def stack_on(url: str, *, trace_id: str | None = None) -> Iterator[Stack]:
    """Yield a stack on a server that is emptied first."""
    app = Celery("sender", set_as_current=False)
    app.conf.update(celery_settings(url))
    install_repairs(app)
    with connect(url) as client:
        client.flushall()
        try:
            yield Stack(url=url, client=client, queue=CeleryQueue(app, trace_id=lambda: trace_id))
        finally:
            app.close()


@contextmanager
def worker(
    url: str,
    *,
    log: Path,
    visibility_s: float = 120.0,
    app: str = "throwaway_app",
    settings: Mapping[str, str] = MappingProxyType({}),
) -> Iterator["subprocess.Popen[bytes]"]:
    """Yield a worker process that is ready for messages; it ends with all its children."""
    env = {
        **os.environ,
        "COGWORKS_REDIS_URL": url,
        "COGWORKS_VISIBILITY_SECONDS": str(visibility_s),
        "PYTHONPATH": f"{HERE}{os.pathsep}{PROJECT}",
        "REMAP_SIGTERM": "SIGQUIT",
        **settings,
    }
    options = ["--concurrency=2", "--queues=control,llm,tool", "--without-gossip", "--without-mingle", "-l", "INFO"]
    command = [sys.executable, "-m", "celery", "-A", app, "worker", *options]
    with log.open("ab") as output:
        process = subprocess.Popen(command, env=env, stdout=output, stderr=output, start_new_session=True)
    try:
        until(lambda: b" ready." in log.read_bytes(), deadline_s=30)
        yield process
    finally:
        kill_all(process)


def kill_all(process: "subprocess.Popen[bytes]") -> None:
    """End a worker and its children as a power cut would."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def until(holds: Callable[[], object], *, deadline_s: float = 20.0) -> None:
    """Return as soon as ``holds``; fail at the deadline."""
    deadline, pause = time.monotonic() + deadline_s, threading.Event()
    while not holds():
        assert time.monotonic() < deadline, f"still not so after {deadline_s} s"
        pause.wait(0.02)
