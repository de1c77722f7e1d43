"""Which distributions a repository declares: `pyproject.toml` and `requirements*.txt`, read offline."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from pydantic import JsonValue

from cogworks.extension_api.wire import JsonObject
from cogworks.service.python.checkout import Checkout

_PATTERNS = ("pyproject.toml", "requirements*.txt", "requirements/*.txt", "*-requirements.txt")

_UNREAD = ("setup.py", "setup.cfg", "Pipfile", "environment.yml")


class UnreadableDeclaration(Exception):
    """A file that declares dependencies cannot be read: `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """One declared dependency, or the text that is none."""

    text: str
    group: str
    """where in the file: the same name may stand in several groups"""
    line: int | None = None
    requirement: Requirement | None = None
    problem: str | None = None

    @property
    def name(self) -> str:
        """The canonical name; the text when it has none."""
        return canonicalize_name(self.requirement.name) if self.requirement else self.text


def declaration_files(checkout: Checkout) -> list[str]:
    """The files at the root (and `requirements/`) that declare dependencies."""
    places = [*checkout.root.glob("*"), *checkout.root.glob("requirements/*.txt")]
    names = (place.relative_to(checkout.root).as_posix() for place in places if place.is_file())
    return sorted(name for name in names if any(fnmatch(name, pattern) for pattern in _PATTERNS))


def declared_names(checkout: Checkout) -> frozenset[str]:
    """The canonical names of everything declared anywhere; unreadable files declare nothing."""
    names: set[str] = set()
    for path in declaration_files(checkout):
        try:
            names |= {item.name for item in read_declarations(path, checkout.text(path))}
        except UnreadableDeclaration:
            continue  # `validate_deps` is the method that complains about it
    return frozenset(names)


def read_declarations(path: str, text: str) -> list[Declared]:
    """Every dependency that the file declares; raises `UnreadableDeclaration`."""
    if path.endswith(".toml"):
        return list(_from_pyproject(text))
    return list(_from_requirements(text))


def declares_elsewhere(checkout: Checkout) -> bool:
    """Whether dependencies may stand where nobody can read them without running code."""
    return any(checkout.exists(name) for name in _UNREAD) or "dependencies" in _dynamic_fields(checkout)


def _dynamic_fields(checkout: Checkout) -> list[JsonValue]:
    dynamic = _project(checkout).get("dynamic")
    return dynamic if isinstance(dynamic, list) else []


def own_name(checkout: Checkout) -> str | None:
    """The canonical name of the project itself, if it says so."""
    name = _project(checkout).get("name")
    return canonicalize_name(name) if isinstance(name, str) else None


def _project(checkout: Checkout) -> JsonObject:
    if not checkout.exists("pyproject.toml"):
        return {}
    try:
        return _table(tomllib.loads(checkout.text("pyproject.toml")), "project")
    except tomllib.TOMLDecodeError:
        return {}  # `validate_deps` is the method that complains about it


def _from_pyproject(text: str) -> Iterator[Declared]:
    try:
        document: JsonObject = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UnreadableDeclaration(f"bad TOML: {error}") from error
    project = _table(document, "project")
    yield from _all_parsed(project.get("dependencies"), "project.dependencies")
    for group, listed in _table(project, "optional-dependencies").items():
        yield from _all_parsed(listed, f"project.optional-dependencies.{group}")
    for group, listed in _table(document, "dependency-groups").items():
        yield from _all_parsed(listed, f"dependency-groups.{group}")
    poetry = _table(_table(document, "tool"), "poetry")
    yield from _from_poetry(_table(poetry, "dependencies"), "tool.poetry.dependencies")
    for group, table in _table(poetry, "group").items():
        if isinstance(table, dict):
            yield from _from_poetry(_table(table, "dependencies"), f"tool.poetry.group.{group}.dependencies")


def _table(document: JsonObject, key: str) -> JsonObject:
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def _all_parsed(listed: JsonValue, group: str) -> Iterator[Declared]:
    for item in listed if isinstance(listed, list) else []:
        if isinstance(item, str):
            yield _parsed(item, group)


def _from_poetry(table: JsonObject, group: str) -> Iterator[Declared]:
    # Poetry's own range syntax (^, ~) is not a standard specifier: only the names are taken.
    for name in table:
        if name != "python":
            yield _parsed(name, group)


def _from_requirements(text: str) -> Iterator[Declared]:
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.split(" #")[0].split(" --hash")[0].rstrip("\\").strip()
        if line and not line.startswith(("#", "-")):
            yield _parsed(line, "", line=number)


def _parsed(text: str, group: str, *, line: int | None = None) -> Declared:
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        return Declared(text=text, group=group, line=line, problem=f"bad requirement: {str(error).splitlines()[0]}")
    return Declared(text=text, group=group, line=line, requirement=requirement)
