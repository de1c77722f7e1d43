"""What a model may do with tools: profiles resolved, scope kept, refusals told, everything recorded."""

import json
from collections.abc import Sequence

import pytest

from cogworks.adapters.memory_forge import MemoryForge
from cogworks.adapters.memory_git import MemoryGit
from cogworks.bootstrap import default_pipeline
from cogworks.graph.definition import Node, ToolProfile
from cogworks.model.errors import ConfigError, PolicyViolation
from cogworks.model.findings import Diagnostic, Severity
from cogworks.model.ids import NodeId, RepoName, Sha
from cogworks.model.llm import ToolCall
from cogworks.tools.bench import Bench
from cogworks.tools.dispatch import MAX_RESULT_BYTES, Called, call_tool
from cogworks.tools.profiles import Toolset, resolve
from cogworks.tools.registry import TOOLS

REPO = RepoName("acme/calc")
FILES = {
    "src/a.py": b"one = 1\ntwo = 2\nthree = 3\n",
    "src/b.py": b"two = 22\n",
    "tests/test_a.py": b"x\n",
    ".env": b"TOKEN=1\n",
    ".cogworks/scenarios/s.toml": b"hidden = 1\n",
    ".cogworks/config.toml": b"x = 1\n",
    "big.txt": b"y" * (MAX_RESULT_BYTES + 100),
    "blob.bin": b"\0\1",
}
VARIABLES = {
    "authorised_files": ("src/a.py", "src/new.py", ".cogworks/config.toml"),
    "affected_modules": ("src",),
    "test_paths": ("tests",),
    "swi_branch": "cogworks/1/swi-1",
    "domain_services": ("python",),
}


class Table:
    """One work tree with the tools of the generator over it."""

    def __init__(self, *, profile: str = "generator") -> None:
        forge = MemoryForge()
        repo = forge.add_repo(REPO, files=FILES)
        git = MemoryGit(forge)
        self.base = repo.branches["main"]
        self.tree = git.checkout(REPO, ref=self.base, name="t")
        self.commits: list[tuple[str, Sequence[str]]] = []
        self.asked: list[tuple[str, Sequence[str]]] = []
        node = Node(id=NodeId("n"), type="llm", tool_profile=profile)
        self.tools = resolve(node, profiles={}, variables=VARIABLES)
        self.bench = Bench(
            files=self.tree,
            base=self.base,
            tree=self.tree,
            commit=self._commit,
            call_service=self._ask,
            service_names=("python",),
        )

    def _commit(self, message: str, paths: Sequence[str]) -> Sha | None:
        self.commits.append((message, paths))
        return self.tree.commit(message, paths=paths)

    def _ask(self, method: str, artifacts: Sequence[str]) -> tuple[Diagnostic, ...]:
        self.asked.append((method, artifacts))
        return (Diagnostic(severity=Severity.WARNING, category="style_violation", message="hm"),)

    def call(self, tool: str, **given: object) -> Called:
        call = ToolCall(id="c", name=tool, input=given)  # type: ignore[arg-type]
        return call_tool(self.tools, self.bench, call, scan=lambda text, _source: text)


@pytest.fixture
def table() -> Table:
    return Table()


def error_of(called: Called) -> str:
    assert called.result.failed
    told = json.loads(called.result.text)
    assert told["tool"]
    return str(told["error"])


@pytest.mark.parametrize(
    ("tool", "given", "told"),
    [
        pytest.param("fs.read", {"path": "src/b.py"}, "two = 22\n", id="a file"),
        pytest.param("fs.read", {"path": "src/a.py", "start_line": 2, "end_line": 2}, "two = 2\n", id="some lines"),
        pytest.param("fs.list", {"path": "src"}, "src/a.py\nsrc/b.py", id="a folder"),
        pytest.param("search.code", {"query": "two"}, "src/a.py:2: two = 2\nsrc/b.py:1: two = 22", id="a search"),
        pytest.param("search.code", {"query": "^t.*3$", "regex": True}, "src/a.py:3: three = 3", id="a regex"),
        pytest.param("search.code", {"query": "hidden"}, "no match", id="CTX-06: scenarios are not searched"),
        pytest.param("fs.write", {"path": "src/a.py", "content": "x\n"}, "wrote src/a.py, 2 bytes", id="a write"),
        pytest.param(
            "fs.create", {"path": "src/new.py", "content": ""}, "created src/new.py, 0 bytes", id="a new file"
        ),
        pytest.param("fs.delete", {"path": "src/a.py"}, "deleted src/a.py", id="a deletion"),
        pytest.param("git.status", {}, "nothing changed", id="no change yet"),
        pytest.param("domain.validate", {}, "warning style_violation: hm", id="a service"),
    ],
)
def test_what_is_in_scope_is_done(table: Table, tool: str, given: dict[str, object], told: str) -> None:
    called = table.call(tool, **given)
    assert (called.result.text, called.result.failed, called.violation) == (told, False, False)
    assert called.record["result"] == "success"


