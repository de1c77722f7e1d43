"""Runs whose machines fail in the middle of code generation: they finish, and nothing is there twice (A6)."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from journey import Arrival, Journey, expected_comments, expected_issues, expected_pulls, travel
from stack import FORGETFUL, Stack
from work_items import ONE

# The second turn of the tool loop: the model has called tools, its answer is on its way.
_IN_THE_MIDDLE = ({"match": {"node": "code_generation", "purpose": "generate"}, "nth": 2, "kind": "hold_before"},)


# A step has read what Redis knows and has told people what begins; it has yet to write its state.
_IN_A_STEP = ({"match": {"method": "POST", "path": "/issues/1/comments$"}, "nth": 3, "kind": "hold_after"},)


def _stop_everything(stack: Stack) -> None:
    stack.stop_cogworks()
    stack.restart_with_empty_redis()


def _kill_the_worker(stack: Stack) -> None:
    stack.programs["worker-llm"].kill()
    stack.start_worker("worker-llm")


def _empty_redis(stack: Stack) -> None:
    stack.empty_redis()
    stack.let_go()


def _disturbed(name: str, why: str, disturb: Callable[[Stack], None], **more: Any) -> Journey:
    return Journey(name=name, why=why, plan=ONE, settings=FORGETFUL, disturb=disturb, **more)


JOURNEYS = [
    _disturbed(
        "all-stopped-redis-empty",
        "a host is shut down and comes up without its disk",
        _stop_everything,
        model_faults=_IN_THE_MIDDLE,
        forgets=True,
    ),
    _disturbed(
        "worker-killed",
        "the kernel kills one worker, Redis knows everything",
        _kill_the_worker,
        model_faults=_IN_THE_MIDDLE,
    ),
    _disturbed(
        "flushall",
        "Redis fails over to an empty copy under a working model",
        _empty_redis,
        model_faults=_IN_THE_MIDDLE,
        forgets=True,
    ),
    _disturbed(
        "flushall-in-a-step",
        "Redis fails over to an empty copy under a step that tells people something",
        _empty_redis,
        github_faults=_IN_A_STEP,
        forgets=True,
    ),
]


@pytest.mark.parametrize("journey", JOURNEYS, ids=str)
def test_the_run_finishes_and_nothing_is_doubled(journey: Journey, service_home: Path) -> None:
    """The final state is the one of an undisturbed run: same issues, pull requests and comments, each once."""

    def arrived(arrival: Arrival) -> None:
        found = arrival.found
        assert found.comments == expected_comments(ONE)
        assert found.issues == expected_issues(ONE)
        assert Counter(pull.slug for pull in found.pulls) == Counter(expected_pulls(ONE))

    travel(journey, service_home=service_home, arrived=arrived)
