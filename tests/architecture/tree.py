"""The source tree as text and syntax, for tests that look at how the house is built."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
PURE = ("model", "graph", "pages", "policy", "ports", "nodes", "tools", "engine", "extension_api")
PROGRAMS = (TOP / "cogworks/extension_api/__main__.py",)
SEEDS = TOP / "cogworks/demo/seeds"


def modules(*folders: str) -> Iterator[Path]:
    """Yield the Python files of our own below these folders; seeds are other people's repositories."""
    for folder in folders:
        yield from (path for path in sorted((TOP / folder).rglob("*.py")) if not path.is_relative_to(SEEDS))


def pure_modules() -> Iterator[Path]:
    """Yield the modules of pure rooms; a program that nothing imports is none of them."""
    folders = (f"cogworks/{room}" for room in PURE)
    yield from (path for path in modules(*folders) if path not in PROGRAMS)


@cache
def parsed(path: Path) -> ast.Module:
    """Return a file's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def name(path: Path) -> str:
    """Return how people call a file."""
    return path.relative_to(TOP).as_posix()


def committed() -> list[Path]:
    """Return every file that git tracks or would track; outside a checkout, every file but the usual leftovers."""
    command = ["git", "-C", str(TOP), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    asked = subprocess.run(command, capture_output=True, check=False)
    if asked.returncode == 0:
        found = [TOP / one for one in asked.stdout.decode().split("\0") if one]
    else:
        found = [path for path in TOP.rglob("*") if not any(part.startswith(".") for part in path.parts)]
    return sorted(path for path in found if path.is_file() and not path.is_symlink())
