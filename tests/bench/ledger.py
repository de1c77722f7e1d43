"""How fast the ledger is, against the same Lua scripts called directly."""

import time
from collections.abc import Callable, Sequence
from importlib.resources import files
from itertools import count

from redis import Redis

from cogworks.adapters.redis_connection import connect, item_key
from cogworks.adapters.redis_ledger import RedisLedger
from cogworks.model.ids import IssueNumber, Item, RepoName
from cogworks.model.state import Cost
from cogworks.ports.runtime import SpendingLimits
from tests.bench.figures import Figure, ratio, spread

_PAIRS = 50
_KEPT_S = 30 * 24 * 3600
_LIMITS = SpendingLimits(run_microusd=10**12, run_tokens=10**12, node_microusd=10**12, concurrent_calls=3)
_COST = Cost(microusd=100, tokens=100)


def ledger(redis_url: str, *, rounds: int) -> list[Figure]:
    """Measure pairs of reserve and commit through the port and through Lua alone, in turn."""
    ports, raws = [], []
    with connect(redis_url) as client:
        ours = _through_the_port(RedisLedger(client), _item(1))
        raw = _through_lua(client, _item(2))
        for number in range(rounds + 1):
            taken = _pairs_per_s(ours), _pairs_per_s(raw)
            if number:
                ports.append(taken[0])
                raws.append(taken[1])
    group = "Ledger, pairs of reserve and commit per second"
    return [
        Figure(group=group, name="the Lua scripts called directly", value=spread(raws), unit="/s"),
        Figure(
            group=group,
            name="through the port",
            value=spread(ports),
            unit="/s",
            ratio=ratio(ports, raws),
            against="the direct calls",
        ),
    ]


def _item(number: int) -> Item:
    return Item(RepoName("acme/ledger"), IssueNumber(number))


def _through_the_port(port: RedisLedger, item: Item) -> Callable[[str], object]:
    def pair(call_id: str) -> object:
        port.reserve(item, holder="owner", call_id=call_id, node="node", ask=_COST, ttl_s=60, limits=_LIMITS)
        return port.commit(item, call_id=call_id, node="node", actual=_COST)

    return pair


def _through_lua(client: Redis, item: Item) -> Callable[[str], object]:
    reserve, commit = _loaded(client, "ledger_reserve"), _loaded(client, "ledger_commit")
    first = item_key("led", item)
    keys = [first, f"{first}:res", f"{first}:exp", f"{first}:log"]
    limits: Sequence[int] = (_LIMITS.run_microusd, _LIMITS.run_tokens, 10**12, _LIMITS.concurrent_calls, _KEPT_S)

    def pair(call_id: str) -> object:
        client.evalsha(reserve, 4, *keys, call_id, "node", 100, 100, 60_000, *limits, "owner")
        return client.evalsha(commit, 4, *keys, call_id, "node", 100, 100, _KEPT_S)

    return pair


def _loaded(client: Redis, name: str) -> str:
    folder = files("cogworks.adapters") / "lua"
    text = "".join((folder / f"{part}.lua").read_text("utf-8") for part in ("prelude", name))
    return str(client.script_load(text))


_CALLS = count()


def _pairs_per_s(pair: Callable[[str], object]) -> float:
    began = time.perf_counter()
    for _ in range(_PAIRS):
        pair(f"call-{next(_CALLS)}")
    return _PAIRS / (time.perf_counter() - began)
