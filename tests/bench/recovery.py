"""How long a run stands still after a worker, beat or Redis was killed: one run that loses one after the other."""

import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench.figures import Figure, single
from tests.journeys.processes import until

_TESTS = Path(__file__).resolve().parents[1]
_LONGEST_S = 90.0
_POLLED = "/issues/events"
_IN_CODE = ({"match": {"node": "code_generation", "purpose": "generate"}, "nth": 1, "kind": "hold_before"},)
_IN_REVIEW = ({"match": {"node": "review", "purpose": "review"}, "nth": 1, "kind": "hold_before"},)


def recovery() -> list[Figure]:
    """Kill each once, and return the seconds until the twins see that work goes on."""
    # The journeys find their modules beside them, as pytest lets them.
    sys.path[:0] = [str(_TESTS), str(_TESTS / "journeys")]
    from scripts import rules_of  # type: ignore[import-not-found]  # found as said
    from seeds import CALC, Seed  # type: ignore[import-not-found]  # found as said
    from stack import FORGETFUL, running  # type: ignore[import-not-found]  # found as said
    from work_items import ONE  # type: ignore[import-not-found]  # found as said

    seed = Seed(title=ONE.title, body=ONE.issue_body, files=CALC)
    with (
        tempfile.TemporaryDirectory(prefix="cwb-") as home,
        running(seed, rules_of(ONE), service_home=Path(home), settings=FORGETFUL) as stack,
    ):
        taken = {
            "beat: until the other polls, lease 30 s": _beat(stack),
            "worker: until another has its answer": _worker(stack),
            "Redis, started empty: until the next state": _redis(stack),
        }
        _until(stack, lambda: "cogworks:node:complete" in stack.maria.labels())
    group = "Recovery after a kill; lease 3 s, sweep 1 s, visibility 5 s, poll 1 s"
    return [Figure(group=group, name=name, value=single(value), unit="s", digits=1) for name, value in taken.items()]


def _beat(stack: Any) -> float:
    """Kill the beat that leads, while a gate waits and another beat stands by."""
    _until(stack, stack.maria.waiting_pull, merge=False)
    stack.start_beat("standby")
    _until(stack, lambda: "beat stands by" in stack.programs["standby"].log.read_text(), merge=False)
    killed = datetime.now(UTC)
    stack.programs["beat"].kill()
    return _seen_after(stack, killed, lambda: _times(stack.requests(), "GET", _POLLED), merge=False)


def _worker(stack: Any) -> float:
    """Kill the worker that waits for the model."""
    stack.set_faults("anthropic", _IN_CODE)
    _until(stack, stack.holds_a_request)
    killed = datetime.now(UTC)
    stack.programs["worker-llm"].kill()
    stack.start_worker("worker-llm")
    return _seen_after(stack, killed, lambda: _answers(stack))


def _redis(stack: Any) -> float:
    """Kill Redis under a worker that waits for the model, which then answers."""
    stack.set_faults("anthropic", _IN_REVIEW)
    _until(stack, stack.holds_a_request)
    killed = datetime.now(UTC)
    stack.replace_redis()
    stack.let_go()
    return _seen_after(stack, killed, lambda: _times(stack.requests(), "PATCH", "/issues/comments/"))


def _answers(stack: Any) -> list[str]:
    """Return when the model answered somebody who was still there."""
    return [one["at"] for one in stack.ask("anthropic", "log")["requests"] if one["outcome"] == "delivered"]


def _times(requests: Sequence[Any], method: str, part: str) -> list[str]:
    return [one["at"] for one in requests if one["method"] == method and part in one["path"]]


def _seen_after(stack: Any, killed: datetime, times: Callable[[], Sequence[str]], *, merge: bool = True) -> float:
    """Return the seconds from the kill to the first of ``times`` that lies after it."""

    def after() -> list[datetime]:
        moments = (datetime.fromisoformat(one) for one in times())
        return [moment for moment in moments if moment > killed]

    _until(stack, after, merge=merge)
    return (min(after()) - killed).total_seconds()


def _until(stack: Any, holds: Callable[[], object], *, merge: bool = True) -> None:
    """Wait, while a person merges what waits for her or looks on."""
    until(
        holds,
        within_s=_LONGEST_S,
        what="the run goes on",
        meanwhile=stack.maria.merge_what_waits if merge else None,
    )
