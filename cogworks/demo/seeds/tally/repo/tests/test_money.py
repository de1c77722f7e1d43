import pytest

from tally.money import Money


@pytest.mark.parametrize(("text", "cents"), [("0.00", 0), ("12.34", 1234), ("-0.05", -5)])
def test_an_amount_is_read_and_written_alike(text: str, cents: int) -> None:
    assert Money.parse(text) == Money(cents)
    assert str(Money(cents)) == text


@pytest.mark.parametrize("text", ["", "12", "12.3", "12,34", "1.2345"])
def test_anything_else_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        Money.parse(text)


def test_sums_are_exact() -> None:
    assert Money.parse("1.10") + Money.parse("2.20") == Money.parse("3.30")
    assert Money.parse("1.10") - Money.parse("2.20") == Money.parse("-1.10")
