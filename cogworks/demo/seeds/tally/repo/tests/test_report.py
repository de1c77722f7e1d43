from tally.money import Money
from tally.receipt import Line, Receipt
from tally.report import WIDTH, render

COFFEE = Line(label="Coffee beans", unit_price=Money(790), quantity=2)
PAPERS = Line(label="Filter papers", unit_price=Money(245))


def test_lines_and_total_stand_in_columns() -> None:
    assert render(Receipt(lines=(COFFEE, PAPERS))).splitlines() == [
        "2 x Coffee beans           15.80",
        "Filter papers               2.45",
        "-" * WIDTH,
        "Total                      18.25",
    ]


def test_a_long_label_is_cut_to_the_width() -> None:
    long = Line(label="Espresso machine with grinder and timer", unit_price=Money(119900))
    assert {len(row) for row in render(Receipt(lines=(long,))).splitlines()} == {WIDTH}
