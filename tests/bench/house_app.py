"""The tasks of a run as in production, on a house with instant answers. Found by ``celery -A tests.bench.house_app``.

``BENCH_FORGE`` says which forge: ``memory``, which lives in this worker's one child, or ``twin``, over HTTP and git.
"""

import os
from functools import cache
from typing import Any

from celery import Celery, signals

from cogworks.adapters.celery_queue import CeleryQueue, celery_settings
from cogworks.adapters.celery_transport import install_repairs
from cogworks.adapters.redis_connection import connect
from cogworks.bootstrap import start_telemetry
from cogworks.engine.attempt import run_attempt
from cogworks.engine.house import House
from cogworks.engine.turn import patient_step
from cogworks.model.ids import IssueNumber, Item, NodeId, NodeRef, RepoName
from cogworks.settings import read_settings
from cogworks.telemetry.logs import run_context
from tests.bench.done import DONE
from tests.bench.houses import memory_house, twin_house

URL = os.environ["COGWORKS_REDIS_URL"]
app = Celery("house", set_as_current=False)
app.conf.update(celery_settings(URL))
install_repairs(app)
_CLIENT = connect(URL)


@cache
def house() -> House:
    """Return this process's house."""
    build = memory_house if os.environ["BENCH_FORGE"] == "memory" else twin_house
    return build(CeleryQueue(app))


@signals.setup_logging.connect  # type: ignore[untyped-decorator]  # celery ships no types
def _start_telemetry(**_: object) -> None:
    start_telemetry(read_settings())


@app.task(name="tasks.pipeline.step", ignore_result=True)  # type: ignore[untyped-decorator]  # celery ships no types
def step(repo: str, work_item: int, hint: str) -> str:
    """Take a step; say when the run has ended."""
    with run_context(repo=repo, pipeline_id=work_item):
        report = patient_step(house(), Item(RepoName(repo), IssueNumber(work_item)), hint=hint)
    if report.state is None or not report.state.status.open:
        _CLIENT.rpush(DONE, report.state.status if report.state else f"{report.result}: {report.error}")
    return report.result.value


@app.task(name="tasks.pipeline.run_node")  # type: ignore[untyped-decorator]  # celery ships no types
def run_node(repo: str, work_item: int, node: str, swi: int | None, attempt: int, **told: Any) -> str:
    """Run one attempt."""
    item = Item(RepoName(repo), IssueNumber(work_item))
    with run_context(repo=repo, pipeline_id=work_item, node=node, sub_work_item=swi, attempt=attempt):
        result = run_attempt(house(), item, NodeRef(NodeId(node)), attempt)
    if told["announce"]:
        house().ports.queue.step(item, hint=f"{node}: {result}")
    return result


@app.task(name="tasks.pipeline.wake", ignore_result=True)  # type: ignore[untyped-decorator]  # celery ships no types
def wake(payload: dict[str, object]) -> None:
    """Say that a canvas broke, which spoils the measurement."""
    _CLIENT.rpush(DONE, f"broken: {payload}")
