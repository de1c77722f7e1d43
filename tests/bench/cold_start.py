"""How long a worker takes to be ready and how much memory it holds, against plain Celery."""

import time
from dataclasses import dataclass
from pathlib import Path

from celery import Celery

from cogworks.adapters.celery_queue import CONTROL_QUEUE, celery_settings
from cogworks.adapters.celery_transport import install_repairs
from cogworks.adapters.redis_connection import connect
from tests.bench.figures import Figure, ratio, spread
from tests.bench.site import READY, Site
from tests.journeys.processes import Program, until

_DATABASE = 4
_KIB_PER_MIB = 1024
_AFTER, _LONGEST_S = "after", 30
_APPS = {"tasks": "tasks.upkeep.poll", "tests.bench.bare_app": "bare.nothing"}
"""Each application with a task after which its child has everything loaded that it needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Start:
    ready_s: float
    idle_mib: float
    used_mib: float


def cold_start(site: Site, *, rounds: int) -> list[Figure]:
    """Start production's worker and a plain one in turn."""
    taken: dict[str, list[_Start]] = {app: [] for app in _APPS}
    for number in range(rounds):
        for app in _APPS:
            taken[app].append(_started(site, app, name=f"cold-{app.rpartition('.')[2]}-{number}"))
    ours, bare = taken.values()
    rows = [
        ("cold start until ready", "s", 2, [one.ready_s for one in ours], [one.ready_s for one in bare]),
        ("memory when ready", "MiB", 0, [one.idle_mib for one in ours], [one.idle_mib for one in bare]),
        ("memory after its first task", "MiB", 0, [one.used_mib for one in ours], [one.used_mib for one in bare]),
    ]
    return [
        Figure(
            group="A worker with one child (memory: proportional share of both processes)",
            name=name,
            value=spread(values),
            unit=unit,
            digits=digits,
            ratio=ratio(values, plain),
            against=f"a bare Celery worker ({spread(plain).median:.{digits}f} {unit})",
        )
        for name, unit, digits, values, plain in rows
    ]


def _started(site: Site, app: str, *, name: str) -> _Start:
    began = time.perf_counter()
    program = site.start_worker(name, app, database=_DATABASE, until_ready=False)
    until(lambda: READY in program.log.read_text(), within_s=30, what=f"{name} is ready")
    ready_s = time.perf_counter() - began
    idle_mib = _memory_mib(program)
    _use(site.database(_DATABASE), _APPS[app])
    used_mib = _memory_mib(program)
    program.kill()
    return _Start(ready_s=ready_s, idle_mib=idle_mib, used_mib=used_mib)


def _use(url: str, task: str) -> None:
    """Let the worker do one task; what is linked to it comes into a queue that nobody works on but us."""
    app = Celery("sender", set_as_current=False)
    app.conf.update(celery_settings(url))
    install_repairs(app)
    after = app.signature("bench.after", queue=_AFTER, immutable=True, ignore_result=True)
    with connect(url, timeout_s=_LONGEST_S + 10.0) as client:
        app.signature(task, queue=CONTROL_QUEUE, ignore_result=True).apply_async(link=after)
        if client.blpop([_AFTER], timeout=_LONGEST_S) is None:
            raise RuntimeError(f"{task} did not succeed")


def _memory_mib(program: Program) -> float:
    pids = [program.process.pid, *_children(program.process.pid)]
    return sum(_share_kib(pid) for pid in pids) / _KIB_PER_MIB


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _share_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
