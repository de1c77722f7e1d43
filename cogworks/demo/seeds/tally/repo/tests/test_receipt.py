import pytest

from tally.money import ZERO, Money
from tally.receipt import Line, Receipt


def test_a_line_costs_its_price_times_its_quantity() -> None:
    assert Line(label="Tea", unit_price=Money(199), quantity=3).amount == Money(597)


def test_a_total_is_the_sum_of_all_lines() -> None:
    tea = Line(label="Tea", unit_price=Money(199))
    assert Receipt(lines=(tea, tea)).total == Money(398)
    assert Receipt(lines=()).total == ZERO


def test_a_quantity_below_one_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="quantity must be 1 or more: 0"):
        Line(label="Tea", unit_price=Money(199), quantity=0)
