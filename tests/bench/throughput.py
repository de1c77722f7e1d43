"""How many runs an hour this machine carries: runs of 7 no-op nodes at once, GitHub twin, real git, instant model."""

import time
from itertools import count

from celery import Celery

from cogworks.adapters.celery_queue import CeleryQueue, celery_settings
from cogworks.adapters.celery_transport import install_repairs
from cogworks.adapters.redis_connection import connect
from cogworks.model.ids import IssueNumber, Item
from tests.bench.done import DONE
from tests.bench.figures import Figure, ratio, single
from tests.bench.shapes import RATE_REPO
from tests.bench.site import Site

_WORKERS = (1, 2, 4)
_RUNS = 8
_FIRST_DATABASE = 6
_LONGEST_S = 120
_HOUR_S = 3600


def throughput(site: Site) -> list[Figure]:
    """Let 1, 2 and 4 workers of one child each carry eight runs that all begin at once."""
    issues = count(1)
    rates = {}
    for place, workers in enumerate(_WORKERS):
        rates[workers] = _runs_per_hour(site, workers, database=_FIRST_DATABASE + place, issues=issues)
    group = f"Runs an hour, {_RUNS} runs of 7 no-op nodes at once, GitHub twin and real git on the same cores"
    return [
        Figure(
            group=group,
            name=f"{workers} worker{'s' if workers > 1 else ''} with one child",
            value=single(rate),
            unit="/h",
            ratio=ratio([rate], [rates[1]]) if workers > 1 else None,
            against="one worker" if workers > 1 else "",
        )
        for workers, rate in rates.items()
    ]


def _runs_per_hour(site: Site, workers: int, *, database: int, issues: "count[int]") -> float:
    programs = [
        site.start_worker(f"rate-{workers}-{number}", "tests.bench.house_app", database=database)
        for number in range(workers)
    ]
    app = Celery("sender", set_as_current=False)
    app.conf.update(celery_settings(site.database(database)))
    install_repairs(app)
    queue = CeleryQueue(app)
    with connect(site.database(database), timeout_s=_LONGEST_S + 10.0) as client:
        # The first run clones the repository and warms a child; it is not counted.
        queue.step(Item(RATE_REPO, IssueNumber(next(issues))), hint="bench")
        client.blpop([DONE], timeout=_LONGEST_S)
        began = time.perf_counter()
        for _ in range(_RUNS):
            queue.step(Item(RATE_REPO, IssueNumber(next(issues))), hint="bench")
        said = [client.blpop([DONE], timeout=_LONGEST_S) for _ in range(_RUNS)]
        took_s = time.perf_counter() - began
    for program in programs:
        program.kill()
    if any(word is None or word[1] != "completed" for word in said):
        raise RuntimeError(f"not every run completed: {said}")
    return _RUNS * _HOUR_S / took_s
