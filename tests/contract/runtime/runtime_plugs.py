"""Every way to plug the runtime ports: in memory, on fakeredis, on a real server."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from redis import Redis

from cogworks.adapters.memory_clock import VirtualClock
from cogworks.adapters.memory_dead_letters import MemoryDeadLetters
from cogworks.adapters.memory_ledger import MemoryLedger
from cogworks.adapters.memory_permits import MemoryPermits
from cogworks.adapters.memory_pulse import MemoryPulse
from cogworks.adapters.memory_queue import RecordingQueue
from cogworks.adapters.memory_quota import MemoryQuota
from cogworks.adapters.memory_runtime import MemoryEtags, MemoryLeases, MemoryMemo, MemoryProjection, MemoryStore
from cogworks.adapters.redis_dead_letters import RedisDeadLetters
from cogworks.adapters.redis_etags import RedisEtags
from cogworks.adapters.redis_leases import RedisLeases
from cogworks.adapters.redis_ledger import RedisLedger
from cogworks.adapters.redis_memo import RedisMemo
from cogworks.adapters.redis_permits import RedisPermits
from cogworks.adapters.redis_projection import RedisProjection
from cogworks.adapters.redis_pulse import RedisPulse
from cogworks.adapters.redis_quota import RedisQuota
from cogworks.model.ids import AttemptKey, IssueNumber, Item, NodeId, NodeRef, RepoName, RunId, SwiOrdinal
from cogworks.ports.dead_letters import DeadLetters
from cogworks.ports.limits import Permits
from cogworks.ports.pulse import Pulse
from cogworks.ports.runtime import Clock, Leases, Ledger, Memo, Projection

LEASE_S = 32.0
ITEM = Item(RepoName("acme/tally"), IssueNumber(42))
OTHER = Item(RepoName("acme/tally"), IssueNumber(43))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugs:
    """The ports over one store; ``pass_time`` lets its clock move, ``wipe`` empties it."""

    leases: Leases
    projection: Projection
    ledger: Ledger
    memo: Memo
    pulse: Pulse
    etags: MemoryEtags | RedisEtags
    permits: Permits
    quota: MemoryQuota | RedisQuota
    clock: Clock
    letters: DeadLetters
    wipe: Callable[[], object]
    pass_time: Callable[[float], object]


def memory_plugs() -> Plugs:
    """Return the memory twins on a clock that jumps."""
    clock = VirtualClock()
    store, ledger, memo = MemoryStore(clock), MemoryLedger(clock), MemoryMemo()
    permits, quota = MemoryPermits(clock), MemoryQuota(clock)
    letters = MemoryDeadLetters()
    pulse = MemoryPulse(clock, RecordingQueue())

    def wipe() -> None:
        store.wipe()
        ledger.wipe()
        memo.wipe()
        permits.wipe()
        quota.wipe()
        letters.wipe()
        pulse.wipe()

    return Plugs(
        leases=MemoryLeases(store, lease_s=LEASE_S),
        projection=MemoryProjection(store),
        ledger=ledger,
        memo=memo,
        pulse=pulse,
        etags=MemoryEtags(),
        permits=permits,
        quota=quota,
        clock=clock,
        letters=letters,
        wipe=wipe,
        pass_time=clock.advance,
    )


def redis_plugs(client: Redis) -> Plugs:
    """Return the Redis adapters on ``client``."""
    clock = AgingClock(client)
    return Plugs(
        leases=RedisLeases(client, lease_s=LEASE_S),
        projection=RedisProjection(client),
        ledger=RedisLedger(client),
        memo=RedisMemo(client),
        pulse=RedisPulse(client),
        etags=RedisEtags(client),
        permits=redis_permits(client, now=clock.now),
        quota=RedisQuota(client, token_id="0123456789ab", clock=clock),
        clock=clock,
        letters=RedisDeadLetters(client),
        wipe=client.flushall,
        pass_time=clock.sleep,
    )


# A server's clock cannot be moved, so everything that has a time is made older instead.
_AGE = """
local ms = tonumber(ARGV[1])
local function older(number) return string.format('%.0f', math.max(1, tonumber(number) - ms)) end
for _, key in ipairs(redis.call('KEYS', 'cogworks:*')) do
  local left = redis.call('PTTL', key)
  if left > 0 then redis.call('PEXPIRE', key, math.max(1, left - ms)) end
  if left > 0 and left <= ms then redis.call('DEL', key) end
end
local epoch = redis.call('GET', 'cogworks:epoch')
if epoch then redis.call('SET', 'cogworks:epoch', older(epoch)) end
for _, key in ipairs(redis.call('KEYS', 'cogworks:*')) do
  local kind = redis.call('TYPE', key)['ok']
  if kind == 'hash' and string.find(key, ':rate:', 1, true) then
    local all = redis.call('HGETALL', key)
    for i = 1, #all, 2 do
      local prefix = string.sub(all[i], 1, 2)
      if prefix == 'at' then redis.call('HSET', key, all[i], older(all[i + 1])) end
      if prefix == 'q:' then
        local place, seen = string.match(all[i + 1], '^(%d+|)(%d+)$')
        redis.call('HSET', key, all[i], place .. older(seen))
      end
      if prefix == 'w:' then
        local head, ends, name = string.match(all[i + 1], '^(%d+|%d+|)(%d+)(|%d+)$')
        redis.call('HSET', key, all[i], head .. older(ends) .. name)
      end
    end
  elseif kind == 'hash' then
    local all = redis.call('HGETALL', key)
    for i = 1, #all, 2 do
      if string.sub(all[i], 1, 2) == 'a:' then
        local head, ends, tail = string.match(all[i + 1], '^(%d+|%d+|)(%d+)(|.*)$')
        if ends ~= '0' then redis.call('HSET', key, all[i], head .. older(ends) .. tail) end
      elseif string.sub(key, -4) == ':res' then
        local head, ends, holder = string.match(all[i + 1], '^([^|]*|%d+|%d+|)(%d+)(|.*)$')
        redis.call('HSET', key, all[i], head .. older(ends) .. holder)
      end
    end
  elseif kind == 'zset' then
    for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do
      redis.call('ZINCRBY', key, -ms, member)
    end
  end
end
"""


class AgingClock(VirtualClock):
    """Time as the store passes it: whatever sleeps, the store grows older by as much."""

    def __init__(self, client: Redis) -> None:
        super().__init__()
        self._client = client

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        age(self._client, seconds)


def redis_permits(client: Redis, *, now: Callable[[], datetime], warned: list[str] | None = None) -> RedisPermits:
    """Return the turns of one key on ``client``; ``warned`` gets what the log would."""
    told = [] if warned is None else warned
    return RedisPermits(
        client, provider="anthropic", api_key="sk-canary", now=now, warn=lambda text, _figures: told.append(text)
    )


def age(client: Redis, seconds: float) -> None:
    """Make everything of ours on the server older by ``seconds``."""
    client.eval(_AGE, 0, round(seconds * 1000))


def until(holds: Callable[[], object], *, deadline_s: float = 10.0) -> None:
    """Return as soon as ``holds``; fail at the deadline."""
    deadline = time.monotonic() + deadline_s
    while not holds():
        assert time.monotonic() < deadline, f"still not so after {deadline_s} s"


def attempt(number: int = 1, *, node: str = "coding", swi: int | None = None, run: str = "r1") -> AttemptKey:
    """Return the key of an attempt of ``ITEM``."""
    ordinal = None if swi is None else SwiOrdinal(swi)
    return AttemptKey(ITEM, RunId(run), NodeRef(NodeId(node), ordinal), number)
