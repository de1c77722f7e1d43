"""What was bought."""

from dataclasses import dataclass

from tally.money import ZERO, Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One article; ``unit_price`` includes tax at ``tax_bp`` basis points."""

    label: str
    unit_price: Money
    quantity: int = 1
    tax_bp: int = 0

    def __post_init__(self) -> None:
        if self.quantity < 1:
            raise ValueError(f"quantity must be 1 or more: {self.quantity}")
        if self.tax_bp < 0:
            raise ValueError(f"tax rate must not be negative: {self.tax_bp}")

    @property
    def amount(self) -> Money:
        """Price of the whole line."""
        return self.unit_price * self.quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Everything that one customer pays at once."""

    lines: tuple[Line, ...]

    @property
    def total(self) -> Money:
        """Sum of all lines."""
        return sum((line.amount for line in self.lines), start=ZERO)
