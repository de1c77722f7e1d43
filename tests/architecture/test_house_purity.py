"""What imports cannot show: pure rooms open nothing, ask no clock, make no ids, print nothing, read no environment."""

import ast
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.tree import name, parsed, pure_modules

# Roots that pure rooms may import besides cogworks; anything new is a decision for people.
ALLOWED = frozenset(
    {
        "abc",
        "base64",
        "binascii",
        "cel",
        "collections",
        "contextlib",
        "dataclasses",
        "datetime",
        "decimal",
        "detect_secrets",
        "difflib",
        "enum",
        "fractions",
        "functools",
        "graphlib",
        "hashlib",
        "heapq",
        "html",
        "ipaddress",
        "itertools",
        "json",
        "math",
        "operator",
        "pydantic",
        "pydantic_core",
        "re",
        "re2",
        "string",
        "textwrap",
        "tomllib",
        "types",
        "typing",
        "typing_extensions",
        "unicodedata",
        "urllib",
        "uuid",
        "zlib",
    }
)
CALLS = frozenset({"open", "print", "input", "exec", "eval", "compile", "__import__", "breakpoint"})
ATTRIBUTES = frozenset({"now", "utcnow", "today", "uuid1", "uuid4", "environ", "getenv", "read_text", "read_bytes"})
MODULES = frozenset({"urllib.request", "urllib.robotparser"})


def impurities(tree: ast.AST) -> Iterator[str]:
    """Yield what a syntax tree does that no pure room may do."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=called)) if called in CALLS:
                yield f"line {node.lineno}: {called}()"
            case ast.Attribute(value=ast.Name(id=owner), attr=attribute) if _reaches_out(owner, attribute):
                yield f"line {node.lineno}: {owner}.{attribute}"
            case ast.ImportFrom(module=str(module), names=names) if not module.startswith("cogworks."):
                yield from (
                    f"line {node.lineno}: from {module} import {one.name}"
                    for one in names
                    if one.name in ATTRIBUTES or module in MODULES or f"{module}.{one.name}" in MODULES
                )
            case ast.Import(names=names):
                yield from (f"line {node.lineno}: import {one.name}" for one in names if one.name in MODULES)


def _reaches_out(owner: str, attribute: str) -> bool:
    return attribute in ATTRIBUTES and owner in {"datetime", "date", "uuid", "os", "path", "files"}


def roots(tree: ast.AST) -> Iterator[str]:
    """Yield the first word of every import."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (one.name.split(".")[0] for one in names)
            case ast.ImportFrom(module=str(module)):
                yield module.split(".")[0]


@pytest.mark.parametrize("path", list(pure_modules()), ids=name)
def test_a_pure_module_only_computes(path: Path) -> None:
    """Time, ids, files and the environment come from ports or are handed down."""
    assert list(impurities(parsed(path))) == []


@pytest.mark.parametrize("path", list(pure_modules()), ids=name)
def test_a_pure_module_imports_only_what_is_allowed(path: Path) -> None:
    """The forbidden names are a contract of import-linter; this is the other half, the names that are allowed."""
    through_the_one_door = {"pathlib"} if name(path) == "cogworks/model/paths.py" else set()
    assert set(roots(parsed(path))) - {"cogworks"} - ALLOWED - through_the_one_door == set()


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("open('a')", "a disk"),
        ("print('a')", "a terminal"),
        ("datetime.now(UTC)", "a clock"),
        ("date.today()", "a clock"),
        ("uuid.uuid4()", "randomness"),
        ("from uuid import uuid4", "randomness by another name"),
        ("os.environ['A']", "the environment"),
        ("os.getenv('A')", "the environment"),
        ("from os import environ", "the environment"),
        ("from urllib import request", "a wire"),
        ("import urllib.request", "a wire"),
        ("eval('1')", "code from text"),
    ],
)
def test_the_test_sees(code: str, why: str) -> None:
    """A test that cannot fail proves nothing."""
    assert list(impurities(ast.parse(code))), why


def test_the_test_lets_values_pass() -> None:
    """Attributes of our own that share a name with a clock are values."""
    code = textwrap.dedent(
        """
        state.now
        clock.now()
        re.compile('a')
        UUID(text)
        """
    )
    assert list(impurities(ast.parse(code))) == []
