"""Money is integer micro-dollars everywhere; only printing rounds."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import NewType

from cogworks.model.errors import ConfigError, Problem

MicroUsd = NewType("MicroUsd", int)

_MICRO = Decimal(1_000_000)


def parse_dollars(value: object, *, file: str, field: str) -> MicroUsd:
    """Return dollars (a number or a text with at most 6 decimals) as micro-dollars; raise ConfigError."""
    try:
        micro = Decimal(str(value)) * _MICRO
    except InvalidOperation:
        micro = Decimal("NaN")
    if not micro.is_finite() or micro != micro.to_integral_value() or micro < 0:
        allowed = "dollars, 0 or more, at most 6 decimals"
        problem = Problem(code="out_of_range", file=file, field=field, message=f"{value!r}", allowed=allowed)
        raise ConfigError(problems=(problem,))
    return MicroUsd(int(micro))


def dollars(amount: int) -> str:
    """Return ``amount`` micro-dollars as ``$1.23``, rounded half up."""
    return f"${(Decimal(amount) / _MICRO).quantize(Decimal('0.01'), rounding=ROUND_HALF_UP):,}"
