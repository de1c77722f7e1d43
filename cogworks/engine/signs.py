"""What Redis adds to the sight of one item: who holds it, what stands still, and why it does not begin (RB-04)."""

from dataclasses import dataclass

from cogworks.engine.watching import Lookout, alerts_now
from cogworks.model.errors import DependencyUnavailable
from cogworks.model.ids import Item
from cogworks.model.json_value import JsonObject
from cogworks.model.pulse import Alert
from cogworks.policy.wedges import concerns
from cogworks.ports.runtime import Holding


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """All that is known beside GitHub; ``waits`` says why the item is not admitted, empty when nothing keeps it."""

    holdings: tuple[Holding, ...] = ()
    alerts: tuple[Alert, ...] = ()
    waits: str = ""

    def lines(self) -> list[str]:
        """Return it as people read it."""
        held = [f"held: {holding_line(one)}" for one in self.holdings]
        waits = [f"not begun: {self.waits}"] if self.waits else []
        return [*held, *waits, *(alert.line() for alert in self.alerts)]

    def value(self) -> JsonObject:
        """Return it as programs read it."""
        return {
            "holders": [holding_value(one) for one in self.holdings],
            "waits": self.waits or None,
            "alerts": [alert.value() for alert in self.alerts],
        }


def signs_about(lookout: Lookout | None, item: Item) -> Signs:
    """Return what Redis shows about ``item``; nothing when none can be asked."""
    if lookout is None:
        return Signs()
    try:
        vitals = lookout.pulse.vitals()
        return Signs(
            holdings=lookout.leases.holdings(item),
            alerts=tuple(one for one in alerts_now(lookout, vitals) if concerns(one, str(item))),
            waits=vitals.waiting.get(item, ""),
        )
    except DependencyUnavailable:
        return Signs()


def holding_line(holding: Holding) -> str:
    """Return who holds what, and since when nothing was heard, as people read it."""
    by = f" by {_who(holding)}" if holding.owner else ""
    left = f"{holding.left_s:.0f} s left" if holding.left_s > 0 else "lapsed"
    return f"{holding.what}{by}, renewed {holding.silent_s:.0f} s ago, {left}"


def holding_value(holding: Holding) -> JsonObject:
    """Return the same as programs read it."""
    return {
        "what": holding.what,
        "owner": _who(holding),
        "left_seconds": round(holding.left_s),
        "renewed_seconds_ago": round(holding.silent_s),
    }


def _who(holding: Holding) -> str:
    # What follows the name of host and process tells two claims of one process apart.
    return holding.owner.partition(" ")[0]
