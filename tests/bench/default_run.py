"""What the default run with three sub-work-items asks GitHub for: the figures that its budget is set by."""

import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.bench.figures import Figure, single

_TESTS = Path(__file__).resolve().parents[1]
_POLLED = (
    "/repos/{owner}/{repo}/issues",
    "/repos/{owner}/{repo}/issues/events",
    "/repos/{owner}/{repo}/issues/comments",
)
_LABELS = "/repos/{owner}/{repo}/labels"
_SETTINGS = {"COGWORKS_POLL_INTERVAL": "2", "COGWORKS_SWEEP_SECONDS": "30"}


def default_run() -> tuple[list[Figure], Mapping[str, int]]:
    """Make the journey of the tests once; return the figures, and every route with its count."""
    # The journeys find their modules beside them, as pytest lets them.
    sys.path[:0] = [str(_TESTS), str(_TESTS / "journeys")]
    from journey import Arrival, Journey, travel  # type: ignore[import-not-found]  # found as said
    from stack import by_route  # type: ignore[import-not-found]  # found as said
    from work_items import THREE  # type: ignore[import-not-found]  # found as said

    arrivals: list[tuple[float, list[dict[str, Any]]]] = []

    def arrived(arrival: Arrival) -> None:
        arrivals.append((arrival.took_s, arrival.stack.requests()))

    journey = Journey(name="bench", why="it is counted", plan=THREE, settings=_SETTINGS, within_s=120)
    with tempfile.TemporaryDirectory(prefix="cwb-") as home:
        travel(journey, service_home=Path(home), arrived=arrived)
    (took_s, requests), *_ = arrivals
    return _figures(took_s, requests), by_route(requests)


def _figures(took_s: float, requests: list[dict[str, Any]]) -> list[Figure]:
    kinds = Counter(_kind(one) for one in requests)
    unchanged = sum(one["status"] == 304 for one in requests)
    polls = [one for one in requests if one["method"] == "GET" and one["route"] in _POLLED]
    changed_polls = sum(one["status"] != 304 for one in polls)
    counted = {
        "content-creating requests": sum(one["content_write"] for one in requests),
        "REST requests answered with other than 304": kinds["rest"] - unchanged,
        "  the same without polls, whose number grows with time": kinds["rest"] - unchanged - changed_polls,
        "REST requests answered with 304": unchanged,
        "creations of labels, counted apart": kinds["label"],
        "git requests": kinds["git"],
        "total": len(requests),
        "  of them polls": len(polls),
    }
    group = "The default run with three sub-work-items, requests to GitHub"
    figures = [Figure(group=group, name=name, value=single(number), unit="") for name, number in counted.items()]
    return [*figures, Figure(group=group, name="seconds, polled every 2 s", value=single(took_s), unit="s", digits=1)]


def _kind(one: Mapping[str, Any]) -> str:
    if ".git/" in one["route"]:
        return "git"
    return "label" if one["method"] == "POST" and one["route"] == _LABELS else "rest"
