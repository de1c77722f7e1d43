"""A small Celery application with our settings, whose tasks only write down that they ran."""

import json
import os
import socket
import threading
import uuid

from celery import Celery

from cogworks.adapters.celery_beat import install_lead
from cogworks.adapters.celery_pulse import install_pulse
from cogworks.adapters.celery_queue import celery_settings
from cogworks.adapters.celery_transport import install_repairs
from cogworks.adapters.redis_connection import connect
from cogworks.adapters.redis_leader import RedisBeatLead
from cogworks.adapters.redis_pulse import RedisPulse
from cogworks.adapters.system_clock import SystemClock
from cogworks.model.errors import DependencyUnavailable
from cogworks.model.pulse import WorkerSign

URL = os.environ["COGWORKS_REDIS_URL"]
VISIBILITY_S = float(os.environ.get("COGWORKS_VISIBILITY_SECONDS", "120"))
TICK_S = 0.5

app = Celery("throwaway")
app.conf.update(celery_settings(URL, visibility_s=VISIBILITY_S, soft_shutdown_s=1.0))
app.conf.beat_schedule = {"sweep": {"task": "tick", "schedule": TICK_S, "options": {"queue": "ticks"}}}
install_repairs(app)


def lead() -> RedisBeatLead:
    """The lead of these tests, with a lease short enough to wait for."""
    owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
    return RedisBeatLead(connect(URL, timeout_s=2.0), owner=owner, clock=SystemClock(), lease_s=2.0)


def give(sign: WorkerSign) -> None:
    try:
        with connect(URL, timeout_s=2.0) as client:
            RedisPulse(client).worked(sign)
    except DependencyUnavailable:
        return


install_lead(app, lead, pause_s=0.2)
install_pulse(app, give, every_s=0.5)


def write_down(*fact: object) -> None:
    with connect(URL) as client:
        client.rpush("seen", json.dumps(fact))


@app.task(name="tasks.pipeline.step")
def step(repo: str, work_item: int, hint: str, *, version: int) -> None:
    write_down("step", repo, work_item, hint)


@app.task(name="tasks.pipeline.wake")
def wake(payload: dict[str, object]) -> None:
    write_down("wake", payload["repo"], payload["work_item"])


@app.task(name="tasks.pipeline.run_node", bind=True)
def run_node(
    self: object, repo: str, work_item: int, node: str, swi: int | None, attempt: int, *, announce: bool, version: int
) -> str:
    write_down("start", node, swi, attempt, announce, version, getattr(self.request, "trace_id", None))
    if node == "broken":
        raise RuntimeError("this node breaks")
    if node.startswith("long_"):
        threading.Event().wait(float(node.removeprefix("long_")))
    write_down("end", node, swi, attempt)
    return "succeeded"
