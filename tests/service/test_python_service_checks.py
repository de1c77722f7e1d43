"""Section 8: normalise, validate, review_rules, validate_deps, extract_interfaces, dependency_graph."""

from pathlib import Path
from typing import Any

import pytest
from service_harness import MakeRepository, Service, artifact, found

from cogworks.extension_api.envelope import Status
from cogworks.extension_api.methods import (
    DependencyGraphResult,
    ExtractInterfacesResult,
    NormaliseResult,
    ReviewRulesResult,
    ValidateDepsResult,
    ValidateResult,
)

PROJECT = '[project]\nname = "app"\nversion = "1"\ndependencies = ["httpx>=0.28", "PyYAML"]\n'
FILES = {"pyproject.toml": PROJECT, "src/app/__init__.py": "", "src/app/core.py": "def one() -> int:\n    return 1\n"}
PATH = "src/app/new.py"

VALIDATED: list[tuple[str, str, list[tuple[str, str, str | None, int | None]]]] = [
    ("x: int = 1\n", "sound code", []),
    ("def f(:\n", "a syntax error", [("blocking", "syntax_error", PATH, 1)]),
    ("def f() -> None:\n    return\nreturn\n", "what only compiling finds", [("blocking", "syntax_error", PATH, 3)]),
    ("x = 1\n\0", "a NUL byte", [("blocking", "syntax_error", PATH, None)]),
    ("x: int = 'a'\n", "a type error", [("blocking", "type_error", PATH, 1)]),
    (
        "from app.core import one\n\nvalue: str = one()\n",
        "a type error across files",
        [("blocking", "type_error", PATH, 3)],
    ),
    (
        "import json\n\nimport requests\n\nprint(json, requests)\n",
        "an import that nobody declared",
        [("blocking", "dependency_error", PATH, 3)],
    ),
    ("import httpx\nimport yaml\n\nprint(httpx, yaml)\n", "declared imports, one under another name", []),
    (
        "from app.missing import x\n\nprint(x)\n",
        "a module that the repository lacks",
        [("blocking", "dependency_error", PATH, 1)],
    ),
    ("from . import core\n\nprint(core)\n", "a relative import", []),
    (
        "try:\n    import tomli\nexcept ImportError:\n    tomli = None  # type: ignore[assignment]\nprint(tomli)\n",
        "an import whose failure is caught",
        [],
    ),
    ("import os\n", "an unused import only warns", [("warning", "style_violation", PATH, 1)]),
]


@pytest.mark.parametrize(("content", "reason", "expected"), VALIDATED, ids=[row[1] for row in VALIDATED])
def test_validate_finds(
    service: Service,
    repository: MakeRepository,
    content: str,
    reason: str,
    expected: list[tuple[str, str, str | None, int | None]],
) -> None:
    response = service.call("validate", repository(FILES), {"artifacts": [artifact(PATH, content)]})
    assert found(response) == expected
    result = response.result_as(ValidateResult)
    assert result.artifacts_checked == 1
    assert all(check.passed for check in result.checks) is (response.status is Status.SUCCESS)


def test_a_test_may_import_its_neighbour(service: Service, repository: MakeRepository) -> None:
    helper, user = (
        artifact("tests/helper.py", "x = 1\n"),
        artifact("tests/test_a.py", "import helper\n\nprint(helper)\n"),
    )
    assert found(service.call("validate", repository(FILES), {"artifacts": [helper, user]})) == []


def test_undeclared_imports_only_warn_where_declarations_cannot_be_read(
    service: Service, repository: MakeRepository
) -> None:
    params = {"artifacts": [artifact(PATH, "import requests\n\nprint(requests)\n")]}
    response = service.call("validate", repository(FILES | {"setup.py": "raise SystemExit\n"}), params)
    assert found(response) == [("warning", "dependency_error", PATH, 1)]


def test_an_undefined_name_blocks(service: Service, repository: MakeRepository) -> None:
    response = service.call("validate", repository(FILES), {"artifacts": [artifact(PATH, "print(nothing)\n")]})
    assert ("blocking", "type_error", PATH, 1) in found(response)


def test_a_deleted_module_is_missed_by_those_who_import_it(service: Service, repository: MakeRepository) -> None:
    gone = {"path": "src/app/core.py", "deleted": True}
    user = artifact(PATH, "from app.core import one\n\nprint(one())\n")
    response = service.call("validate", repository(FILES), {"artifacts": [gone, user]})
    assert ("blocking", "dependency_error", PATH, 1) in found(response)


