"""Every wall of the house is broken once in a copy, to see that the contract about it falls."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.tree import TOP

# contract, file of the copy, lines added to it, why this must not pass
BREAKS = [
    ("layers", "cogworks/model/money.py", "from cogworks.policy import backoff", "words know no judgement"),
    ("layers", "cogworks/graph/walk.py", "from cogworks.pages import summary", "a room never looks upstairs"),
    (
        "layers",
        "cogworks/tools/bench.py",
        "from cogworks.adapters import system_clock",
        "tools and adapters never meet",
    ),
    ("layers", "cogworks/engine/house.py", "from cogworks import settings", "the engine is handed what it needs"),
    ("layers", "cogworks/attic/__init__.py", '"""A room nobody planned."""', "every room is on the plan"),
    ("programs", "cogworks/twins/holds.py", "from cogworks.model import money", "a twin stands for an outside system"),
    (
        "programs",
        "cogworks/demo/__init__.py",
        "from cogworks.cli import main",
        "the demo drives the product by commands",
    ),
    ("services", "cogworks/service/python/homes.py", "from cogworks.model import money", "third parties have no model"),
    ("twins", "cogworks/twins/github/urls.py", "from cogworks.twins.anthropic import usage", "two outside systems"),
    ("plugs", "cogworks/web/__init__.py", "from cogworks.adapters import system_clock", "doors are handed their plugs"),
    ("celery-seat", "tasks/upkeep.py", "from cogworks.adapters import redis_leases", "tasks parse, call and report"),
    ("celery-seat", "tasks/celery.py", "from cogworks.adapters import redis_leases", "the seat is Celery's alone"),
    ("tasks", "cogworks/bootstrap.py", "import tasks.pipeline", "the queue is one plug of several"),
    ("nodes", "cogworks/nodes/intake.py", "from cogworks.nodes import review", "nodes meet through outcomes"),
    ("adapters", "cogworks/adapters/github_wire.py", "from cogworks.adapters import redis_connection", "two parties"),
    (
        "adapters",
        "cogworks/adapters/system_clock.py",
        "from cogworks.adapters import memory_clock",
        "real knows no twin",
    ),
    ("pure", "cogworks/policy/backoff.py", "import time", "judgements ask no clock"),
    ("pure", "cogworks/engine/events.py", "import random", "ids come from a port"),
    ("pure", "cogworks/nodes/review.py", "from pathlib import PurePosixPath", "paths come through model.paths"),
    ("pure", "cogworks/ports/llm.py", "import anthropic", "no vendor in a socket"),
    (
        "pure",
        "cogworks/pages/summary.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import redis",
        "what a type names, a reader must know",
    ),
    ("cycles", "cogworks/nodes/template.py", "from cogworks.nodes import prompt", "job would need itself"),
    (
        "cycles",
        "cogworks/twins/github/urls.py",
        "from cogworks.twins.github import app",
        "also in a program's own room",
    ),
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of everything that the contracts are about."""
    top = tmp_path_factory.mktemp("house")
    python_only = shutil.ignore_patterns("__pycache__", "seeds", "starter")
    for folder in ("cogworks", "tasks", "tests/architecture"):
        shutil.copytree(TOP / folder, top / folder, ignore=python_only)
    shutil.copy(TOP / "pyproject.toml", top)
    return top


def lint(top: Path, *contracts: str) -> subprocess.CompletedProcess[str]:
    """Run the command that `make check` runs."""
    chosen = [f"--contract={one}" for one in contracts]
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache", *chosen]
    return subprocess.run(command, cwd=top, capture_output=True, text=True, timeout=60, check=False)


def test_the_house_as_it_stands_keeps_every_contract(copy: Path) -> None:
    """Given an untouched copy, no contract is broken; otherwise the rows below would show nothing."""
    answer = lint(copy)
    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize(("contract", "file", "lines", "why"), BREAKS, ids=[f"{row[0]}-{row[3]}" for row in BREAKS])
def test_a_broken_wall_is_seen(copy: Path, contract: str, file: str, lines: str, why: str) -> None:
    """Given one import that a contract is there to stop, that contract falls."""
    path = copy / file
    before = path.read_text(encoding="utf-8") if path.exists() else None
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{before or ''}\n{lines}\n", encoding="utf-8")
    try:
        answer = lint(copy, contract)
    finally:
        if before is None:
            shutil.rmtree(path.parent)
        else:
            path.write_text(before, encoding="utf-8")
    assert answer.returncode == 1, f"{why}\n{answer.stdout}{answer.stderr}"
    assert "0 kept, 1 broken" in answer.stdout, answer.stdout


def test_every_contract_is_broken_once() -> None:
    """A contract that nobody ever saw fall may be no contract at all."""
    stated = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    assert {one["id"] for one in stated} == {row[0] for row in BREAKS}
