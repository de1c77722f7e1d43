"""What every plug of Permits must do (LLM-10 to LLM-12, LLM-16)."""

from datetime import timedelta

import pytest
from redis import Redis
from runtime_plugs import AgingClock, Plugs, redis_permits

from cogworks.model.llm import RateLimits
from cogworks.ports.limits import Pressure, Turn

NEEDS = {"requests": 1, "tokens": 3000, "input_tokens": 1000, "output_tokens": 2000}
# The times of a real server go on while a test runs.
ROUGHLY_S = 3.0


def ask(plugs: Plugs, ticket: str) -> Turn:
    return plugs.permits.ask(ticket, low_water=0.2, needs=NEEDS, probe_s=100.0)


def left(plugs: Plugs, remaining: int, *, limit: int = 50, reset_s: float = 60.0, kind: str = "requests") -> RateLimits:
    ends = plugs.clock.now() + timedelta(seconds=reset_s)
    return RateLimits(remaining={kind: remaining}, limit={kind: limit}, reset_at={kind: ends})


def test_calls_go_at_once_while_nothing_is_known(plugs: Plugs) -> None:
    assert all(ask(plugs, f"c{n}").granted for n in range(5))


def test_calls_go_at_once_while_enough_is_left(plugs: Plugs) -> None:
    plugs.permits.answered("c0", left(plugs, 40))
    assert all(ask(plugs, f"c{n}").granted for n in range(5))
    assert plugs.permits.standing(low_water=0.2).remaining == 35, "each granted call uses one up"


# The limit's kind, what is left, of how many, and the seconds between two calls of 60 until the reset.
SPACINGS = [
    ("two requests for a minute", "requests", 2, 50, 30.0),
    ("tokens for ten such calls", "tokens", 30_000, 1_000_000, 6.0),
    ("input for ten such prompts", "input_tokens", 10_000, 1_000_000, 6.0),
    ("less output than one call may need", "output_tokens", 1000, 100_000, 60.0),
    ("enough is left", "requests", 10, 50, 0.0),
]


@pytest.mark.parametrize(("why", "kind", "remaining", "limit", "gap_s"), SPACINGS, ids=[row[0] for row in SPACINGS])
def test_below_the_low_water_calls_are_spaced_to_last_until_the_reset(
    plugs: Plugs, why: str, kind: str, remaining: int, limit: int, gap_s: float
) -> None:
    plugs.permits.answered("c0", left(plugs, remaining, limit=limit, kind=kind))

    assert ask(plugs, "c1").granted, why
    assert ask(plugs, "c2").wait_s == pytest.approx(gap_s, abs=ROUGHLY_S), why


def test_three_calls_on_the_last_two_requests_never_meet_the_limit(plugs: Plugs) -> None:
    plugs.permits.answered("c0", left(plugs, 2))
    began, waiting, gone = plugs.clock.now(), ["c1", "c2", "c3"], []
    for _ in range(70):
        for ticket in [one for one in waiting if ask(plugs, one).granted]:
            waiting.remove(ticket)
            gone.append((ticket, (plugs.clock.now() - began).total_seconds()))
        plugs.pass_time(1.0)

    assert [ticket for ticket, _ in gone] == ["c1", "c2", "c3"], "the oldest first"
    times = [at for _, at in gone]
    assert times == [0.0, pytest.approx(30, abs=ROUGHLY_S), pytest.approx(60, abs=ROUGHLY_S)]


def test_nothing_left_is_waited_out(plugs: Plugs) -> None:
    plugs.permits.answered("c0", left(plugs, 0))
    assert ask(plugs, "c1").wait_s == pytest.approx(60, abs=ROUGHLY_S)
    plugs.pass_time(61)
    assert ask(plugs, "c1").granted


def test_a_refusal_pauses_the_key_then_one_probes_and_the_rest_follow(plugs: Plugs) -> None:
    plugs.permits.limited("c0", wait_s=10.0, limits=RateLimits())
    turns = [ask(plugs, ticket) for ticket in ("c1", "c2", "c3")]
    assert all(turn.wait_s == pytest.approx(10, abs=ROUGHLY_S) for turn in turns)
    assert {turn.standing.pressure for turn in turns} == {Pressure.PAUSED}

    plugs.pass_time(9.5)
    waiting = ask(plugs, "c1"), ask(plugs, "c2"), ask(plugs, "c3")
    plugs.pass_time(1)

    assert not any(turn.granted for turn in waiting)
    assert not ask(plugs, "c2").granted, "c1 asked first"
    assert ask(plugs, "c1").granted, "it is the probe"
    assert not ask(plugs, "c2").granted
    assert plugs.permits.standing(low_water=0.2).pressure is Pressure.PROBING
    plugs.permits.answered("c1", RateLimits())
    assert ask(plugs, "c2").granted
    assert ask(plugs, "c3").granted
    assert plugs.permits.standing(low_water=0.2).pressure is Pressure.OPEN


