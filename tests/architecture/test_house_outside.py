"""What stands outside the packages: the schedule, and what no committed file may say."""

import ast
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from beat_schedule import schedule, ticks
from tests.architecture.tree import TOP, committed, name, parsed

# Written in pieces, so that this file does not find itself.
NOT_OURS = {
    "an address of a package registry": re.compile(
        r"index[-_]url\s*[=:]|find[-_]links\s*[=:]|pypi\.org/simple|://[^\s/]*artifactory|files\.pythonhosted"
    ),
    "a path of the machine it was written on": re.compile(r"(?<![\w/.-])/(?:work|root)/[a-z]|/opt/(?:wheels|pypi)"),
    "something beside the checkout": re.compile(r"\.\./" + "shared"),
}


def imported(path: Path) -> set[str]:
    """Return every module that a file imports, wherever the import stands."""
    found: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module))
    return found


def test_the_schedule_imports_nothing() -> None:
    """`beat_schedule.py` is a table that anybody can read without the product; it cannot be a root of import-linter."""
    assert imported(TOP / "beat_schedule.py") == set()


def test_every_tick_says_what_it_is_and_why() -> None:
    """RUN-24: name, task, period, queue, expiry, one sentence why; and the task is one that exists."""
    tasks = "".join(path.read_text(encoding="utf-8") for path in (TOP / "tasks").glob("*.py"))
    for tick in ticks(poll_s=60, sweep_s=30):
        assert set(tick) == {"name", "task", "period_s", "queue", "expires_s", "why"}
        assert all(tick.values())
        assert str(tick["why"]).endswith(".")
        assert f'name="{tick["task"]}"' in tasks
    assert set(schedule(poll_s=60, sweep_s=30)) == {tick["name"] for tick in ticks(poll_s=60, sweep_s=30)}


@pytest.mark.parametrize("what", NOT_OURS)
def test_no_committed_file_names(what: str) -> None:
    """The project stands alone: anybody's machine, anybody's registry."""
    found = []
    for path in committed():
        text = path.read_bytes().decode("utf-8", errors="replace")
        found += [f"{name(path)}: {hit.group()}" for hit in NOT_OURS[what].finditer(text)]
    assert found == []


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("an address of a package registry", "--index-" + "url=https://x"),
        ("an address of a package registry", "https://pypi." + "org/simple"),
        ("a path of the machine it was written on", "see /wo" + "rk/main"),
        ("something beside the checkout", "../sha" + "red/data"),
    ],
)
def test_the_test_sees(what: str, text: str) -> None:
    """A pattern that finds nothing proves nothing."""
    assert NOT_OURS[what].search(text)


def test_every_dependency_is_pinned_to_a_version_that_is_wanted() -> None:
    """A fresh clone installs the same packages everywhere; the file holds versions and no address."""
    pins = dict(line.split("==") for line in (TOP / "constraints.txt").read_text(encoding="utf-8").splitlines())
    pinned = {canonicalize_name(name): version for name, version in pins.items()}
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for line in [*project["dependencies"], *project["optional-dependencies"]["dev"]]:
        wanted = Requirement(line)
        assert wanted.specifier.contains(pinned[canonicalize_name(wanted.name)]), line
