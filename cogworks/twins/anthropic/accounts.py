"""The sums over the log: calls, tokens and cost, what was delivered and what was cut off apart."""

from collections.abc import Iterable

from pydantic import JsonValue

from cogworks.twins.anthropic.store import Logged
from cogworks.twins.anthropic.wire import JsonObject

_USAGE_KEYS = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cache_write": "cache_creation_input_tokens",
    "cache_read": "cache_read_input_tokens",
}
UNKNOWN = "unknown"


class _Sums:
    """The sums of some calls, by what became of the answer."""

    def __init__(self) -> None:
        self._sums = {outcome: self._zero() for outcome in ("delivered", "cut_off")}

    @staticmethod
    def _zero() -> dict[str, int]:
        return {"calls": 0, "cost_microusd": 0, **dict.fromkeys(_USAGE_KEYS, 0)}

    def add(self, entry: Logged) -> None:
        # An answer whose outcome nobody noted was on its way when the twin died.
        sums = self._sums["delivered" if entry.outcome == "delivered" else "cut_off"]
        usage = entry.answer.get("usage")
        sums["calls"] += 1
        sums["cost_microusd"] += entry.cost_microusd
        for name, key in _USAGE_KEYS.items():
            amount = usage.get(key) if isinstance(usage, dict) else None
            sums[name] += amount if isinstance(amount, int) else 0

    def report(self) -> JsonObject:
        return {outcome: self._shape(sums) for outcome, sums in self._sums.items()}

    @staticmethod
    def _shape(sums: dict[str, int]) -> JsonObject:
        tokens: JsonObject = {name: sums[name] for name in _USAGE_KEYS}
        return {"calls": sums["calls"], "tokens": tokens, "cost_microusd": sums["cost_microusd"]}


def counts(entries: Iterable[Logged]) -> JsonObject:
    """Return the sums of all paid answers: in all, by node and purpose, by work item and sub-work-item."""
    total = _Sums()
    errors = 0
    by_node: dict[str, dict[str, _Sums]] = {}
    by_item: dict[str, dict[str, _Sums]] = {}
    for entry in entries:
        if entry.path != "/v1/messages":
            continue
        if entry.answer.get("type") != "message":
            errors += 1
            continue
        node, purpose, item = (_name(entry.call.get(key)) for key in ("node", "purpose", "work_item"))
        sub_work_item = entry.call.get("sub_work_item")
        ordinal = "none" if sub_work_item is None else str(sub_work_item)
        for sums in (
            total,
            by_node.setdefault(node, {}).setdefault(purpose, _Sums()),
            by_item.setdefault(item, {}).setdefault(ordinal, _Sums()),
        ):
            sums.add(entry)
    return {**total.report(), "errors": errors, "by_node": _nested(by_node), "by_item": _nested(by_item)}


def _name(value: JsonValue) -> str:
    return UNKNOWN if value is None else str(value)


def _nested(groups: dict[str, dict[str, _Sums]]) -> JsonObject:
    return {name: {inner: sums.report() for inner, sums in group.items()} for name, group in groups.items()}
