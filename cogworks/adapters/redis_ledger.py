"""The cost ledger in Redis: whole micro-dollars and tokens, one script per verb."""

import math
from collections.abc import Sequence

from redis import Redis

from cogworks.adapters.redis_connection import RedisScripts, item_key
from cogworks.model.ids import Item
from cogworks.model.spending import Call, Sums
from cogworks.model.state import Cost
from cogworks.ports.runtime import Grant, LedgerView, SpendingLimits

# Longer than any run stays untouched; an older one is started again from the journal.
_KEPT_S = 30 * 24 * 3600


class RedisLedger:
    """Implements Ledger."""

    def __init__(self, client: Redis) -> None:
        self._scripts = RedisScripts(client)

    def seed(self, item: Item, sums: Sums, *, again: bool = False) -> None:
        """Start the ledger from the journal's sums when it was not started yet, or ``again``."""
        head: list[str | int] = [sums.committed.microusd, sums.committed.tokens, _KEPT_S, int(again)]
        nodes: list[str | int] = [part for node, sum_ in sums.by_node.items() for part in (node, sum_)]
        lost: list[str | int] = [
            part for one in sums.unanswered for part in (one.id, one.node, one.cost.microusd, one.cost.tokens)
        ]
        counts: list[str | int] = [len(sums.by_node), len(sums.unanswered)]
        self._scripts.run("ledger_seed", _keys(item), [*head, *counts, *nodes, *lost, *sorted(sums.call_ids)])

    def reserve(
        self, item: Item, *, call_id: str, holder: str, node: str, ask: Cost, ttl_s: float, limits: SpendingLimits
    ) -> Grant:
        """Hold the worst case of a call, or say which limit it would pass."""
        node_limit = "" if limits.node_microusd is None else limits.node_microusd
        ttl_ms = math.ceil(ttl_s * 1000)
        asked: list[str | int] = [call_id, node, ask.microusd, ask.tokens, ttl_ms]
        bounds: list[str | int] = [limits.run_microusd, limits.run_tokens, node_limit, limits.concurrent_calls, _KEPT_S]
        return Grant(self._scripts.run("ledger_reserve", _keys(item), [*asked, *bounds, holder])[0])

    def commit(self, item: Item, *, call_id: str, node: str, actual: Cost) -> bool:
        """Book the actual cost once and free the reservation; False when it was booked before."""
        args: list[str | int] = [call_id, node, actual.microusd, actual.tokens, _KEPT_S]
        return self._scripts.run("ledger_commit", _keys(item), args) == ["booked"]

    def book(self, item: Item, calls: Sequence[Call]) -> bool:
        """Book what an owner knows of its calls, each once; False when the ledger has to be started first."""
        told: list[str | int] = [
            part for one in calls for part in (one.id, one.node, one.cost.microusd, one.cost.tokens, int(one.answered))
        ]
        return self._scripts.run("ledger_book", _keys(item), [_KEPT_S, *told]) == ["started"]

    def release(self, item: Item, *, call_id: str, holder: str | None) -> None:
        """Free the reservation of a call that ``holder`` certainly did not send; None: whoever holds it."""
        self._scripts.run("ledger_release", _keys(item), [call_id, holder or ""])

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
