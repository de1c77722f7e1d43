"""The results of a matrix: kept across calls, forgotten with the code that they speak about."""

import json
from pathlib import Path

import pytest
from chaos_cells import Row
from chaos_results import Results, sums, table

_GOOD = Row(name="good", family="kill github", recovery_s=2.0)
_SLOW = Row(name="slow", family="kill github", recovery_s=6.0)
_BAD = Row(name="bad", family="disorder", duplicates=["comment"], paid_twice=["call"], ledger=["1 is not 2"])


def _kept(path: Path) -> Results:
    results = Results(path=path / "chaos.json", product="one")
    results.begin()
    for row in (_GOOD, _SLOW, _BAD):
        results.add(row)
    return results


def test_a_call_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    """What passed is not run again, what failed is."""
    _kept(tmp_path)
    again = Results(path=tmp_path / "chaos.json", product="one")
    again.begin()
    assert again.finished() == {"good", "slow"}


@pytest.mark.parametrize(
    ("product", "anew", "left"),
    [
        pytest.param("two", (), set(), id="other code: nothing that was found holds"),
        pytest.param("one", ("good",), {"slow"}, id="forgotten by hand: other shards keep theirs"),
    ],
)
def test_results_are_forgotten(product: str, anew: tuple[str, ...], left: set[str], tmp_path: Path) -> None:
    """Only what still says something is kept."""
    _kept(tmp_path)
    results = Results(path=tmp_path / "chaos.json", product=product)
    results.begin(anew=anew)
    assert results.finished() == left


def test_the_file_and_the_table_hold_the_same_figures(tmp_path: Path) -> None:
    """A row that is added again takes the place of the old one."""
    results = _kept(tmp_path)
    results.add(_BAD)
    kept = json.loads((tmp_path / "chaos.json").read_text("utf-8"))
    figures = {name: kept[name] for name in sums([])}
    assert figures == {
        "cells": 3,
        "failed": 1,
        "duplicates": 1,
        "losses": 0,
        "double_payments": 1,
        "ledger": 1,
        "unfired": 0,
        "recovery_seconds": {"p50": 4.0, "max": 6.0},
    }
    last = table(kept["rows"]).splitlines()[-1].split()
    assert last == ["all", "3", "1", "1", "0", "1", "1", "0", "4.0", "s", "6.0", "s"]