@pytest.mark.parametrize(
    ("tool", "given", "error", "violation"),
    [
        pytest.param("fs.write", {"path": "src/b.py", "content": ""}, "SCOPE_VIOLATION", True, id="not authorised"),
        pytest.param("fs.delete", {"path": "tests/test_a.py"}, "SCOPE_VIOLATION", True, id="not authorised either"),
        pytest.param(
            "fs.write",
            {"path": ".cogworks/config.toml", "content": ""},
            "PROTECTED_PATH_VIOLATION",
            True,
            id="ENF-03: protected although authorised",
        ),
        pytest.param("fs.read", {"path": ".env"}, "SCOPE_VIOLATION", True, id="PROF-02: never readable"),
        pytest.param("fs.read", {"path": ".ENV"}, "SCOPE_VIOLATION", True, id="whatever its case"),
        pytest.param("fs.read", {"path": ".cogworks/scenarios/s.toml"}, "SCOPE_VIOLATION", True, id="a scenario"),
        pytest.param("fs.read", {"path": "none.py"}, "NOT_FOUND", False, id="no such file"),
        pytest.param("fs.read", {"path": "blob.bin"}, "NOT_TEXT", False, id="no text"),
        pytest.param("fs.read", {}, "INVALID_PARAMETERS", False, id="a parameter is missing"),
        pytest.param("fs.read", {"path": "src/a.py", "more": 1}, "INVALID_PARAMETERS", False, id="a stray parameter"),
        pytest.param("search.code", {"query": "(", "regex": True}, "INVALID_PARAMETERS", False, id="no regex"),
        pytest.param("fs.create", {"path": "src/a.py", "content": ""}, "ALREADY_EXISTS", False, id="it is there"),
        pytest.param(
            "fs.write",
            {"path": "src/a.py", "content": "k = 'sk-ant-" + "a" * 24 + "'"},
            "SECRET_IN_OUTPUT",
            False,
            id="a secret",
        ),
        pytest.param(
            "git.commit", {"message": "m", "paths": ["src/b.py"]}, "SCOPE_VIOLATION", True, id="commits no other"
        ),
        pytest.param("git.commit", {"message": "m", "paths": ["src/a.py"]}, "NOTHING_TO_COMMIT", False, id="no change"),
        pytest.param("domain.validate", {"service": "rust"}, "SCOPE_VIOLATION", True, id="another service"),
    ],
)
def test_what_is_out_of_scope_is_refused_and_changes_nothing(
    table: Table, tool: str, given: dict[str, object], error: str, violation: bool
) -> None:
    called = table.call(tool, **given)
    assert (error_of(called), called.violation) == (error, violation)
    assert called.record["layer1_anomaly"] is False
    assert table.tree.changes(base=table.base) == ()


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "src//a.py", "src/./a.py", "a\0b", ""])
def test_paths_that_lead_elsewhere_are_refused(table: Table, path: str) -> None:
    assert error_of(table.call("fs.read", path=path))
    assert error_of(table.call("fs.create", path=path, content=""))


def test_a_tool_that_was_not_offered_is_refused_twice_over() -> None:
    """X-86: layer 2 refuses what layer 1 should not have let through, and the record says so."""
    called = Table(profile="reader").call("fs.write", path="src/a.py", content="")
    assert error_of(called) == "SCOPE_VIOLATION"
    assert called.violation
    assert called.record["layer1_anomaly"] is True


