"""`unlock`, `cancel`, `queue status`, and what `status` and `health --all` see in Redis (RB-04, RB-24, RB-26)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cli_stand import REPO, CommandLine, Program
from hand_made import post_state
from redis import Redis

from cogworks.adapters.redis_connection import connect
from cogworks.adapters.redis_leases import RedisLeases
from cogworks.adapters.redis_projection import RedisProjection
from cogworks.adapters.redis_pulse import RedisPulse
from cogworks.adapters.redis_start import start_redis
from cogworks.model.ids import AttemptKey, IssueNumber, Item, NodeId, NodeRef, RepoName, RunId
from cogworks.model.pulse import Tick, WorkerSign
from cogworks.model.state import NodeState, NodeStatus, RunStatus, state_to_json
from cogworks.ports.runtime import Claim

_NODE = NodeRef(NodeId("intake"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with start_redis(folder=tmp_path_factory.mktemp("r")) as started:
        yield started.url


@pytest.fixture
def redis(server: str, cogworks: CommandLine) -> Iterator[Redis]:
    """An empty Redis that the command line is told of."""
    cogworks.set(redis_url=server, repos=REPO)
    with connect(server) as client:
        client.flushall()
        yield client


@pytest.fixture
def item(github: Program) -> Item:
    """An issue of its own, labelled for a run."""
    made = github.call("POST", f"/repos/{REPO}/issues", {"title": "Stands still"}, login="maria")
    github.call("POST", f"/repos/{REPO}/issues/{made['number']}/labels", {"labels": ["cogworks:run"]}, login="maria")
    return Item(RepoName(REPO), IssueNumber(made["number"]))


def claim(client: Redis, item: Item, *, lease_s: float = 60.0) -> AttemptKey:
    key = AttemptKey(item, RunId("r1"), _NODE, 1)
    taken = RedisLeases(client, lease_s=lease_s, settle_s=0.0).claim(key, owner="far-host:7", fence_floor=0)
    assert isinstance(taken, Claim)
    return key


def labels(github: Program, item: Item) -> set[str]:
    return {one["name"] for one in github.call("GET", f"/repos/{REPO}/issues/{item.number}")["labels"]}


# -- unlock -----------------------------------------------------------------------------------------------------------


def test_a_fresh_lock_needs_force(cogworks: CommandLine, redis: Redis, item: Item) -> None:
    key = claim(redis, item)
    said = cogworks("unlock", str(item), "--json")
    [wrong] = said.document["errors"]
    assert (said.code, wrong["code"], wrong["hint"]) == (1, "lock_held", "--force ends it")
    assert f"{key} by far-host:7" in wrong["message"], "it is said who holds it"
    assert RedisLeases(redis).live(item) == {str(key)}, "and left to them"

    said = cogworks("unlock", str(item), "--force", "--json")
    assert said.code == 0
    assert [one["owner"] for one in said.document["data"]["removed"]] == ["far-host:7"]
    assert RedisLeases(redis).live(item) == frozenset()
    assert redis.llen("control") == 1, "a step goes on from there"


def test_a_stale_lock_is_removed(cogworks: CommandLine, redis: Redis, item: Item) -> None:
    claim(redis, item, lease_s=0.001)
    said = cogworks("unlock", str(item))
    assert said.code == 0
    assert "removed" in said.out
    assert "lapsed" in said.out
    assert "nobody holds it" in cogworks("unlock", str(item)).out


def test_unlock_needs_the_redis_of_the_cluster(cogworks: CommandLine) -> None:
    said = cogworks("unlock", f"{REPO}#1", "--json")
    assert (said.code, said.document["errors"][0]["field"]) == (2, "COGWORKS_REDIS_URL")


# -- cancel -----------------------------------------------------------------------------------------------------------


def test_a_run_is_cancelled_by_its_label_and_a_step(
    cogworks: CommandLine, redis: Redis, github: Program, item: Item
) -> None:
    post_state(github, item.number)
    said = cogworks("cancel", str(item), "--json")
    assert (said.code, said.document["data"]["cancelled"]) == (0, True)
    assert "cogworks:cancel" in labels(github, item)
    assert redis.llen("control") == 1


def test_what_has_not_begun_is_kept_from_it(cogworks: CommandLine, redis: Redis, github: Program, item: Item) -> None:
    said = cogworks("cancel", str(item))
    assert (said.code, "keeps it from starting" in said.out) == (0, True)
    assert "cogworks:cancel" in labels(github, item)
    assert redis.llen("control") == 0


def test_where_nothing_runs_it_is_said(cogworks: CommandLine, redis: Redis, github: Program, item: Item) -> None:
    post_state(github, item.number, status=RunStatus.COMPLETED, wait=None)
    for asked in (str(item), f"{REPO}#2"):
        said = cogworks("cancel", asked)
        assert (said.code, "nothing runs" in said.out) == (0, True)
    assert "cogworks:cancel" not in labels(github, item)


# -- looking ----------------------------------------------------------------------------------------------------------


def alive(client: Redis, *, queues: tuple[str, ...] = ("control", "llm", "tool"), beat_s: float = 1.0) -> None:
    now = datetime.now(UTC)
    pulse = RedisPulse(client)
    pulse.ticked(Tick(at=now - timedelta(seconds=beat_s), by="far-host:9"))
    for name in queues:
        pulse.worked(WorkerSign(name=f"{name}@far", queues=(name,), seen_at=now, busy=1, slots=2))


def checks(cogworks: CommandLine) -> tuple[int, dict[str, bool], str]:
    said = cogworks("health", "--all", "--json")
    found = said.document["data"]["checks"]
    return said.code, {one["name"]: one["ok"] for one in found}, " ".join(one["detail"] for one in found)


def test_health_is_good_while_everybody_lives(cogworks: CommandLine, redis: Redis) -> None:
    alive(redis)
    code, found, detail = checks(cogworks)
    assert (code, all(found.values())) == (0, True), detail
    assert {"beat", "workers", "queues", "runs"} <= set(found)
    assert "far-host:9 leads" in detail


def test_health_names_who_is_missing(cogworks: CommandLine, redis: Redis) -> None:
    code, found, detail = checks(cogworks)
    assert (code, found["beat"], found["workers"]) == (3, False, False), "nobody was ever here"
    alive(redis, queues=("control", "tool"), beat_s=400)
    code, found, detail = checks(cogworks)
    assert (code, found["beat"], found["workers"], found["queues"]) == (3, False, False, True)
    assert "no worker consumes llm" in detail
    assert "beat is silent" in detail


def test_a_run_that_stands_still_is_seen_by_status_and_health(
    cogworks: CommandLine, redis: Redis, github: Program, item: Item
) -> None:
    alive(redis)
    long_ago = datetime.now(UTC) - timedelta(minutes=20)
    nodes = {_NODE.node: NodeState(status=NodeStatus.ACTIVE, attempts=1)}
    state = post_state(
        github,
        item.number,
        status=RunStatus.RUNNING,
        wait=None,
        nodes=nodes,
        sub_work_items=(),
        written_at=long_ago,
    )
    RedisProjection(redis).save(item, state=state_to_json(state), seq=1, fence=1, open_run=True)
    said = cogworks("status", str(item), "--json")
    [alert] = said.document["data"]["alerts"]
    assert (alert["kind"], alert["about"]) == ("work_waits", str(item))
    assert f"ALERT {item}: intake attempt 1 has no worker" in cogworks("status", str(item)).out
    code, found, _ = checks(cogworks)
    assert (code, found["runs"]) == (3, False)


def test_status_names_holder_and_why_an_item_does_not_begin(cogworks: CommandLine, redis: Redis, item: Item) -> None:
    key = claim(redis, item)
    RedisPulse(redis).polled(item.repo, at=datetime.now(UTC), waiting={item.number: "blocked by #7"})
    said = cogworks("status", str(item))
    assert f"held: {key} by far-host:7, renewed 0 s ago" in said.out
    assert "not begun: blocked by #7" in said.out


def test_queues_are_shown_with_what_waits_and_who_consumes(cogworks: CommandLine, redis: Redis, item: Item) -> None:
    alive(redis, queues=("llm",))
    cogworks("process", str(item), "--enqueue")
    said = cogworks("queue", "status", "--json")
    rows = {row["queue"]: row for row in said.document["data"]["queues"]}
    assert (said.code, said.document["command"], said.document["data"]["unacked"]) == (0, "queue status", 0)
    assert (rows["control"]["depth"], rows["control"]["consumers"]) == (1, [])
    assert (rows["llm"]["depth"], rows["llm"]["consumers"]) == (0, ["llm@far"])
    assert rows["control"]["oldest_seconds"] < 60
    assert "nobody" in cogworks("queue", "status").out


def test_queues_of_an_absent_redis_are_retriable(cogworks: CommandLine, tmp_path: Path) -> None:
    cogworks.set(redis_url=f"unix://{tmp_path}/nobody.sock")
    assert cogworks("queue", "status").code == 75
