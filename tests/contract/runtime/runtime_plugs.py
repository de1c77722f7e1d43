"""Every way to plug the runtime ports: in memory, on fakeredis, on a real server."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from redis import Redis

from cogworks.adapters.memory_clock import VirtualClock
from cogworks.adapters.memory_ledger import MemoryLedger
from cogworks.adapters.memory_runtime import MemoryEtags, MemoryLeases, MemoryMemo, MemoryProjection, MemoryStore
from cogworks.adapters.redis_etags import RedisEtags
from cogworks.adapters.redis_leases import RedisLeases
from cogworks.adapters.redis_ledger import RedisLedger
from cogworks.adapters.redis_memo import RedisMemo
from cogworks.adapters.redis_projection import RedisProjection
from cogworks.model.ids import AttemptKey, IssueNumber, Item, NodeId, NodeRef, RepoName, RunId, SwiOrdinal
from cogworks.ports.runtime import Leases, Ledger, Memo, Projection

LEASE_S = 0.25
ITEM = Item(RepoName("acme/tally"), IssueNumber(42))
OTHER = Item(RepoName("acme/tally"), IssueNumber(43))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugs:
    """The ports over one store; ``pass_time`` lets its clock move, ``wipe`` empties it."""

    leases: Leases
    projection: Projection
    ledger: Ledger
    memo: Memo
    etags: MemoryEtags | RedisEtags
    wipe: Callable[[], object]
    pass_time: Callable[[float], object]


def memory_plugs() -> Plugs:
    """Return the memory twins on a clock that jumps."""
    clock = VirtualClock()
    store, ledger, memo = MemoryStore(clock), MemoryLedger(clock), MemoryMemo()

    def wipe() -> None:
        store.wipe()
        ledger.wipe()
        memo.wipe()

    return Plugs(
        leases=MemoryLeases(store, lease_s=LEASE_S),
        projection=MemoryProjection(store),
        ledger=ledger,
        memo=memo,
        etags=MemoryEtags(),
        wipe=wipe,
        pass_time=clock.advance,
    )


def redis_plugs(client: Redis) -> Plugs:
    """Return the Redis adapters on ``client``."""
    return Plugs(
        leases=RedisLeases(client, lease_s=LEASE_S),
        projection=RedisProjection(client),
        ledger=RedisLedger(client),
        memo=RedisMemo(client),
        etags=RedisEtags(client),
        wipe=client.flushall,
        pass_time=lambda seconds: server_time_passes(client, seconds),
    )


def server_time_passes(client: Redis, seconds: float) -> None:
    """Return once the server's own clock has moved by ``seconds``, and a little more than its clock's grain."""
    start = server_time_s(client) + 0.02
    until(lambda: server_time_s(client) > start + seconds)


def server_time_s(client: Redis) -> float:
    """Return the server's clock."""
    whole, micro = client.time()
    return float(whole) + float(micro) / 1e6


def until(holds: Callable[[], object], *, deadline_s: float = 10.0) -> None:
    """Return as soon as ``holds``; fail at the deadline."""
    deadline = time.monotonic() + deadline_s
    while not holds():
        assert time.monotonic() < deadline, f"still not so after {deadline_s} s"


def attempt(number: int = 1, *, node: str = "coding", swi: int | None = None, run: str = "r1") -> AttemptKey:
    """Return the key of an attempt of ``ITEM``."""
    ordinal = None if swi is None else SwiOrdinal(swi)
    return AttemptKey(ITEM, RunId(run), NodeRef(NodeId(node), ordinal), number)
