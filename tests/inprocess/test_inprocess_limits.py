"""Limits of GitHub and of the model provider: who waits, who goes on, and that nobody turns in circles."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
from answers import good_answers, only
from world import ITEM, REPO, World

from cogworks.adapters.memory_quota import MemoryQuota
from cogworks.engine.crank import Cranked, Ran, crank
from cogworks.engine.polling import poll
from cogworks.engine.recover import sweep
from cogworks.engine.turn import StepResult
from cogworks.model.errors import DependencyUnavailable, RateLimited
from cogworks.model.github import Limits
from cogworks.model.ids import NodeRef
from cogworks.model.llm import RateLimits
from cogworks.model.state import RunStatus, WaitReason
from cogworks.ports.bundle import Ports
from cogworks.ports.github import GitHub

_GROUPS = ("issues", "labels", "comments", "pulls", "contents")


class Paced:
    """A memory GitHub whose every verb asks the quota first, as the wire does; ``sent`` counts what went through."""

    def __init__(self, found: object, quota: MemoryQuota, sent: list[str]) -> None:
        self._found, self._quota, self._sent = found, quota, sent

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._found, name)
        if name in _GROUPS:
            return Paced(found, self._quota, self._sent)
        if name == "guarded_by":
            return lambda guard: Paced(found(guard), self._quota, self._sent)

        def verb(*args: object, **named: object) -> object:
            self._quota.pace("read")
            self._sent.append(name)
            return found(*args, **named)

        return verb


class Silent:
    """A watch that shows nothing."""

    def began(self, ref: NodeRef, attempt: int) -> None: ...
    def ended(self, ran: Ran) -> None: ...


def paced_world(**given: Any) -> tuple[World, list[str]]:
    sent: list[str] = []

    def plug(ports: Ports) -> Ports:
        quota = cast(MemoryQuota, ports.quota)
        return replace(ports, github=cast(GitHub, Paced(ports.github, quota, sent)))

    return World(plug=plug, **given), sent


def limit(world: World, seconds: float) -> None:
    """GitHub refuses a request of some process, and says for how long."""
    world.quota.refused(RateLimited("spent", kind="primary", retry_after_s=seconds))


def little_left(world: World, remaining: int) -> None:
    world.quota.seen(Limits(limit=5000, remaining=remaining, reset_at=world.clock.now() + timedelta(hours=1)))


def turned(world: World, *, until_blocked: bool = True) -> Cranked:
    return crank(world.house, ITEM, hint="test", until_blocked=until_blocked, watch=Silent())


def test_while_github_takes_nothing_neither_poll_nor_sweep_moves_a_run() -> None:
    world, sent = paced_world()
    poll(world.house, REPO)
    world.handle(cast(Any, world.queue.take()))
    limit(world, 1200)
    before, sent[:] = world.fingerprint(), []
    for _ in range(10):
        assert (poll(world.house, REPO).enqueued, sweep(world.house).stepped) == ((), ())
        world.clock.advance(100)
    assert (sent, world.fingerprint()) == ([], before)

    world.clock.advance(201)
    world.run()
    assert world.state.status is RunStatus.COMPLETED


@pytest.mark.parametrize("messages", [1, 3, 6, 9])
def test_a_limit_in_the_middle_of_a_run_delays_it_and_nothing_else(messages: int) -> None:
    """GH-41: no failed label, the same attempts, and nothing is sent until the limit lifts."""
    world, _ = paced_world()
    handled = [0]

    def limited_once(_now: World) -> None:
        handled[0] += 1
        if handled[0] == messages:
            limit(world, 1200)

    world.run(between=limited_once)
    assert world.quota.rests_s() > 0, "nothing moves before it lifts"
    assert world.state.status is not RunStatus.COMPLETED
    world.clock.advance(world.quota.rests_s())
    world.run()

    assert world.state.status is RunStatus.COMPLETED
    assert {node.attempts for node in world.state.nodes.values()} <= {0, 1}
    assert "failure" not in world.kinds()
    gave_up = [text for _, text in world.log if "gave up" in text or "could not begin" in text]
    assert len(gave_up) <= 4, "nobody tries again and again"


def test_the_log_names_the_limit_and_its_end() -> None:
    world, _ = paced_world()
    limit(world, 1200)
    report = world.step()
    assert report.result is StepResult.UNAVAILABLE
    assert isinstance(report.error, DependencyUnavailable)
    assert report.error.retry_after_s == pytest.approx(1200)
    assert any("the primary limit lifts at 2026-01-01 00:20:00 UTC" in text for _, text in world.log)


def test_with_little_left_every_second_poll_is_passed_over_and_nothing_new_begins() -> None:
    world, sent = paced_world()
    little_left(world, 400)
    polls = []
    for _ in range(4):
        sent.clear()
        assert poll(world.house, REPO).enqueued == (), "a new run would use what is left"
        polls.append(bool(sent))
    assert polls == [False, True, False, True]

    little_left(world, 4000)
    world.clock.advance(3601)
    assert poll(world.house, REPO).enqueued == (ITEM,)


def test_with_little_left_what_runs_goes_on() -> None:
    world, _ = paced_world()
    poll(world.house, REPO)
    world.handle(cast(Any, world.queue.take()))
    little_left(world, 400)
    world.run(hours=24)
    assert world.state.status is RunStatus.COMPLETED


# What the model provider said, and whether something new may begin.
PRESSURES: list[tuple[str, Callable[[World], None], bool]] = [
    ("nothing is known", lambda _: None, True),
    ("little is left", lambda world: world.permits.answered("c", _scarce(world, 5)), False),
    ("enough is left", lambda world: world.permits.answered("c", _scarce(world, 45)), True),
    ("it refused a call", lambda world: world.permits.limited("c", wait_s=90, limits=RateLimits()), False),
]


def _scarce(world: World, remaining: int) -> RateLimits:
    ends = world.clock.now() + timedelta(seconds=60)
    return RateLimits(remaining={"requests": remaining}, limit={"requests": 50}, reset_at={"requests": ends})


@pytest.mark.parametrize(("why", "happen", "begins"), PRESSURES, ids=[row[0] for row in PRESSURES])
def test_nothing_new_begins_while_the_model_provider_has_little_left(
    why: str, happen: Callable[[World], None], begins: bool
) -> None:
    world = World()
    happen(world)
    assert bool(poll(world.house, REPO).enqueued) is begins, why
    world.clock.advance(120)
    assert poll(world.house, REPO).enqueued == (ITEM,), "it passes by itself"


@pytest.mark.parametrize(
    ("config", "seconds", "sat_out"),
    [
        pytest.param("", 60, True, id="a minute"),
        pytest.param("", 590, True, id="less than github.max_wait_minutes"),
        pytest.param("", 1200, False, id="twenty minutes"),
    ],
)
def test_the_command_line_sits_a_short_limit_of_github_out(config: str, seconds: float, sat_out: bool) -> None:
    world, _ = paced_world()
    limit(world, seconds)
    began = world.clock.monotonic()
    cranked = turned(world, until_blocked=False)
    assert (cranked.report.result is StepResult.STEPPED) is sat_out
    assert (world.clock.monotonic() - began >= seconds) is sat_out
    if not sat_out:
        assert isinstance(cranked.report.error, DependencyUnavailable)
        assert cranked.report.error.retry_after_s == pytest.approx(seconds)
    assert "cogworks:node:failed" not in world.labels_now()


@pytest.mark.parametrize(
    ("seconds", "sat_out"),
    [
        pytest.param(30.0, True, id="slept in place"),
        pytest.param(900.0, True, id="less than llm_rate_limit.halt_threshold_minutes"),
        pytest.param(3600.0, False, id="an hour"),
    ],
)
def test_the_command_line_sits_a_short_limit_of_the_model_out(seconds: float, sat_out: bool) -> None:
    tries: list[int] = []
    refused = RateLimited("slow down", kind="tokens", retry_after_s=seconds)
    world = World(rules=[only("intake", refused, when=lambda _: tries.append(1) or len(tries) == 1), *good_answers()])
    cranked = turned(world)

    state = cranked.report.state
    assert state is not None
    if sat_out:
        assert state.wait is None or state.wait.reason is WaitReason.APPROVAL
        assert len(world.asked("intake")) == 2
    else:
        assert state.wait is not None
        assert state.wait.reason is WaitReason.RATE_LIMIT
        assert state.wait.until == world.clock.now() + timedelta(seconds=seconds) - _passed(world)
        assert "rate limit" in world.note("wait")
        assert "waits 3600 s" in world.note("wait")
        asked = len(world.llm.requests)
        for _ in range(5):
            turned(world)
            poll(world.house, REPO)
            sweep(world.house)
            world.drain()
        assert len(world.llm.requests) == asked, "nobody picks it up before its time"
    assert "cogworks:node:failed" not in world.labels_now()


def _passed(world: World) -> timedelta:
    """The time since the wait began."""
    since = world.state.wait.since if world.state.wait else world.clock.now()
    return world.clock.now() - since
