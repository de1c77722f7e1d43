"""Rooms stay habitable: no long modules, no long functions, and a sign on every door."""

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.tree import TOP, modules, name, parsed

PRODUCT = [*modules("cogworks", "tasks"), TOP / "beat_schedule.py"]
LONGEST_MODULE, LONGEST_FUNCTION = 400, 50
MEDIAN_MODULE, MEDIAN_FUNCTION = 120, 12
PACKAGES = [path for path in PRODUCT if path.name == "__init__.py"]


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Yield every function with its lines, decorators not counted."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def test_no_module_is_longer_than_a_person_can_hold() -> None:
    """Split by meaning before the limit is near."""
    lengths = {name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in PRODUCT}
    assert {where: lines for where, lines in lengths.items() if lines > LONGEST_MODULE} == {}
    assert statistics.median(lengths.values()) <= MEDIAN_MODULE


def test_no_function_is_longer_than_a_screen() -> None:
    """Most functions are about ten lines, none above fifty."""
    lengths = {f"{name(path)}:{function}": lines for path in PRODUCT for function, lines in functions(path)}
    assert {where: lines for where, lines in lengths.items() if lines > LONGEST_FUNCTION} == {}
    assert statistics.median(lengths.values()) <= MEDIAN_FUNCTION


def test_no_test_module_is_longer_than_the_code_may_be() -> None:
    """Tests are the specification, and a specification is read."""
    lengths = {name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in modules("tests")}
    assert {where: lines for where, lines in lengths.items() if lines > LONGEST_MODULE} == {}


@pytest.mark.parametrize("path", PACKAGES, ids=name)
def test_a_package_has_a_sign_and_nothing_else(path: Path) -> None:
    """What lives here, what may not, why: a docstring of a few sentences, and no import effect."""
    tree = parsed(path)
    sign = ast.get_docstring(tree)
    assert sign is not None
    assert len(tree.body) == 1, "an __init__ is a sign, not a room"
    assert 2 <= sign.count(".") <= 12


def test_rooms_have_names_of_their_own() -> None:
    """A drawer for everything is a room without a purpose."""
    drawers = {"utils", "util", "common", "helpers", "misc"}
    assert [name(path) for path in PRODUCT if drawers & {*path.relative_to(TOP).with_suffix("").parts}] == []


def test_every_folder_of_modules_is_a_package() -> None:
    """A folder without a sign would not be found by the contracts."""
    folders = {path.parent for path in PRODUCT if path.parent != TOP}
    assert {name(folder) for folder in folders if not (folder / "__init__.py").exists()} == set()