def test_a_long_result_is_cut_and_a_long_parameter_recorded_by_its_hash(table: Table) -> None:
    shown = table.call("fs.read", path="big.txt").result.text
    assert shown.endswith("\n[truncated]")
    assert len(shown.encode()) <= MAX_RESULT_BYTES + 20
    record = table.call("fs.write", path="src/a.py", content="x" * 5000).record
    content = record["parameters"]["content"]  # type: ignore[index,call-overload]
    assert content["bytes"] == 5000


def test_a_result_that_gives_orders_stops_everything(table: Table) -> None:
    def scan(text: str, source: str) -> str:
        raise PolicyViolation(source, category=None, event="INJECTION_DETECTED")  # type: ignore[arg-type]

    call = ToolCall(id="c", name="fs.read", input={"path": "src/a.py"})
    with pytest.raises(PolicyViolation, match=r"fs\.read"):
        call_tool(table.tools, table.bench, call, scan=scan)


def test_a_commit_goes_through_the_bench_with_its_paths(table: Table) -> None:
    table.call("fs.write", path="src/a.py", content="x\n")
    called = table.call("git.commit", message="m", paths=["src/a.py"])
    assert called.result.text.startswith("committed ")
    assert table.commits == [("m", ["src/a.py"])]
    assert "modify src/a.py" in table.call("git.status").result.text
    assert "+x" in table.call("git.diff").result.text


def names(tools: Toolset) -> set[str]:
    return {tool.name for tool in tools.tools}


def test_the_default_profiles_give_each_node_what_it_needs() -> None:
    nodes = default_pipeline().pipelines["default"].nodes
    resolved = {
        node.id: names(resolve(node, profiles={}, variables=VARIABLES)) for node in nodes.values() if node.type == "llm"
    }
    writers = {"fs.write", "fs.create", "fs.delete", "git.commit"}
    assert {node for node, tools in resolved.items() if tools & writers} == {"code_generation"}
    assert all("fs.read" in tools for tools in resolved.values())


def test_no_tool_pushes_merges_or_forces() -> None:
    """TOOL-06, GH-03."""
    assert not [name for name in TOOLS if any(word in name for word in ("push", "merge", "force", "approve", "close"))]


def custom(**changed: object) -> Node:
    return Node(id=NodeId("n"), type="llm", tool_profile="mine", **changed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("profile", "variables", "field"),
    [
        pytest.param(ToolProfile(name="mine", extends="none"), {}, "none", id="extends what is not there"),
        pytest.param(ToolProfile(name="mine", extends="mine"), {}, "mine", id="extends itself"),
        pytest.param(
            ToolProfile(name="mine", tools=("fs.read",), scope={"fs.read": {"allowed_read_paths": ["{{ghost}}"]}}),
            {},
            "ghost",
            id="X-83: an unresolved variable",
        ),
        pytest.param(
            ToolProfile(name="mine", tools=("fs.read",), scope={"fs.read": {"allowed_read_paths": ["{{where}}/x"]}}),
            {"where": "../.."},
            "would widen",
            id="a value that leads out",
        ),
        pytest.param(
            ToolProfile(name="mine", tools=("fs.read",), scope={"fs.read": {"allowed_read_paths": ["{{where}}"]}}),
            {"where": "**"},
            "would widen",
            id="a value that is a pattern",
        ),
    ],
)
def test_a_profile_that_cannot_be_resolved_names_why(
    profile: ToolProfile, variables: dict[str, str], field: str
) -> None:
    with pytest.raises(ConfigError, match=field):
        resolve(custom(), profiles={"mine": profile}, variables=variables)


def test_a_profile_adds_to_the_one_it_extends() -> None:
    mine = ToolProfile(name="mine", extends="reader", tools=("fs.glob",), scope={"fs.read": {"max_file_size_bytes": 5}})
    tools = resolve(custom(), profiles={"mine": mine}, variables={})
    assert {"fs.read", "fs.list", "search.code", "fs.glob"} <= names(tools)
    assert tools.scopes["fs.read"].number("max_file_size_bytes", 0) == 5
    assert ".cogworks/scenarios/**" in tools.scopes["fs.read"].names("denied_read_paths")


def test_the_same_configuration_gives_the_same_tools() -> None:
    """PROF-05."""
    node = Node(id=NodeId("n"), type="llm", tool_profile="generator")
    first, second = (resolve(node, profiles={}, variables=VARIABLES) for _ in range(2))
    assert first == second
