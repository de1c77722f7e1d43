"""What every plug of Quota must do, as port and as the pace of the wire (GH-40 to GH-42)."""

from datetime import timedelta

import pytest
from redis import Redis
from runtime_plugs import AgingClock, Plugs

from cogworks.adapters.redis_quota import RedisQuota
from cogworks.model.errors import RateLimited
from cogworks.model.github import Limits
from cogworks.model.ids import RepoName
from cogworks.ports.limits import RequestKind

REPO, OTHER_REPO = RepoName("acme/tally"), RepoName("acme/other")
# The times of a real server go on while a test runs.
ROUGHLY_S = 3.0


def left(plugs: Plugs, remaining: int, *, reset_s: float = 3600.0) -> Limits:
    return Limits(limit=5000, remaining=remaining, reset_at=plugs.clock.now() + timedelta(seconds=reset_s))


def paused_s(plugs: Plugs, kind: RequestKind) -> float:
    """How long a request was held back before it could go."""
    before = plugs.clock.now()
    plugs.quota.pace(kind)
    return (plugs.clock.now() - before).total_seconds()


def refusal_s(plugs: Plugs, kind: RequestKind) -> float:
    """For how long a request may not go at all."""
    with pytest.raises(RateLimited) as refused:
        plugs.quota.pace(kind)
    assert refused.value.retry_after_s is not None
    return refused.value.retry_after_s


def primary(plugs: Plugs, reset_s: float) -> RateLimited:
    return RateLimited("spent", kind="primary", reset_at=plugs.clock.now() + timedelta(seconds=reset_s))


def secondary(retry_after_s: float | None = None) -> RateLimited:
    return RateLimited("slow down", kind="secondary", retry_after_s=retry_after_s)


def test_requests_go_at_once_while_nothing_or_enough_is_known(plugs: Plugs) -> None:
    plugs.quota.pace("read")
    plugs.quota.seen(left(plugs, 4000))
    assert [paused_s(plugs, kind) for kind in ("read", "write", "content", "read")] == [0, 0, 0, 0]
    assert (plugs.quota.rests_s(), plugs.quota.admits()) == (0.0, "")


def test_a_burst_of_writes_goes_at_once_then_the_minute_sets_the_pace(plugs: Plugs) -> None:
    assert [paused_s(plugs, "content") for _ in range(40)] == [0.0] * 40
    assert 0 < paused_s(plugs, "content") <= 0.75


def test_no_minute_sees_more_than_eighty_writes_and_no_hour_more_than_five_hundred(plugs: Plugs) -> None:
    sent: list[float] = []
    began = plugs.clock.now()
    while len(sent) < 520:
        try:
            plugs.quota.pace("content")
        except RateLimited as error:
            plugs.pass_time(error.retry_after_s or 0.0)
        else:
            sent.append((plugs.clock.now() - began).total_seconds())

    assert max(sum(at <= other < at + 60 - ROUGHLY_S for other in sent) for at in sent) <= 80
    assert max(sum(at <= other < at + 3600 - 10 * ROUGHLY_S for other in sent) for at in sent) <= 500
    assert sent[499] < 500, "up to the hour's limit nothing waits longer than the minute wants"


def test_a_write_that_would_wait_long_is_given_back_to_its_caller(plugs: Plugs) -> None:
    for _ in range(80):
        plugs.quota.pace("content")
    assert 5 < refusal_s(plugs, "content") <= 61
    assert plugs.quota.rests_s() > 5, "no run can go on without its comments"
    assert plugs.quota.admits() != ""
    assert paused_s(plugs, "write") == 0.0, "what creates nothing is not paced"
    assert paused_s(plugs, "read") == 0.0


def test_zero_is_unpaced(client: Redis) -> None:
    clock = AgingClock(client)
    quota = RedisQuota(client, token_id="0", clock=clock, writes_per_minute=0, writes_per_hour=0)
    for _ in range(200):
        quota.pace("content")
    assert clock.monotonic() == 0.0


@pytest.mark.parametrize("kind", ["read", "write", "content"])
def test_while_a_limit_is_on_nothing_is_sent(plugs: Plugs, kind: RequestKind) -> None:
    error = plugs.quota.refused(primary(plugs, 60))
    assert error.retry_after_s == pytest.approx(60, abs=ROUGHLY_S)
    assert refusal_s(plugs, kind) == pytest.approx(60, abs=ROUGHLY_S)
    assert plugs.quota.rests_s() == pytest.approx(60, abs=ROUGHLY_S)
    assert "nothing gets through for" in plugs.quota.admits()
    plugs.pass_time(61)
    assert paused_s(plugs, kind) == 0.0
    assert plugs.quota.rests_s() == 0.0


