"""Receipts as text for the till roll."""

from tally.money import Money
from tally.receipt import Line, Receipt

WIDTH = 32


def render(receipt: Receipt) -> str:
    """Return the receipt as text, one line for each article and the total below."""
    rows = [_row(_name(line), line.amount) for line in receipt.lines]
    return "\n".join([*rows, "-" * WIDTH, _row("Total", receipt.total)]) + "\n"


def _name(line: Line) -> str:
    return line.label if line.quantity == 1 else f"{line.quantity} x {line.label}"


def _row(label: str, amount: Money) -> str:
    figure = str(amount)
    room = WIDTH - len(figure) - 1
    return f"{label[:room]:<{room}} {figure}"
