"""The values in the code beside the interface contracts that came with the call."""

import re
from collections.abc import Iterator, Sequence

from pydantic import JsonValue

from cogworks.extension_api.envelope import ConstraintOutcome, ConstraintResult, InterfaceContract
from cogworks.extension_api.methods import ExtractedValue
from cogworks.extension_api.wire import JsonObject

_DOMAIN = "software"
_SCALES = {"": 1.0, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9}
_UNIT = re.compile(r"^(?P<scale>[numkMG]?)(?P<base>[A-Za-z%]+)$")


def compare(contracts: Sequence[InterfaceContract], values: Sequence[ExtractedValue]) -> tuple[ConstraintResult, ...]:
    """One result per parameter of each contract; what the code does not state is `not_extracted`."""
    found = {(value.interface_id, value.parameter): value for value in values}
    return tuple(
        _compared(contract, name, rule, found.get((contract.id, name)))
        for contract in contracts
        for name, rule in _rules(contract)
    )


def _rules(contract: InterfaceContract) -> Iterator[tuple[str, JsonObject]]:
    for name, rule in contract.parameters.items():
        yield name, rule if isinstance(rule, dict) else {"value": rule}


def _compared(
    contract: InterfaceContract, name: str, rule: JsonObject, found: ExtractedValue | None
) -> ConstraintResult:
    outcome, message = (
        (ConstraintOutcome.NOT_EXTRACTED, "the code states no value") if found is None else _judge(rule, found)
    )
    unit, owner = rule.get("unit"), rule.get("owner")
    return ConstraintResult(
        interface_id=contract.id,
        parameter=name,
        result=outcome,
        expected=rule,
        actual=found.value if found is not None else None,
        unit=unit if isinstance(unit, str) else None,
        owning_domain=owner if isinstance(owner, str) else contract.owner,
        violating_domain=_DOMAIN if outcome is ConstraintOutcome.VIOLATION else None,
        message=message if found is None else f"{found.source}: {message}",
    )


def _judge(rule: JsonObject, found: ExtractedValue) -> tuple[ConstraintOutcome, str]:
    wanted_unit = rule.get("unit")
    if _is_number(found.value) and (_is_number(rule.get("value")) or "min" in rule or "max" in rule):
        factor = _factor(found.unit, wanted_unit if isinstance(wanted_unit, str) else None)
        if factor is None:
            return ConstraintOutcome.VIOLATION, f"unit {found.unit} cannot be compared with {wanted_unit}"
        return _judge_number(rule, _number(found.value) * factor)
    if "value" not in rule:
        return ConstraintOutcome.NOT_EXTRACTED, "this kind of parameter cannot be read from code"
    if rule["value"] == found.value:
        return ConstraintOutcome.PASS, "equal"
    allowed = rule.get("allowed")
    if isinstance(allowed, list) and found.value in allowed:
        return ConstraintOutcome.WARNING, "allowed, but not the value of the contract"
    return ConstraintOutcome.VIOLATION, f"{found.value!r} is not {rule['value']!r}"


def _judge_number(rule: JsonObject, actual: float) -> tuple[ConstraintOutcome, str]:
    exact, nominal = rule.get("value"), rule.get("nominal")
    if _is_number(exact):
        equal = _near(actual, _number(exact))
        return (
            (ConstraintOutcome.PASS, "equal") if equal else (ConstraintOutcome.VIOLATION, f"{actual:g} is not {exact}")
        )
    low, high = rule.get("min"), rule.get("max")
    if (_is_number(low) and actual < _number(low)) or (_is_number(high) and actual > _number(high)):
        return ConstraintOutcome.VIOLATION, f"{actual:g} is outside {low}..{high}"
    if _is_number(nominal) and not _near(actual, _number(nominal)):
        return ConstraintOutcome.WARNING, f"{actual:g} is inside the bounds, but not the nominal {nominal}"
    return ConstraintOutcome.PASS, "inside the bounds"


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-9 * max(abs(one), abs(other))


def _is_number(value: JsonValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: JsonValue) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _factor(actual: str | None, wanted: str | None) -> float | None:
    """What turns a number in one unit into the other; None when their bases differ."""
    if actual is None or wanted is None or actual == wanted:
        return 1.0
    scales = [_scaled(unit) for unit in (actual, wanted)]
    for actual_scale, actual_base in scales[0]:
        for wanted_scale, wanted_base in scales[1]:
            if actual_base == wanted_base:
                return actual_scale / wanted_scale
    return None


def _scaled(unit: str) -> list[tuple[float, str]]:
    readings = [(1.0, unit)]
    form = _UNIT.match(unit)
    if form is not None and form["scale"]:
        readings.append((_SCALES[form["scale"]], form["base"]))
    return readings
