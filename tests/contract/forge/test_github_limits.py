"""Processes with one token share what GitHub tells of its limits: the real wire, the real Redis, the twin."""

from collections.abc import Iterator

import pytest
from forge_plugs import REPO, Counted, Etags, RunningTwin, running_twin

from cogworks.adapters.github_client import GitHubClient
from cogworks.adapters.redis_connection import connect
from cogworks.adapters.redis_quota import RedisQuota
from cogworks.adapters.redis_start import EmbeddedRedis, start_redis
from cogworks.adapters.system_clock import SystemClock
from cogworks.model.errors import RateLimited
from cogworks.model.ids import IssueNumber

ONE = IssueNumber(1)


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTwin]:
    """A twin of its own, for what is used up here nobody else has."""
    with running_twin(tmp_path_factory.mktemp("limited")) as running:
        yield running


@pytest.fixture(scope="module")
def redis() -> Iterator[EmbeddedRedis]:
    with start_redis() as server:
        yield server


class Process:
    """A client as one process has it, with what it sent."""

    def __init__(self, twin: RunningTwin, redis: EmbeddedRedis) -> None:
        self.counted = Counted()
        self.quota = RedisQuota(connect(redis.url), token_id="0123456789ab", clock=SystemClock())
        self.github = GitHubClient(
            token=twin.tokens["cogworks"],
            base_url=twin.url,
            etags=Etags(),
            count=self.counted,
            limits_seen=self.quota.seen,
            pace=self.quota.pace,
            refused=self.quota.refused,
        )


@pytest.fixture
def processes(twin: RunningTwin, redis: EmbeddedRedis) -> Iterator[tuple[Process, Process]]:
    connect(redis.url).flushall()
    yield Process(twin, redis), Process(twin, redis)
    twin.post("faults", [])
    twin.post("limits", {})


# What GitHub says to one process, and about how long the others then send nothing.
REFUSALS = [
    ("the hour's requests are spent", {"reset_in": 90}, "primary", 90),
    ("too much at a time", {"reset_in": 45, "secondary": True}, "secondary", 45),
]


@pytest.mark.parametrize(("why", "fault", "kind", "seconds"), REFUSALS, ids=[row[0] for row in REFUSALS])
def test_what_refuses_one_process_stops_all_until_it_lifts(
    twin: RunningTwin, processes: tuple[Process, Process], why: str, fault: dict[str, object], kind: str, seconds: int
) -> None:
    one, other = processes
    twin.post("faults", [{"match": {"path": "/issues/1$"}, "kind": "rate_limit", "nth": 1, **fault}])
    with pytest.raises(RateLimited) as refused:
        one.github.issues.get(REPO, ONE)
    with pytest.raises(RateLimited) as held:
        other.github.comments.create(REPO, ONE, "never sent")

    for error in (refused.value, held.value):
        assert error.kind == kind, why
        assert error.retry_after_s == pytest.approx(seconds, abs=5), why
    assert other.counted.seen == [], "nothing went out"
    assert other.quota.rests_s() == pytest.approx(seconds, abs=5)


def test_a_secondary_limit_that_says_no_time_is_a_minute(twin: RunningTwin, processes: tuple[Process, Process]) -> None:
    one, other = processes
    body = {"message": "You have exceeded a secondary rate limit."}
    twin.post("faults", [{"match": {"path": "/issues/1$"}, "kind": "status", "code": 403, "body": body}])
    with pytest.raises(RateLimited) as refused:
        one.github.issues.get(REPO, ONE)
    assert refused.value.retry_after_s == pytest.approx(60, abs=1)
    assert other.quota.rests_s() == pytest.approx(60, abs=5)


def test_every_answer_tells_all_processes_what_is_left(twin: RunningTwin, processes: tuple[Process, Process]) -> None:
    one, other = processes
    twin.post("limits", {"enabled": True, "remaining": 480, "reset_in": 60})
    one.github.issues.get(REPO, ONE)
    assert "479 of 5000 requests are left" in other.quota.admits() or "480 of 5000" in other.quota.admits()
    other.quota.keep_floor(REPO, 100)
    assert one.quota.admits() == ""
