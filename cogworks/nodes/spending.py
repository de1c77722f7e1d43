"""What the owner of an attempt knows of its calls, for as long as it lives (RUN-14).

Redis may lose ledger and memo at any moment. The owner sends its calls to the ledger again before it makes the next
one and when it ends, and it never pays twice for an answer that it has already heard.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce
from operator import add

from cogworks.model.ids import Item
from cogworks.model.spending import Call
from cogworks.model.state import Cost
from cogworks.ports.runtime import Ledger


@dataclass(slots=True, kw_only=True)
class Spending:
    """Every call of an attempt by its id, and the answers that were heard.

    ``holder`` names this owner to the ledger, and nobody else; ``refill`` starts an emptied ledger.
    """

    ledger: Ledger
    item: Item
    holder: str
    refill: Callable[[], None]
    calls: dict[str, Call] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    _remembered: set[str] = field(default_factory=set)

    def remember(self, call_id: str, answer: str) -> str:
        """Return ``answer``, noted as one that an earlier owner of this attempt paid for."""
        self.answers[call_id] = answer
        self._remembered.add(call_id)
        return answer

    def settle(self) -> None:
        """Bring the ledger to what this owner and the journal know; nothing changes when it lost nothing."""
        if not self.ledger.book(self.item, tuple(self.calls.values())):
            self.refill()

    def paid(self, call_id: str, *, node: str, cost: Cost) -> None:
        """Book an answered call, once, and free what was held for it."""
        self.calls[call_id] = Call(id=call_id, node=node, cost=cost)
        self.ledger.commit(self.item, call_id=call_id, node=node, actual=cost)

    def lost(self, call_id: str, *, name: str, node: str, worst: Cost) -> None:
        """Book a call that was cut off under ``name``: sent, never answered, its worst case spent (RUN-17)."""
        self.calls[name] = Call(id=name, node=node, cost=worst, answered=False)
        self.ledger.book(self.item, (self.calls[name],))
        self.ledger.release(self.item, call_id=call_id, holder=None)

    @property
    def cost(self) -> Cost:
        """What all answered calls cost together."""
        return self._sum(answered=True)

    @property
    def remembered(self) -> Cost:
        """What earlier owners of this attempt paid of it."""
        return reduce(add, (self.calls[name].cost for name in self._remembered if name in self.calls), Cost())

    @property
    def unreconciled(self) -> Cost:
        """What all calls that were cut off may have cost."""
        return self._sum(answered=False)

    def _sum(self, *, answered: bool) -> Cost:
        return reduce(add, (one.cost for one in self.calls.values() if one.answered is answered), Cost())