def test_a_broken_pyproject_is_found_by_validate(service: Service, repository: MakeRepository) -> None:
    broken = artifact("pyproject.toml", '[project]\nname = "app"\nversion = "1"\ndependencies = ["a >> 1"]\n')
    response = service.call("validate", repository(FILES), {"artifacts": [broken]})
    assert found(response) == [("blocking", "dependency_error", "pyproject.toml", 4)]


def test_the_repository_cannot_switch_the_type_checker_off(service: Service, repository: MakeRepository) -> None:
    configured = FILES | {
        "mypy.ini": "[mypy]\nignore_errors = True\nplugins = evil.py\n",
        "evil.py": "raise SystemExit\n",
    }
    response = service.call("validate", repository(configured), {"artifacts": [artifact(PATH, "x: int = ''\n")]})
    assert found(response) == [("blocking", "type_error", PATH, 1)]


def test_the_type_checker_runs_none_of_the_repositorys_modules(service: Service, repository: MakeRepository) -> None:
    # pathspec is what mypy itself imports
    shadowing = FILES | {"pathspec/__init__.py": "raise SystemExit(0)\n", "tomllib.py": "raise SystemExit(0)\n"}
    response = service.call("validate", repository(shadowing), {"artifacts": [artifact(PATH, "x: int = ''\n")]})
    assert found(response) == [("blocking", "type_error", PATH, 1)]


def test_normalise_sorts_and_formats_and_is_idempotent(service: Service, repository: MakeRepository) -> None:
    root = repository(FILES)
    untidy = "import os\nimport json\nx = { 'a':1 }\nprint(os,json,x)\n"
    tidy = 'import json\nimport os\n\nx = {"a": 1}\nprint(os, json, x)\n'
    first = service.call("normalise", root, {"artifacts": [artifact(PATH, untidy)]}).result_as(NormaliseResult)
    assert [(item.path, item.changed, item.content) for item in first.artifacts] == [(PATH, True, tidy)]
    second = service.call("normalise", root, {"artifacts": [artifact(PATH, tidy)]}).result_as(NormaliseResult)
    assert (second.changed, second.artifacts[0].content) == (False, tidy)


def test_normalise_says_which_file_it_cannot_read(service: Service, repository: MakeRepository) -> None:
    response = service.call("normalise", repository(FILES), {"artifacts": [artifact(PATH, "def f(:\n")]})
    assert [row[:3] for row in found(response)] == [("blocking", "syntax_error", PATH)]
    assert response.result_as(NormaliseResult).artifacts[0].content == "def f(:\n"


RULES: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({}, []),
    ({"select": ["S"], "blocking": []}, [("warning", "safety_concern")]),
    ({"select": ["S"], "blocking": ["S102"]}, [("blocking", "safety_concern")]),
    ({"select": ["PERF"], "blocking": ["PERF"]}, [("blocking", "performance_concern")]),
    ({"select": ["SIM"], "blocking": []}, [("warning", "style_violation")]),
]
REVIEWED = (
    "def f(items: list[int], text: str) -> list[int]:\n    exec(text)\n    found = []\n"
    "    for item in items:\n        if item:\n            found.append(item)\n"
    "    if items:\n        return found\n    else:\n        return []\n"
    "def g(a: bool) -> bool:\n    if a:\n        return True\n    return False\n"
)


