"""Work items on the small calculation repository."""

from plans import Piece, Plan

_MEAN_TEST = """\
import pytest

from calc.mean import mean


def test_mean() -> None:
    assert mean([1.0, 2.0, 3.0]) == 2.0


def test_empty() -> None:
    with pytest.raises(ValueError, match="no values"):
        mean([])
"""
_MEAN = '''\
"""The arithmetic mean."""


def mean(values: list[float]) -> float:
    """Return the mean of ``values``; ValueError when there are none."""
    if not values:
        raise ValueError("no values")
    return sum(values) / len(values)
'''
_MEAN_OF_NOTHING = _MEAN.replace("""        raise ValueError("no values")\n""", "        return 0.0\n")
_SPREAD = '''\
"""The spread."""


def spread(values: list[float]) -> float:
    """Return the distance between the least and the greatest value."""
    return max(values) - min(values)
'''
_UNEXPLAINED_SPREAD = _SPREAD.replace("Return the distance between the least and the greatest value.", "Return it.")
_SPREAD_TEST = """\
from calc.spread import spread


def test_spread() -> None:
    assert spread([1.0, 4.0, 2.0]) == 3.0
"""
_SUMMARY = '''\
"""A summary in one line."""

from calc.mean import mean
from calc.spread import spread


def summary(values: list[float]) -> str:
    """Return mean and spread in words."""
    return f"mean {mean(values):g}, spread {spread(values):g}"
'''
_SUMMARY_TEST = """\
from calc.summary import summary


def test_summary() -> None:
    assert summary([1.0, 3.0]) == "mean 2, spread 2"
"""
MEAN = Piece(title="Add the mean", files={"src/calc/mean.py": _MEAN, "tests/test_mean.py": _MEAN_TEST})
SPREAD = Piece(title="Add the spread", files={"src/calc/spread.py": _SPREAD, "tests/test_spread.py": _SPREAD_TEST})
SUMMARY = Piece(
    title="Add the summary",
    files={"src/calc/summary.py": _SUMMARY, "tests/test_summary.py": _SUMMARY_TEST},
    depends_on=("Add the mean", "Add the spread"),
)
ONE = Plan(
    title="Arithmetic mean",
    modules=("src/calc",),
    requirements=("`mean(values)` returns the arithmetic mean", "an empty list raises ValueError"),
    pieces=(MEAN,),
)
THREE = Plan(
    title="Describe values",
    modules=("src/calc",),
    requirements=("`mean(values)` returns the mean", "`spread(values)` returns the spread", "`summary` says both"),
    pieces=(MEAN, SPREAD, SUMMARY),
)
MATRIX = Plan(
    title="Mean and spread",
    modules=("src/calc",),
    requirements=("`mean(values)` returns the mean", "`spread(values)` returns the spread"),
    pieces=(
        # The tests catch this one, so that code generation tries again.
        Piece(title=MEAN.title, files=MEAN.files, wrong_tries=({**MEAN.files, "src/calc/mean.py": _MEAN_OF_NOTHING},)),
        # The tests pass and review blocks, so that it is mended. One after the other: requests come in one order.
        Piece(
            title=SPREAD.title,
            files=SPREAD.files,
            depends_on=(MEAN.title,),
            wrong_tries=({**SPREAD.files, "src/calc/spread.py": _UNEXPLAINED_SPREAD},),
        ),
    ),
    remediate={2: "what the spread is stands nowhere"},
)