def test_an_answer_that_leaves_nothing_is_a_limit_too(plugs: Plugs) -> None:
    plugs.quota.seen(left(plugs, 0, reset_s=120))
    assert refusal_s(plugs, "read") == pytest.approx(120, abs=ROUGHLY_S)
    plugs.pass_time(121)
    plugs.quota.pace("read")


# What GitHub said, and how long is waited the first, second and third time.
SECONDARIES = [
    ("it says how long", 30.0, (30, 30, 30)),
    ("it says nothing: a minute, doubled", None, (60, 120, 240)),
]


@pytest.mark.parametrize(("why", "asked", "waits"), SECONDARIES, ids=[row[0] for row in SECONDARIES])
def test_a_secondary_limit_lasts_as_told_or_doubles(
    plugs: Plugs, why: str, asked: float | None, waits: tuple[int, ...]
) -> None:
    for wait in waits:
        plugs.quota.refused(secondary(asked))
        assert refusal_s(plugs, "content") == pytest.approx(wait, abs=ROUGHLY_S), why
        plugs.pass_time(wait + 1)
    plugs.pass_time(601)
    plugs.quota.refused(secondary(asked))
    assert refusal_s(plugs, "content") == pytest.approx(waits[0], abs=ROUGHLY_S), "ten quiet minutes: as new"


def test_after_a_secondary_limit_writes_keep_a_second_apart_for_ten_minutes(plugs: Plugs) -> None:
    plugs.quota.refused(secondary(10.0))
    plugs.pass_time(11)
    plugs.quota.pace("content")
    assert 0 < paused_s(plugs, "content") <= 1.0
    assert 0 < paused_s(plugs, "write") <= 1.0
    assert paused_s(plugs, "read") == 0.0
    plugs.pass_time(601)
    assert [paused_s(plugs, "content") for _ in range(3)] == [0.0, 0.0, 0.0]


def test_below_the_floor_reads_are_spaced_to_last_until_the_reset(plugs: Plugs) -> None:
    plugs.quota.seen(left(plugs, 400, reset_s=2000))
    plugs.quota.pace("read")
    assert paused_s(plugs, "read") == pytest.approx(5, abs=0.5)
    assert paused_s(plugs, "content") == 0.0
    assert "400 of 5000 requests are left" in plugs.quota.admits()


def test_the_last_few_requests_are_kept(plugs: Plugs) -> None:
    plugs.quota.seen(left(plugs, 20, reset_s=3600))
    assert refusal_s(plugs, "read") == pytest.approx(3600, abs=ROUGHLY_S)


@pytest.mark.parametrize(
    ("floors", "spared"),
    [
        pytest.param({}, True, id="the default spares five hundred"),
        pytest.param({REPO: 100}, False, id="a repository spares fewer"),
        pytest.param({REPO: 100, OTHER_REPO: 300}, True, id="the most careful counts"),
    ],
)
def test_repositories_say_from_where_on_requests_are_spared(
    plugs: Plugs, floors: dict[RepoName, int], spared: bool
) -> None:
    for repo, floor in floors.items():
        plugs.quota.keep_floor(repo, floor)
    plugs.quota.seen(left(plugs, 200))
    assert bool(plugs.quota.admits()) is spared


def test_within_a_window_the_lower_figure_wins(plugs: Plugs) -> None:
    low = left(plugs, 100)
    plugs.quota.seen(low)
    plugs.quota.seen(Limits(limit=5000, remaining=900, reset_at=low.reset_at))
    assert "100 of 5000" in plugs.quota.admits()
    plugs.quota.seen(left(plugs, 5000, reset_s=7200))
    assert plugs.quota.admits() == "", "a later window starts anew"


def test_a_lost_store_lets_requests_go_until_the_next_answer(plugs: Plugs) -> None:
    plugs.quota.refused(primary(plugs, 600))
    plugs.wipe()
    plugs.quota.pace("content")
    assert plugs.quota.admits() == ""


def test_processes_share_one_token_and_its_name_is_no_secret(client: Redis) -> None:
    clock = AgingClock(client)
    one, other = (RedisQuota(client, token_id="0123456789ab", clock=clock) for _ in range(2))
    one.refused(secondary(30.0))
    with pytest.raises(RateLimited, match="secondary limit"):
        other.pace("read")
