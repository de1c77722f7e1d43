"""`ledger show` and `ledger rebuild`: what Redis says a run has spent, and what GitHub says (RUN-18)."""

from cogworks.cli.answer import Answer
from cogworks.cli.options import Globals
from cogworks.cli.surroundings import workplace
from cogworks.engine.accounting import Recounted, recounted
from cogworks.engine.patience import patiently
from cogworks.model.ids import Item, parse_item
from cogworks.model.json_value import JsonObject
from cogworks.model.money import dollars
from cogworks.model.state import Cost
from cogworks.ports.runtime import LedgerView


def show(options: Globals, issue: str) -> Answer:
    """Return what the ledger holds; one that Redis lost is started from GitHub first."""
    return _asked(options, parse_item(issue), again=False)


def rebuild(options: Globals, issue: str) -> Answer:
    """Recount from GitHub; where the ledger says something else, return both and set it right."""
    return _asked(options, parse_item(issue), again=True)


def _asked(options: Globals, item: Item, *, again: bool) -> Answer:
    with workplace(options, key=str(item)) as place:
        ports = place.house.ports
        ports.github.issues.get(item.repo, item.number)
        told = patiently(lambda: recounted(ports, item, again=again), clock=ports.clock, ids=ports.ids)
    if told is None:
        return Answer(data=None, text=f"{item}: no run was started yet, nothing was spent\n")
    return _answer(item, told, again=again)


def _answer(item: Item, told: Recounted, *, again: bool) -> Answer:
    data: JsonObject = {"issue": str(item), "ledger": _value(told.after)}
    if not again or not told.differ:
        text = f"{item}: the ledger equals what GitHub holds\n" if again else ""
        return Answer(data={**data, "differed": False}, text=text + _text("ledger", told.after))
    text = f"{item}: the ledger differed from what GitHub holds and was set right\n"
    text += _text("was", told.before) + _text("is", told.after)
    return Answer(data={**data, "differed": True, "before": _value(told.before)}, text=text)


def _text(title: str, view: LedgerView) -> str:
    sums = (("committed", view.committed), ("reserved", view.reserved), ("unreconciled", view.unreconciled))
    lines = [f"{title}:", *(f"  {name:<22}{cost.tokens:>10,}{dollars(cost.microusd):>9}" for name, cost in sums)]
    lines += [f"    {node:<30}{dollars(microusd):>9}" for node, microusd in view.by_node.items()]
    return "\n".join(lines) + "\n"


def _value(view: LedgerView) -> JsonObject:
    return {
        "committed": _figures(view.committed),
        "reserved": _figures(view.reserved),
        "unreconciled": _figures(view.unreconciled),
        "by_node": dict(view.by_node),
    }


def _figures(cost: Cost) -> JsonObject:
    return {"tokens": cost.tokens, "microusd": cost.microusd}
