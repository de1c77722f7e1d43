"""Pure parts of the Python service, where a table says more than a call."""

import json

import pytest
from packaging.specifiers import SpecifierSet

from cogworks.service.python.faults import ServiceFault
from cogworks.service.python.graph import find_cycles
from cogworks.service.python.modules import module_name
from cogworks.service.python.ranges import is_empty
from cogworks.service.python.typecheck import read_pyright


@pytest.mark.parametrize(
    ("text", "empty"),
    [
        ("", False),
        (">=1", False),
        (">1,<2", False),
        (">=2,<2", True),
        (">2,<1", True),
        ("==1.0,==1.1", True),
        ("==1.*,>=1.5", False),
        ("==1.*,>=2", True),
        ("~=1.4,<1.4", True),
        ("~=1.4.2,!=1.4.2", False),
        (">=0,<0.0.1", False),
        ("!=1", False),
    ],
)
def test_a_range_is_empty_when_no_version_satisfies_it(text: str, empty: bool) -> None:
    assert is_empty(SpecifierSet(text)) is empty


@pytest.mark.parametrize(
    ("edges", "cycles"),
    [
        ([], ()),
        (["ab", "bc"], ()),
        (["ab", "ba"], (("a", "b"),)),
        (["ab", "bc", "ca", "cd", "de", "ed"], (("a", "b", "c"), ("d", "e"))),
        (["ab", "ac", "bd", "cd"], ()),
    ],
)
def test_cycles_are_the_groups_that_reach_each_other(edges: list[str], cycles: tuple[tuple[str, ...], ...]) -> None:
    assert find_cycles({(edge[0], edge[1]) for edge in edges}) == cycles


def test_a_long_chain_of_imports_is_walked() -> None:
    chain = {(f"m{number:05}", f"m{number + 1:05}") for number in range(20_000)}
    assert find_cycles(chain | {("m20000", "m00000")}) == (tuple(f"m{number:05}" for number in range(20_001)),)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("src/app/core.py", "app.core"),
        ("app/core.pyi", "app.core"),
        ("src/app/__init__.py", "app"),
        ("tests/test_a.py", "tests.test_a"),
    ],
)
def test_a_file_is_imported_under_its_dotted_name(path: str, name: str) -> None:
    assert module_name(path) == name


def test_pyright_s_report_is_read() -> None:
    place = {"start": {"line": 2, "character": 4}, "end": {"line": 2, "character": 9}}
    entries = [
        {"file": "/scratch/src/a.py", "severity": "error", "message": "no", "range": place, "rule": "reportCallIssue"},
        {"file": "/scratch/a.py", "severity": "error", "message": "?", "range": place, "rule": "reportMissingImports"},
        {"file": "/scratch/a.py", "severity": "information", "message": "by the way", "range": place},
    ]
    report = json.dumps({"version": "1.1.400", "generalDiagnostics": entries, "summary": {}}).encode()
    found = read_pyright(report, root="/scratch")
    assert [(item.artifact, item.location, item.severity, item.category, item.code) for item in found] == [
        ("src/a.py", {"line": 3, "column": 5}, "blocking", "type_error", "reportCallIssue"),
        ("a.py", {"line": 3, "column": 5}, "warning", "type_error", "reportMissingImports"),
    ]


@pytest.mark.parametrize("report", [b"", b"[]", b"{}", b'{"generalDiagnostics": [1]}'])
def test_a_report_of_pyright_that_cannot_be_read_is_a_tool_failure(report: bytes) -> None:
    with pytest.raises(ServiceFault, match="pyright failed"):
        read_pyright(report, root="/scratch")
