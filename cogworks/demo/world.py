"""What the seed says about the world, as far as the demo has to know it."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cogworks.demo.options import WrongUsage

MACHINE = "cogworks"
# The twin adds her when a seed names nobody.
_FIRST_PERSON = "maria"
_MAY_MERGE = ("write", "admin")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeededIssue:
    """An issue of the seed: the twin numbers them from 1 in the order of the file."""

    repo: str
    number: int
    title: str
    labels: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The person whom the demo plays, and every issue."""

    person: str
    repos: tuple[str, ...]
    issues: tuple[SeededIssue, ...]


def read_world(seed: Path) -> World:
    """Return what the demo needs of a seed; raise WrongUsage when it is no TOML. The twin checks the rest."""
    try:
        table = tomllib.loads(seed.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WrongUsage(f"{seed}: {error}") from error
    issues, repos = list[SeededIssue](), list[str]()
    for repository in _tables(table, "repositories"):
        name = str(repository.get("full_name", ""))
        repos.append(name)
        for number, one in enumerate(_tables(repository, "issues"), start=1):
            labels = frozenset(str(label) for label in one.get("labels", ()))
            issues.append(SeededIssue(repo=name, number=number, title=str(one.get("title", "")), labels=labels))
    return World(person=_person(_tables(table, "users")), repos=tuple(repos), issues=tuple(issues))


def _person(users: list[dict[str, Any]]) -> str:
    may = (str(user.get("login", "")) for user in users if user.get("permission", "write") in _MAY_MERGE)
    return next((login for login in may if login != MACHINE), _FIRST_PERSON)


def _tables(table: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = table.get(name, [])
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