@pytest.mark.parametrize("ending", ["refused", "failed", "dead"])
def test_a_probe_that_does_not_succeed_lets_no_crowd_follow(plugs: Plugs, ending: str) -> None:
    plugs.permits.limited("c0", wait_s=1.0, limits=RateLimits())
    plugs.pass_time(2)
    assert ask(plugs, "c1").granted
    match ending:
        case "refused":
            plugs.permits.limited("c1", wait_s=20.0, limits=RateLimits())
            assert ask(plugs, "c2").wait_s == pytest.approx(20, abs=ROUGHLY_S)
            plugs.pass_time(21)
        case "failed":
            plugs.permits.failed("c1")
        case _:
            assert not ask(plugs, "c2").granted, "it may still be answered"
            plugs.pass_time(101)
    assert ask(plugs, "c2").granted
    assert not ask(plugs, "c3").granted


def test_a_success_from_before_the_refusal_ends_no_pause(plugs: Plugs) -> None:
    ask(plugs, "early")
    plugs.permits.limited("c0", wait_s=10.0, limits=RateLimits())
    plugs.permits.answered("early", RateLimits())
    assert not ask(plugs, "c1").granted


def test_a_shorter_pause_does_not_end_a_longer_one(plugs: Plugs) -> None:
    plugs.permits.limited("c0", wait_s=50.0, limits=RateLimits())
    plugs.permits.limited("c1", wait_s=5.0, limits=RateLimits())
    assert ask(plugs, "c2").wait_s == pytest.approx(50, abs=ROUGHLY_S)


def test_a_waiter_that_died_or_left_keeps_nobody_waiting(plugs: Plugs) -> None:
    plugs.permits.limited("c0", wait_s=1.0, limits=RateLimits())
    for ticket in ("dead", "left", "c1"):
        ask(plugs, ticket)
    plugs.permits.leave("left")
    plugs.pass_time(6)
    assert not ask(plugs, "c1").granted, "the dead one may still come back"
    plugs.pass_time(6)
    assert ask(plugs, "c1").granted


def test_within_a_window_the_lower_figure_wins_and_a_late_answer_changes_nothing(plugs: Plugs) -> None:
    now = left(plugs, 20, reset_s=60)
    late = left(plugs, 45, reset_s=30)
    higher = RateLimits(remaining={"requests": 30}, limit=now.limit, reset_at=now.reset_at)
    for told in (now, higher, late):
        plugs.permits.answered("c", told)
        assert plugs.permits.standing(low_water=0.2).remaining == 20
    plugs.permits.answered("c", left(plugs, 50, reset_s=90))
    assert plugs.permits.standing(low_water=0.2).remaining == 50, "a later window starts anew"


def test_what_is_left_is_told_for_the_scarcest_limit(plugs: Plugs) -> None:
    plugs.permits.answered("c", left(plugs, 40))
    plugs.permits.answered("c", left(plugs, 100, limit=1000, kind="tokens"))
    at = plugs.permits.standing(low_water=0.2)
    assert (at.pressure, at.kind, at.remaining, at.limit) == (Pressure.LOW, "tokens", 100, 1000)
    assert at.reset_s == pytest.approx(60, abs=ROUGHLY_S)


def test_a_lost_store_knows_nothing_and_lets_calls_go(plugs: Plugs) -> None:
    plugs.permits.limited("c0", wait_s=100.0, limits=left(plugs, 1))
    plugs.wipe()
    assert ask(plugs, "c1").granted
    plugs.permits.answered("c1", left(plugs, 1))
    assert plugs.permits.standing(low_water=0.2).remaining == 1, "refilled by the next answer"


def test_workers_share_one_key_and_the_log_is_warned(client: Redis) -> None:
    clock, warned = AgingClock(client), list[str]()
    one, other = (redis_permits(client, now=clock.now, warned=warned) for _ in range(2))
    scarce = RateLimits(
        remaining={"requests": 2}, limit={"requests": 50}, reset_at={"requests": clock.now() + timedelta(seconds=60)}
    )

    one.answered("a", scarce)
    one.answered("b", scarce)
    other.limited("c", wait_s=30.0, limits=RateLimits())

    assert not one.ask("d", low_water=0.2, needs=NEEDS, probe_s=1.0).granted
    assert [text.split(":")[0] for text in warned] == [
        "little is left of the model provider's limit of requests",
        "the model provider refused a call",
    ], "once for the change, once for each refusal"
    assert "sk-canary" not in " ".join(client.keys())
