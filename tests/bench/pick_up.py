"""How long a label waits: from the request that sets it to the first comment of CogWorks, real beat and workers."""

import random
import sys
import tempfile
import threading
from datetime import datetime
from pathlib import Path
from statistics import quantiles
from typing import Any

from tests.bench.figures import Figure, single

_TESTS = Path(__file__).resolve().parents[1]
_INTERVAL_S, _ISSUES = 2, 20
_ONE_NODE = 'schema_version = 1\n[pipelines.default]\nstart = "intake"\nnodes = [{id="intake", uses="intake"}]\n'
_SETTINGS = {"COGWORKS_POLL_INTERVAL": str(_INTERVAL_S), "COGWORKS_SWEEP_SECONDS": "30"}


def pick_up() -> list[Figure]:
    """Label issues one after the other, at times that have nothing to do with the ticks."""
    # The journeys find their modules beside them, as pytest lets them.
    sys.path[:0] = [str(_TESTS), str(_TESTS / "journeys")]
    from scripts import rules_of  # type: ignore[import-not-found]  # found as said
    from seeds import CALC, Seed  # type: ignore[import-not-found]  # found as said
    from stack import running  # type: ignore[import-not-found]  # found as said
    from work_items import ONE  # type: ignore[import-not-found]  # found as said

    seed = Seed(
        title=ONE.title, body=ONE.issue_body, files={**CALC, ".cogworks/pipeline.toml": _ONE_NODE}, labelled=False
    )
    with (
        tempfile.TemporaryDirectory(prefix="cwb-") as home,
        running(seed, rules_of(ONE), service_home=Path(home), settings=_SETTINGS) as stack,
    ):
        waits_s = _waits_s(stack, body=ONE.issue_body)
    cuts = quantiles(waits_s, n=20, method="inclusive")
    group = f"From label to first comment, polled every {_INTERVAL_S} s, {_ISSUES} labels"
    return [
        Figure(group=group, name=name, value=single(value), unit="s", digits=2)
        for name, value in (("p50", cuts[9]), ("p95", cuts[18]), ("longest", max(waits_s)))
    ]


def _waits_s(stack: Any, *, body: str) -> list[float]:
    chosen, pause = random.Random(20261126), threading.Event()
    # The first run clones the repository and warms every child; it is not counted.
    _label(stack, body)
    waits = []
    for _ in range(_ISSUES):
        pause.wait(chosen.uniform(0, _INTERVAL_S))
        number = _label(stack, body)
        log = stack.ask("github", "log")["log"]
        labelled = _posted(log, by="maria", path=f"/issues/{number}/labels")
        heard = _posted(log, by="cogworks", path=f"/issues/{number}/comments")
        waits.append((heard - labelled).total_seconds())
    return waits


def _label(stack: Any, body: str) -> int:
    """Open and label an issue, and return its number once its run is over."""
    from processes import until  # type: ignore[import-not-found]  # found as said
    from seeds import REPO, TRIGGER

    client = stack.maria.client
    made = client.post(f"/repos/{REPO}/issues", json={"title": "Pick me up", "body": body}).raise_for_status()
    number: int = made.json()["number"]
    client.post(f"/repos/{REPO}/issues/{number}/labels", json={"labels": [TRIGGER]}).raise_for_status()
    until(lambda: "cogworks:node:complete" in stack.maria.labels(number), within_s=60, what=f"#{number} ends")
    return number


def _posted(log: Any, *, by: str, path: str) -> datetime:
    """Return when somebody first posted there."""
    found = (one for one in log if (one["method"], one["login"]) == ("POST", by) and one["path"].endswith(path))
    return datetime.fromisoformat(next(found)["at"])
