"""The cost ledger in Redis: whole micro-dollars and tokens, one script per verb."""

import math
from collections.abc import Collection, Mapping

from redis import Redis

from cogworks.adapters.redis_connection import RedisScripts, item_key
from cogworks.model.ids import Item
from cogworks.model.state import Cost
from cogworks.ports.runtime import Grant, LedgerView, SpendingLimits

# Longer than any run stays untouched; an older one is started again from the journal.
_KEPT_S = 30 * 24 * 3600


class RedisLedger:
    """Implements Ledger."""

    def __init__(self, client: Redis) -> None:
        self._scripts = RedisScripts(client)

    def seed(self, item: Item, *, committed: Cost, by_node: Mapping[str, int], call_ids: Collection[str] = ()) -> None:
        """Start the ledger from the journal's sums when it was not started yet."""
        pairs: list[str | int] = [part for node, sum_ in by_node.items() for part in (node, sum_)]
        args: list[str | int] = [committed.microusd, committed.tokens, _KEPT_S, len(by_node), *pairs, *call_ids]
        self._scripts.run("ledger_seed", _keys(item), args)

    def reserve(self, item: Item, *, call_id: str, node: str, ask: Cost, ttl_s: float, limits: SpendingLimits) -> Grant:
        """Hold the worst case of a call, or say which limit it would pass."""
        node_limit = "" if limits.node_microusd is None else limits.node_microusd
        ttl_ms = math.ceil(ttl_s * 1000)
        asked: list[str | int] = [call_id, node, ask.microusd, ask.tokens, ttl_ms]
        bounds: list[str | int] = [limits.run_microusd, limits.run_tokens, node_limit, limits.concurrent_calls, _KEPT_S]
        return Grant(self._scripts.run("ledger_reserve", _keys(item), [*asked, *bounds])[0])

    def commit(self, item: Item, *, call_id: str, node: str, actual: Cost) -> bool:
        """Book the actual cost once and free the reservation; False when it was booked before."""
        args: list[str | int] = [call_id, node, actual.microusd, actual.tokens, _KEPT_S]
        return self._scripts.run("ledger_commit", _keys(item), args) == ["booked"]

    def release(self, item: Item, *, call_id: str) -> None:
        """Free a reservation whose call was certainly not sent."""
        self._scripts.run("ledger_release", _keys(item), [call_id])

    def expire(self, item: Item) -> int:
        """Return how many reservations went past their time since the last call; they count as unreconciled."""
        return int(self._scripts.run("ledger_expire", _keys(item), [])[0])

    def show(self, item: Item) -> LedgerView:
        """Return the sums of the run, and what each node has committed."""
        answer = self._scripts.run("ledger_show", _keys(item), [])
        sums, nodes = [int(text) for text in answer[:6]], answer[6:]
        return LedgerView(
            committed=Cost(microusd=sums[0], tokens=sums[1]),
            reserved=Cost(microusd=sums[2], tokens=sums[3]),
            unreconciled=Cost(microusd=sums[4], tokens=sums[5]),
            by_node={node: int(text) for node, text in zip(nodes[::2], nodes[1::2], strict=True)},
        )

    def forget(self, item: Item) -> None:
        """Forget the sums of a run; the next seed starts a new ledger."""
        self._scripts.run("ledger_forget", _keys(item), [])


def _keys(item: Item) -> list[str]:
    ledger = item_key("led", item)
    return [ledger, f"{ledger}:res", f"{ledger}:exp", f"{ledger}:log"]
