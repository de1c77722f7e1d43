"""The cost ledger in memory, with the rules of the one in Redis."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import add

from cogworks.model.ids import Item
from cogworks.model.spending import Call, Sums
from cogworks.model.state import Cost
from cogworks.ports.runtime import Clock, Grant, LedgerView, SpendingLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reservation:
    node: str
    cost: Cost
    ends_s: float
    holder: str = ""


@dataclass(slots=True)
class _Account:
    seeded: bool = False
    committed: Cost = Cost()
    by_node: dict[str, int] = field(default_factory=dict)
    calls: dict[str, Call | None] = field(default_factory=dict)
    reservations: dict[str, _Reservation] = field(default_factory=dict)
    not_yet_expired: set[str] = field(default_factory=set)
    unanswered: int = 0


class MemoryLedger:
    """Implements Ledger; ``wipe`` loses everything, as a Redis started empty does."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._accounts: dict[Item, _Account] = {}

    def wipe(self) -> None:
        """Lose everything."""
        self._accounts.clear()

    def forget(self, item: Item) -> None:
        """Forget the sums of a run; the next seed starts a new ledger."""
        self._accounts.pop(item, None)

    def seed(self, item: Item, sums: Sums, *, again: bool = False) -> None:
        """Start the ledger from the journal's sums when it was not started yet, or ``again``."""
        account = self._account(item)
        if account.seeded and not again:
            return
        account.seeded, account.committed = True, sums.committed
        account.by_node = dict(sums.by_node)
        own = [one for name, one in account.calls.items() if one is not None and name not in sums.call_ids]
        account.calls = {**dict.fromkeys(sums.call_ids), **{one.id: one for one in own}}
        for one in own:
            _add(account, one)
        for one in sums.unanswered:
            account.reservations.setdefault(one.id, _Reservation(node=one.node, cost=one.cost, ends_s=0.0))

    def reserve(
        self, item: Item, *, call_id: str, holder: str, node: str, ask: Cost, ttl_s: float, limits: SpendingLimits
    ) -> Grant:
        """Hold the worst case of a call, or say which limit it would pass."""
        account, now = self._account(item), self._clock.monotonic()
        if call_id in account.calls:
            return Grant.GRANTED
        mine = account.reservations.get(call_id)
        if mine is not None and mine.holder != holder:
            return Grant.IN_DOUBT
        late = mine is not None and mine.ends_s <= now
        others = [one for name, one in account.reservations.items() if late or name != call_id]
        refusal = _refusal(account, others, node=node, ask=ask, limits=limits, now=now)
        if refusal:
            return refusal
        if mine is not None and late:
            account.unanswered += 1
            account.reservations[f"{call_id}~{account.unanswered}"] = mine
        account.reservations[call_id] = _Reservation(node=node, cost=ask, ends_s=now + ttl_s, holder=holder)
        account.not_yet_expired.add(call_id)
        return Grant.GRANTED

    def commit(self, item: Item, *, call_id: str, node: str, actual: Cost) -> bool:
        """Book the actual cost once and free the reservation; False when it was booked before."""
        account = self._account(item)
        _drop(account, call_id)
        if call_id in account.calls:
            return False
        account.calls[call_id] = call = Call(id=call_id, node=node, cost=actual)
        _add(account, call)
        return True

    def book(self, item: Item, calls: Sequence[Call]) -> bool:
        """Book what an owner knows of its calls, each once; False when the ledger has to be started first."""
        account = self._account(item)
        for one in calls:
            if one.answered:
                self.commit(item, call_id=one.id, node=one.node, actual=one.cost)
            else:
                account.reservations.setdefault(one.id, _Reservation(node=one.node, cost=one.cost, ends_s=0.0))
        return account.seeded

    def release(self, item: Item, *, call_id: str, holder: str | None) -> None:
        """Free the reservation of a call that ``holder`` certainly did not send; None: whoever holds it."""
        account = self._account(item)
        mine = account.reservations.get(call_id)
        if mine is not None and holder in (None, mine.holder):
            _drop(account, call_id)

    def expire(self, item: Item) -> int:
        """Return how many reservations went past their time since the last call."""
        account, now = self._account(item), self._clock.monotonic()
        late = {name for name in account.not_yet_expired if account.reservations[name].ends_s <= now}
        account.not_yet_expired -= late
        return len(late)

    def show(self, item: Item) -> LedgerView:
        """Return the sums of the run, and what each node has committed."""
        account, now = self._account(item), self._clock.monotonic()
        live = [one.cost for one in account.reservations.values() if one.ends_s > now]
        late = [one.cost for one in account.reservations.values() if one.ends_s <= now]
        return LedgerView(
            committed=account.committed, reserved=_sum(live), unreconciled=_sum(late), by_node=dict(account.by_node)
        )

    def _account(self, item: Item) -> _Account:
        return self._accounts.setdefault(item, _Account())


def _drop(account: _Account, call_id: str) -> None:
    account.reservations.pop(call_id, None)
    account.not_yet_expired.discard(call_id)


def _add(account: _Account, call: Call) -> None:
    account.committed += call.cost
    account.by_node[call.node] = account.by_node.get(call.node, 0) + call.cost.microusd


def _refusal(
    account: _Account, others: list[_Reservation], *, node: str, ask: Cost, limits: SpendingLimits, now: float
) -> Grant | None:
    if sum(one.ends_s > now for one in others) >= limits.concurrent_calls:
        return Grant.BUSY
    total = account.committed + _sum([one.cost for one in others]) + ask
    if total.microusd > limits.run_microusd:
        return Grant.OVER_RUN_LIMIT
    if total.tokens > limits.run_tokens:
        return Grant.OVER_TOKEN_LIMIT
    at_node = sum(one.cost.microusd for one in others if one.node == node)
    at_node += account.by_node.get(node, 0) + ask.microusd
    if limits.node_microusd is not None and at_node > limits.node_microusd:
        return Grant.OVER_NODE_LIMIT
    return None


def _sum(costs: list[Cost]) -> Cost:
    return reduce(add, costs, Cost())
