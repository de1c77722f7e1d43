"""``fs.*``: read, list, search; write, create, delete inside the write scope (50 section 2)."""

from typing import Annotated

import re2
from pydantic import Field

from cogworks.model.errors import ToolRefused
from cogworks.policy.paths import any_matches, check_path
from cogworks.policy.scope import is_protected
from cogworks.policy.secrets import find_secrets
from cogworks.tools.bench import Bench
from cogworks.tools.definition import Parameters, Scope, ScopeParameter, Tool, violation

MAX_FILE_BYTES = 1_048_576
_MAX_HIT_CHARS = 300

READ_SCOPE = (
    ScopeParameter(name="allowed_read_paths", type="globs"),
    ScopeParameter(name="denied_read_paths", type="globs", required=False, default=[]),
    ScopeParameter(name="max_file_size_bytes", type="int", required=False, default=MAX_FILE_BYTES),
)
WRITE_SCOPE = (
    ScopeParameter(name="allowed_write_paths", type="globs"),
    ScopeParameter(name="denied_write_paths", type="globs", required=False, default=[]),
    ScopeParameter(name="max_file_size_bytes", type="int", required=False, default=MAX_FILE_BYTES),
)


class ReadParameters(Parameters):
    """Parameters of ``fs.read``."""

    path: str
    start_line: Annotated[int, Field(ge=1)] | None = None
    end_line: Annotated[int, Field(ge=1)] | None = None


class ListParameters(Parameters):
    """Parameters of ``fs.list``."""

    path: str = ""
    depth: Annotated[int, Field(ge=1, le=5)] = 1


class WriteParameters(Parameters):
    """Parameters of ``fs.write`` and ``fs.create``."""

    path: str
    content: str


class DeleteParameters(Parameters):
    """Parameters of ``fs.delete``."""

    path: str


class SearchParameters(Parameters):
    """Parameters of ``fs.search`` and ``search.code``."""

    query: Annotated[str, Field(min_length=1, max_length=1000)]
    path: str = ""
    path_glob: str = ""
    regex: bool = False
    max_results: Annotated[int, Field(ge=1, le=1000)] = 100


class GlobParameters(Parameters):
    """Parameters of ``fs.glob``."""

    pattern: Annotated[str, Field(min_length=1, max_length=1000)]


def readable(path: str, scope: Scope) -> bool:
    """Tell whether ``path`` may be read: allowed and not denied; deny beats allow and ignores case."""
    denied = any_matches(scope.names("denied_read_paths"), path, ignore_case=True)
    return not denied and any_matches(scope.names("allowed_read_paths"), path)


def _require_readable(path: str, scope: Scope) -> None:
    check_path(path)
    if not readable(path, scope):
        raise violation("path", "allowed_read_paths", ", ".join(scope.names("allowed_read_paths")))


def _require_writable(path: str, scope: Scope) -> None:
    check_path(path)
    if is_protected(path, extra=scope.names("protected_paths")):
        raise ToolRefused("this path is protected from every run", error="PROTECTED_PATH_VIOLATION", parameter="path")
    allowed = scope.names("allowed_write_paths")
    denied = any_matches(scope.names("denied_write_paths"), path, ignore_case=True)
    if denied or not any_matches(allowed, path):
        raise violation("path", "allowed_write_paths", ", ".join(allowed))


def _require_clean(content: str, scope: Scope) -> None:
    limit = scope.number("max_file_size_bytes", MAX_FILE_BYTES)
    if len(content.encode()) > limit:
        raise ToolRefused(
            f"over {limit} bytes", error="TOO_LARGE", parameter="content", constraint="max_file_size_bytes"
        )
    hits = find_secrets(content)
    if hits:
        found = ", ".join(f"{hit.kind} in line {hit.line}" for hit in hits)
        raise ToolRefused(f"looks like a credential: {found}", error="SECRET_IN_OUTPUT", parameter="content")


def _read(bench: Bench, given: Parameters, scope: Scope) -> str:
    assert isinstance(given, ReadParameters)
    _require_readable(given.path, scope)
    text = bench.files.read(given.path, max_bytes=scope.number("max_file_size_bytes", MAX_FILE_BYTES))
    if given.start_line is None and given.end_line is None:
        return text
    return "".join(text.splitlines(keepends=True)[(given.start_line or 1) - 1 : given.end_line])