@pytest.mark.parametrize(("config", "expected"), RULES)
def test_review_rules_blocks_only_what_was_listed(
    service: Service, repository: MakeRepository, config: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    params = {"artifacts": [artifact(PATH, REVIEWED)], "rule_config": config}
    configured = FILES | {"pyproject.toml": PROJECT + '[tool.ruff.lint]\nselect = ["E9"]\n'}
    response = service.call("review_rules", repository(configured), params)
    assert [(severity, category) for severity, category, _, _ in found(response)] == expected
    assert response.result_as(ReviewRulesResult).artifacts_checked == 1


def test_review_rules_reads_the_repository_s_own_settings(service: Service, repository: MakeRepository) -> None:
    configured = FILES | {"pyproject.toml": PROJECT + '[tool.ruff.lint]\nselect = ["T20"]\n'}
    response = service.call("review_rules", repository(configured), {"artifacts": [artifact(PATH, "print(1)\n")]})
    assert [item.code for item in response.diagnostics] == ["T201"]


@pytest.mark.parametrize(
    ("line", "blocks", "reason"),
    [
        ("BAUD = 500_000  # @cogworks SWD-IF-CAN-01.baud_rate: 500000 bps", False, "they agree"),
        ("BAUD = 250_000  # @cogworks SWD-IF-CAN-01.baud_rate: 500000 bps", True, "they disagree"),
        ("# @cogworks SWD-IF-CAN-01.baud_rate: 500000 bps\nBAUD = 250_000", True, "the comment stands above"),
        ("# @cogworks SWD-IF-CAN-01.baud_rate: 500000 bps", False, "there is no constant"),
        ('"# @cogworks SWD-IF-CAN-01.baud_rate: 5"', False, "it stands in a string"),
    ],
)
def test_an_annotation_must_agree_with_its_constant(
    service: Service, repository: MakeRepository, line: str, blocks: bool, reason: str
) -> None:
    response = service.call("review_rules", repository(FILES), {"artifacts": [artifact(PATH, line + "\n")]})
    expected = [("blocking", "interface_mismatch")] if blocks else []
    assert [(severity, category) for severity, category, _, _ in found(response)] == expected


DECLARED = [
    ("dependencies = ['a>=1,<2']", None),
    ("dependencies = ['a >> 1']", "bad requirement"),
    ("dependencies = ['a', 'A']", "duplicate"),
    ("dependencies = ['a>2,<1']", "empty range"),
    ("dependencies = ['a>=1,<1']", "empty range"),
    ("dependencies = ['a==1.*,!=1.5']", None),
    ("dependencies = ['a>1,<1.1']", None),
    ("dependencies = ['a; python_version<\"3.8\"', 'a>1; python_version>=\"3.8\"']", None),
    ("dependencies = [", "bad TOML"),
]


@pytest.mark.parametrize(("text", "problem"), DECLARED)
def test_validate_deps_judges_what_is_declared(
    service: Service, repository: MakeRepository, text: str, problem: str | None
) -> None:
    content = f'[project]\nname = "app"\nversion = "1"\n{text}\n'
    params = {"declarations": [{"path": "pyproject.toml", "content": content}]}
    response = service.call("validate_deps", repository(FILES), params)
    assert response.result_as(ValidateDepsResult).valid is (problem is None)
    assert [problem for item in response.diagnostics if problem and problem in item.message] == (
        [problem] if problem else []
    )


def test_validate_deps_reads_requirements(service: Service, repository: MakeRepository) -> None:
    text = "# tools\n-r other.txt\nruff==0.1  # fast\nmypy >> 2\n"
    params = {"declarations": [{"path": "requirements-dev.txt", "content": text}]}
    response = service.call("validate_deps", repository(FILES), params)
    result = response.result_as(ValidateDepsResult)
    assert [(item.name, item.constraint) for item in result.dependencies] == [("ruff", "==0.1"), ("mypy >> 2", "")]
    assert [row[3] for row in found(response)] == [4]


MODULE = '''"""A module."""
from dataclasses import dataclass

__all__ = ["LIMIT", "Motor", "start"]

LIMIT: int = 5
BAUD = 500_000  # @cogworks SWD-IF-CAN-01.baud_rate: 500000 bps
# @cogworks SWD-IF-CAN-01.connector_type: "JST-PH-4"


@dataclass
class Motor:
    """Turns."""

    def turn(self, degrees: float, /, *, slowly: bool = False) -> None:
        """Turn it."""

    def _wear(self) -> None: ...


async def start(motor: Motor) -> str: ...


def hidden() -> None: ...
'''


def test_extract_interfaces_reads_without_importing(service: Service, repository: MakeRepository) -> None:
    params = {"artifacts": [artifact("src/app/motor.py", MODULE)]}
    result = service.call("extract_interfaces", repository(FILES), params).result_as(ExtractInterfacesResult)
    assert result.status == "complete"
    assert [(item.kind, item.name, item.signature, item.public) for item in result.interfaces] == [
        ("constant", "LIMIT", "LIMIT: int = 5", True),
        ("constant", "BAUD", "BAUD = 500000", False),
        ("class", "Motor", "class Motor", True),
        ("method", "Motor.turn", "turn(self, degrees: float, /, *, slowly: bool=False) -> None", True),
        ("method", "Motor._wear", "_wear(self) -> None", False),
        ("function", "start", "async start(motor: Motor) -> str", True),
        ("function", "hidden", "hidden() -> None", False),
    ]
    assert {item.module for item in result.interfaces} == {"app.motor"}
    assert [(item.interface_id, item.parameter, item.value, item.unit, item.source) for item in result.values] == [
        ("SWD-IF-CAN-01", "baud_rate", 500_000, "bps", "src/app/motor.py:7"),
        ("SWD-IF-CAN-01", "connector_type", "JST-PH-4", None, "src/app/motor.py:8"),
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("def f(:\n", "line 1: "),
        ("# @cogworks nonsense\n", "line 1: the annotation has not the form"),
        ("X = compute()  # @cogworks A.b:\n", "line 1: A.b has neither a value nor a constant"),
    ],
)
def test_what_cannot_be_read_makes_it_incomplete(
    service: Service, repository: MakeRepository, content: str, reason: str
) -> None:
    response = service.call("extract_interfaces", repository(FILES), {"artifacts": [artifact(PATH, content)]})
    result = response.result_as(ExtractInterfacesResult)
    assert (response.status, result.status) == (Status.SUCCESS, "incomplete")
    assert result.unextractable[0].reason.startswith(reason)
    assert [row[:3] for row in found(response)] == [("warning", "completeness", PATH)]


