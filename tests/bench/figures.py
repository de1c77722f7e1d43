"""What a measurement leads to: a median with its spread, a ratio to the plain thing, one line of a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The median of several measurements, with the ends of their middle half."""

    median: float
    low: float
    high: float
    number: int

    def shown(self, *, digits: int) -> str:
        """Return it as text, the spread only where there is one."""
        if self.number == 1 or self.low == self.high:
            return f"{self.median:,.{digits}f}"
        return f"{self.median:,.{digits}f} ({self.low:,.{digits}f}–{self.high:,.{digits}f})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table; ``ratio`` is to ``against``, measured in the same rounds."""

    group: str
    name: str
    value: Spread
    unit: str
    digits: int = 0
    ratio: Spread | None = None
    against: str = ""


def spread(values: Sequence[float]) -> Spread:
    """Return the median and the quartiles beside it: on a busy machine least and greatest are accidents."""
    low, middle, high = quantiles(values, n=4, method="inclusive") if len(values) > 1 else [median(values)] * 3
    return Spread(median=middle, low=low, high=high, number=len(values))


def single(value: float) -> Spread:
    """Return what was counted rather than measured."""
    return spread([value])


def ratio(values: Sequence[float], plain: Sequence[float]) -> Spread:
    """Return the ratios round by round, so that noise that a round shares cancels out."""
    return spread([value / other for value, other in zip(values, plain, strict=True)])


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as text, a heading before each group."""
    lines: list[str] = []
    group = ""
    for one in figures:
        if one.group != group:
            group = one.group
            lines += ["", group]
        told = f"× {one.ratio.shown(digits=2)} {one.against}" if one.ratio else ""
        lines.append(f"  {one.name:<52} {one.value.shown(digits=one.digits):>26} {one.unit:<6} {told}".rstrip())
    return "\n".join(lines[1:]) + "\n"
