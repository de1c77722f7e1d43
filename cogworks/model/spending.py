"""Calls to a model as the books know them: each by its id, each counted once (RUN-14, RUN-17)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cogworks.model.state import Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call: what it cost, or, when its answer never came, what it may have cost at worst."""

    id: str
    node: str
    cost: Cost
    answered: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What GitHub knows of a run's spending: ``call_ids`` names the calls that ``committed`` holds."""

    committed: Cost = Cost()
    by_node: Mapping[str, int] = field(default_factory=dict)
    call_ids: frozenset[str] = frozenset()
    unanswered: tuple[Call, ...] = ()

    @property
    def unreconciled(self) -> Cost:
        """Worst case of all calls that were sent and never answered."""
        return sum((call.cost for call in self.unanswered), Cost())