def test_a_module_whose_import_deletes_files_leaves_them(
    service: Service, repository: MakeRepository, tmp_path: Path
) -> None:
    victim = tmp_path / "victim.txt"
    victim.write_text("still here")
    content = f"import pathlib\n\npathlib.Path({str(victim)!r}).unlink()\n\n\ndef f() -> None: ...\n"
    root = repository(FILES)
    for method in ("extract_interfaces", "dependency_graph", "validate", "normalise", "review_rules"):
        service.call(method, root, {"artifacts": [artifact(PATH, content)]})
    assert victim.read_text() == "still here"


CONTRACT = {
    "id": "SWD-IF-CAN-01",
    "type": "bus_protocol",
    "version": "3.1.0",
    "owner": "electrical",
    "domains": ["software", "electrical"],
    "parameters": {
        "baud_rate": {"value": 500_000, "unit": "bps"},
        "voltage": {"nominal": 24.0, "min": 21.6, "max": 26.4, "unit": "V", "owner": "power"},
        "connector_type": {"value": "A", "allowed": ["A", "B"]},
        "termination_required": True,
        "pinout": {"reference": "docs/hw.md"},
    },
}
STATED = """
# @cogworks SWD-IF-CAN-01.baud_rate: 500 kbps
# @cogworks SWD-IF-CAN-01.voltage: 27 V
# @cogworks SWD-IF-CAN-01.connector_type: B
# @cogworks SWD-IF-CAN-01.termination_required: true
"""


@pytest.mark.parametrize("method", ["validate", "review_rules", "extract_interfaces"])
def test_contracts_in_constraint_results_out(service: Service, repository: MakeRepository, method: str) -> None:
    params = {"artifacts": [artifact(PATH, STATED)]}
    response = service.call(method, repository(FILES), params, interface_contracts=[CONTRACT])
    assert response.constraint_results is not None
    assert {item.parameter: (item.result.value, item.owning_domain) for item in response.constraint_results} == {
        "baud_rate": ("pass", "electrical"),
        "voltage": ("violation", "power"),
        "connector_type": ("warning", "electrical"),
        "termination_required": ("pass", "electrical"),
        "pinout": ("not_extracted", "electrical"),
    }


def test_the_dependency_graph_resolves_inside_the_repository(service: Service, repository: MakeRepository) -> None:
    files = FILES | {
        "src/app/a.py": "from app import b\nimport httpx\n",
        "src/app/b.py": "from typing import TYPE_CHECKING\nfrom .c import x\nif TYPE_CHECKING:\n    import app.core\n",
        "src/app/c.py": "import app.a\nimport app.gone\nx = 1\n",
    }
    result = service.call("dependency_graph", repository(files), {"artifacts": []}).result_as(DependencyGraphResult)
    assert [(edge.source, edge.target, edge.kind) for edge in result.edges] == [
        ("app.a", "app.b", "import"),
        ("app.b", "app.c", "import"),
        ("app.b", "app.core", "type_checking"),
        ("app.c", "app.a", "import"),
    ]
    assert result.cycles == (("app.a", "app.b", "app.c"),)
    assert result.unresolved == ("app.gone", "httpx")
    assert {"app", "app.a", "app.b", "app.c", "app.core"} == {node.id for node in result.nodes}
