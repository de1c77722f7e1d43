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


class CommitParameters(Parameters):
    """Parameters of ``git.commit``."""

    message: Annotated[str, Field(min_length=1, max_length=400)]
    paths: Annotated[list[str], Field(min_length=1)]


def _status(bench: Bench, given: Parameters, scope: Scope) -> str:
    changes = bench.editable().changes(base=bench.base)
    return "\n".join(f"{c.action} {c.path}" for c in changes if readable(c.path, scope)) or "nothing changed"


def _diff(bench: Bench, given: Parameters, scope: Scope) -> str:
    hidden = [c.path for c in bench.editable().changes(base=bench.base) if not readable(c.path, scope)]
    text = bench.editable().diff(base=bench.base)
    parts = text.split("diff --git ")
    shown = [part for part in parts if not any(f" b/{path}\n" in part for path in hidden)]
    return "diff --git ".join(shown) or "nothing changed"


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
