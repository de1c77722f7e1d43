"""Amounts of money in whole cents (docs/adr/0001-money-is-whole-cents.md)."""

import re
from dataclasses import dataclass

_AMOUNT = re.compile(r"(?P<minus>-?)(?P<whole>\d+)\.(?P<cents>\d\d)")


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount; sums and differences are exact."""

    cents: int

    @classmethod
    def parse(cls, text: str) -> "Money":
        """Return the amount that ``text`` writes as ``12.34``; raise ValueError for anything else."""
        found = _AMOUNT.fullmatch(text)
        if found is None:
            raise ValueError(f"not an amount: {text!r}")
        cents = int(found["whole"]) * 100 + int(found["cents"])
        return cls(-cents if found["minus"] else cents)

    def __add__(self, other: "Money") -> "Money":
        return Money(self.cents + other.cents)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.cents - other.cents)

    def __mul__(self, count: int) -> "Money":
        return Money(self.cents * count)

    def __str__(self) -> str:
        sign = "-" if self.cents < 0 else ""
        return f"{sign}{abs(self.cents) // 100}.{abs(self.cents) % 100:02}"


ZERO = Money(0)
