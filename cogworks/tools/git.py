"""``git.status``, ``git.diff``, ``git.commit``: local work only; nothing here pushes, forces or rewrites (TOOL-06)."""

from typing import Annotated

from pydantic import Field

from cogworks.model.errors import ToolRefused
from cogworks.policy.paths import any_matches, check_path
from cogworks.tools.bench import Bench
from cogworks.tools.definition import Parameters, Scope, ScopeParameter, Tool, violation
from cogworks.tools.fs import READ_SCOPE, readable


class NoParameters(Parameters):
    """A tool without parameters."""


class LogParameters(Parameters):
    """Parameters of ``git.log``."""

    path: str = ""
    limit: Annotated[int, Field(ge=1, le=200)] = 20


class BranchParameters(Parameters):
    """Parameters of ``git.branch``."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    start: str = ""


class CommitParameters(Parameters):
    """Parameters of ``git.commit``."""

    message: Annotated[str, Field(min_length=1, max_length=400)]
    paths: Annotated[list[str], Field(min_length=1)]


def _status(bench: Bench, _given: Parameters, scope: Scope) -> str:
    changes = bench.editable().changes(base=bench.base)
    return "\n".join(f"{c.action} {c.path}" for c in changes if readable(c.path, scope)) or "nothing changed"


def _diff(bench: Bench, _given: Parameters, scope: Scope) -> str:
    hidden = [c.path for c in bench.editable().changes(base=bench.base) if not readable(c.path, scope)]
    text = bench.editable().diff(base=bench.base)
    parts = text.split("diff --git ")
    shown = [part for part in parts if not any(f" b/{path}\n" in part for path in hidden)]
    return "diff --git ".join(shown) or "nothing changed"


def _log(bench: Bench, given: Parameters, scope: Scope) -> str:
    assert isinstance(given, LogParameters)
    if given.path:
        check_path(given.path)
        if not readable(given.path, scope):
            raise violation("path", "allowed_read_paths", ", ".join(scope.names("allowed_read_paths")))
    return bench.editable().log(path=given.path or None, limit=given.limit) or "no commit"


def _branch(_bench: Bench, given: Parameters, scope: Scope) -> str:
    assert isinstance(given, BranchParameters)
    pattern = scope.text("branch_pattern")
    if given.name != pattern:
        raise violation("name", "branch_pattern", pattern)
    raise ToolRefused("work already is on this branch", error="ALREADY_EXISTS", parameter="name")


def _commit(bench: Bench, given: Parameters, scope: Scope) -> str:
    assert isinstance(given, CommitParameters)
    allowed = scope.names("allowed_commit_paths")
    for path in given.paths:
        check_path(path)
        if not any_matches(allowed, path):
            raise violation("paths", "allowed_commit_paths", ", ".join(allowed))
    if bench.commit is None:
        raise ToolRefused("this node commits nothing", error="SCOPE_VIOLATION")
    sha = bench.commit(given.message, given.paths)
    if sha is None:
        raise ToolRefused("none of the paths changed", error="NOTHING_TO_COMMIT", parameter="paths")
    return f"committed {sha[:12]}"


TOOLS = (
    Tool(
        name="git.status",
        description="List what was changed so far.",
        effect="read",
        parameters=NoParameters,
        scope=READ_SCOPE,
        run=_status,
    ),
    Tool(
        name="git.diff",
        description="Show what was changed so far as a unified diff.",
        effect="read",
        parameters=NoParameters,
        scope=READ_SCOPE,
        run=_diff,
    ),
    Tool(
        name="git.log",
        description="List the newest commits, of one path if given.",
        effect="read",
        parameters=LogParameters,
        scope=READ_SCOPE,
        run=_log,
    ),
    Tool(
        name="git.branch",
        description="Create the branch of this sub-work-item; it exists from the start.",
        effect="write",
        parameters=BranchParameters,
        scope=(ScopeParameter(name="branch_pattern", type="regex"),),
        run=_branch,
    ),
    Tool(
        name="git.commit",
        description="Commit named paths on the branch of this sub-work-item. What is left is committed at the end.",
        effect="write",
        parameters=CommitParameters,
        scope=(
            ScopeParameter(name="branch_pattern", type="regex"),
            ScopeParameter(name="allowed_commit_paths", type="globs"),
        ),
        run=_commit,
    ),
)
