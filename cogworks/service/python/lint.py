"""ruff: the normal form, what is certainly wrong, and the repository's own rules."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, TypeAdapter, ValidationError

from cogworks.extension_api.diagnostics import Category, Diagnostic, Severity
from cogworks.service.python.calls import Call, finding
from cogworks.service.python.checkout import Checkout
from cogworks.service.python.faults import invalid_request, tool_failed, tool_not_found
from cogworks.service.python.processes import Finished
from cogworks.service.python.sandbox import TREE, Job

_SELECTOR = re.compile(r"^[A-Z]{1,6}[0-9]{0,4}$")
_SAFETY = re.compile(r"^S[0-9]")
_UNDEFINED_NAMES = frozenset({"F821", "F822", "F823"})
_SYNTAX = re.compile(r"^(E9|F5|F6|F7)")


class RuffPlace(BaseModel):
    """A place as ruff writes it."""

    row: int
    column: int


class RuffFinding(BaseModel):
    """A finding as ruff writes it; a file that does not parse has no code, or `invalid-syntax`."""

    code: str | None
    filename: str
    message: str
    location: RuffPlace


_FINDINGS = TypeAdapter(list[RuffFinding])


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalised:
    """A file's normal form, or why ruff could not read it."""

    content: str
    problem: Diagnostic | None = None


def normalise_file(call: Call, checkout: Checkout, path: str) -> Normalised:
    """The file sorted and formatted with the repository's settings; nothing is written."""
    text = checkout.text(path)
    sorted_imports = _run(
        call, checkout, ["check", "--select", "I", "--fix", "--quiet", "--stdin-filename", path, "-"], text
    )
    if sorted_imports.exit_code not in (0, 1):
        raise tool_failed("ruff check", sorted_imports.error_text)
    between = sorted_imports.stdout.decode("utf-8") or text
    formatted = _run(call, checkout, ["format", "--quiet", "--stdin-filename", path, "-"], between)
    if formatted.exit_code == 0:
        return Normalised(content=formatted.stdout.decode("utf-8"))
    message = formatted.error_text or "ruff format could not read the file"
    return Normalised(content=text, problem=finding(Category.SYNTAX_ERROR, message, artifact=path))


def certain_errors(call: Call, checkout: Checkout, paths: Sequence[str]) -> list[Diagnostic]:
    """Undefined names and broken syntax block, the rest of F warns; the repository's settings are not read."""
    found = _findings(call, checkout, ["check", "--isolated", "--select", "E9,F", *_REPORT, "--", *paths])
    return [_certain(item) for item in found]


def rule_findings(
    call: Call, checkout: Checkout, paths: Sequence[str], *, select: Sequence[str], blocking: Sequence[str]
) -> list[Diagnostic]:
    """What the repository's own rules and the selected ones find; only the listed ones block."""
    for rule in (*select, *blocking):
        if not _SELECTOR.match(rule):
            raise invalid_request(f"params.rule_config: {rule!r} is not a ruff rule or a prefix of one")
    extra = ["--extend-select", ",".join(select)] if select else []
    found = _findings(call, checkout, ["check", "--force-exclude", *extra, *_REPORT, "--", *paths])
    return [_by_rule(item, blocking=tuple(blocking)) for item in found]


_REPORT = ("--no-cache", "--output-format", "json", "--quiet")


def _findings(call: Call, checkout: Checkout, arguments: Sequence[str]) -> list[RuffFinding]:
    finished = _run(call, checkout, arguments, "")
    if finished.exit_code not in (0, 1):
        raise tool_failed("ruff check", finished.error_text)
    try:
        found = _FINDINGS.validate_python(json.loads(finished.stdout or b"[]"))
    except (ValueError, ValidationError) as error:
        raise tool_failed("ruff check", "its report could not be read") from error
    root = call.workshop.sandbox.place(TREE, checkout.root) + "/"
    return [item.model_copy(update={"filename": item.filename.removeprefix(root)}) for item in found]


def _run(call: Call, checkout: Checkout, arguments: Sequence[str], stdin: str) -> Finished:
    program = call.workshop.own.scripts / "ruff"
    if not program.is_file():
        raise tool_not_found("ruff")
    job = Job(command=[str(program), *arguments], checkout=checkout.root, stdin=stdin.encode("utf-8"))
    finished = call.workshop.tool_sandbox().run(job, deadline=call.deadline)
    call.deadline.check()
    return finished


def _is_syntax(item: RuffFinding) -> bool:
    return item.code is None or item.code == "invalid-syntax" or bool(_SYNTAX.match(item.code))


def _certain(item: RuffFinding) -> Diagnostic:
    if _is_syntax(item):
        return _written(item, Category.SYNTAX_ERROR, Severity.BLOCKING)
    if item.code in _UNDEFINED_NAMES:
        return _written(item, Category.TYPE_ERROR, Severity.BLOCKING)
    return _written(item, Category.STYLE_VIOLATION, Severity.WARNING)


def _by_rule(item: RuffFinding, *, blocking: tuple[str, ...]) -> Diagnostic:
    if item.code is None or item.code == "invalid-syntax":
        return _written(item, Category.SYNTAX_ERROR, Severity.BLOCKING)
    severity = Severity.BLOCKING if item.code.startswith(blocking) else Severity.WARNING
    if _SAFETY.match(item.code):
        return _written(item, Category.SAFETY_CONCERN, severity)
    if item.code.startswith("PERF"):
        return _written(item, Category.PERFORMANCE_CONCERN, severity)
    return _written(item, Category.STYLE_VIOLATION, severity)


def _written(item: RuffFinding, category: Category, severity: Severity) -> Diagnostic:
    return finding(
        category,
        item.message,
        severity=severity,
        artifact=item.filename,
        line=item.location.row,
        column=item.location.column,
        code=item.code,
    )