def _list(bench: Bench, given: Parameters, scope: Scope) -> str:
    assert isinstance(given, ListParameters)
    prefix = f"{given.path.rstrip('/')}/" if given.path else ""
    if given.path:
        check_path(given.path)
    seen: set[str] = set()
    for path in bench.files.list():
        if path.startswith(prefix) and readable(path, scope):
            parts = path[len(prefix) :].split("/")
            seen.add(prefix + "/".join(parts[: given.depth]) + ("/" if len(parts) > given.depth else ""))
    if given.path and not seen:
        raise ToolRefused(f"{given.path} does not exist", error="NOT_FOUND", parameter="path")
    return "\n".join(sorted(seen))


def _write(bench: Bench, given: Parameters, scope: Scope) -> str:
    return _put(bench, given, scope, create=False)


def _create(bench: Bench, given: Parameters, scope: Scope) -> str:
    return _put(bench, given, scope, create=True)


def _put(bench: Bench, given: Parameters, scope: Scope, *, create: bool) -> str:
    assert isinstance(given, WriteParameters)
    _require_writable(given.path, scope)
    _require_clean(given.content, scope)
    bench.editable().write(given.path, given.content, create=create)
    return f"{'created' if create else 'wrote'} {given.path}, {len(given.content.encode())} bytes"


def _delete(bench: Bench, given: Parameters, scope: Scope) -> str:
    assert isinstance(given, DeleteParameters)
    _require_writable(given.path, scope)
    bench.editable().delete(given.path)
    return f"deleted {given.path}"


def _search(bench: Bench, given: Parameters, scope: Scope) -> str:
    assert isinstance(given, SearchParameters)
    try:
        pattern = re2.compile(given.query if given.regex else re2.escape(given.query))
    except re2.error as error:
        raise ToolRefused(
            f"not a regular expression: {error}", error="INVALID_PARAMETERS", parameter="query"
        ) from error
    limit = scope.number("max_file_size_bytes", MAX_FILE_BYTES)
    hits: list[str] = []
    for path in _in_scope(bench, scope, given):
        try:
            lines = bench.files.read(path, max_bytes=limit).splitlines()
        except ToolRefused:
            continue  # binary or oversized: it has no lines to match
        hits += [f"{path}:{n}: {line[:_MAX_HIT_CHARS]}" for n, line in enumerate(lines, 1) if pattern.search(line)]
        if len(hits) >= given.max_results:
            break
    return "\n".join(hits[: given.max_results]) or "no match"


def _in_scope(bench: Bench, scope: Scope, given: SearchParameters) -> list[str]:
    globs = tuple(g for g in (given.path_glob, f"{given.path.rstrip('/')}/**" if given.path else "") if g)
    return [path for path in bench.files.list() if readable(path, scope) and (not globs or any_matches(globs, path))]


def _glob(bench: Bench, given: Parameters, scope: Scope) -> str:
    assert isinstance(given, GlobParameters)
    found = [p for p in bench.files.list() if readable(p, scope) and any_matches((given.pattern,), p)]
    return "\n".join(found) or "no match"


TOOLS = (
    Tool(
        name="fs.read",
        description="Read a text file, or some of its lines.",
        effect="read",
        parameters=ReadParameters,
        scope=READ_SCOPE,
        run=_read,
    ),
    Tool(
        name="fs.list",
        description="List files and folders below a path.",
        effect="read",
        parameters=ListParameters,
        scope=READ_SCOPE,
        run=_list,
    ),
    Tool(
        name="fs.search",
        description="Find lines that hold a text or match a regular expression.",
        effect="read",
        parameters=SearchParameters,
        scope=READ_SCOPE,
        run=_search,
    ),
    Tool(
        name="search.code",
        description="Find lines of code that hold a text, in files that match path_glob.",
        effect="read",
        parameters=SearchParameters,
        scope=READ_SCOPE,
        run=_search,
    ),
    Tool(
        name="fs.glob",
        description="List files whose path matches a pattern.",
        effect="read",
        parameters=GlobParameters,
        scope=READ_SCOPE,
        run=_glob,
    ),
    Tool(
        name="fs.write",
        description="Replace the whole content of an existing file.",
        effect="write",
        parameters=WriteParameters,
        scope=WRITE_SCOPE,
        run=_write,
    ),
    Tool(
        name="fs.create",
        description="Create a file that does not exist.",
        effect="write",
        parameters=WriteParameters,
        scope=WRITE_SCOPE,
        run=_create,
    ),
    Tool(
        name="fs.delete",
        description="Delete a file.",
        effect="write",
        parameters=DeleteParameters,
        scope=WRITE_SCOPE,
        run=_delete,
    ),
)
