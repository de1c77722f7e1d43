"""The type checker: pyright when it is installed beside the service, else mypy with a cache per repository."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from cogworks.extension_api.diagnostics import Category, Diagnostic, Severity
from cogworks.service.python.calls import Call, finding
from cogworks.service.python.checkout import Checkout
from cogworks.service.python.faults import tool_failed, tool_not_found
from cogworks.service.python.processes import Finished
from cogworks.service.python.sandbox import TREE, Job

_CACHE = "/cache"
_SEED = "seed"
_SOURCES = "src"
# Missing modules are judged by the declared dependencies, not by what happens to be installed.
_MYPY_OPTIONS = (
    "--config-file=",
    "--output=json",
    "--no-error-summary",
    "--follow-imports=silent",
    "--namespace-packages",
    "--explicit-package-bases",
    "--check-untyped-defs",
    "--disable-error-code=import-untyped",
    "--disable-error-code=import-not-found",
)


class MypyFinding(BaseModel):
    """One line of `mypy --output json`."""

    file: str
    line: int
    column: int
    message: str
    code: str | None
    severity: str
    hint: str | None = None


class PyrightPlace(BaseModel):
    """A place as pyright writes it, from 0."""

    line: int
    character: int


class PyrightRange(BaseModel):
    """From where to where; only the start is shown."""

    start: PyrightPlace


class PyrightFinding(BaseModel):
    """One of pyright's general diagnostics."""

    file: str
    severity: str
    message: str
    range: PyrightRange
    rule: str | None = None


class PyrightReport(BaseModel):
    """`pyright --outputjson`, as far as it is read."""

    findings: list[PyrightFinding] = Field(alias="generalDiagnostics")


def type_errors(call: Call, checkout: Checkout, paths: Sequence[str]) -> list[Diagnostic]:
    """The type errors of these files; the rest of the repository is only followed."""
    pyright = call.workshop.own.scripts / "pyright"
    if pyright.is_file():
        return _pyright(call, checkout, paths, program=pyright)
    if not call.workshop.own.has_module("mypy"):
        raise tool_not_found("pyright or mypy")
    return _mypy(call, checkout, paths)


def open_cache(call: Call) -> Path:
    """Where mypy remembers this repository between calls; a new one begins as a copy of the seed."""
    types = call.workshop.settings.home / "types"
    cache = types / hashlib.sha256(call.repository.path.encode()).hexdigest()[:24]
    if not cache.is_dir():
        seed = types / _SEED
        if seed.is_dir():
            shutil.copytree(seed, cache)
        else:
            cache.mkdir(parents=True)
    return cache


def keep_seed(cache: Path) -> None:
    """Let the first cache be the seed of the others: most of it is about the standard library."""
    seed = cache.parent / _SEED
    if not seed.exists():
        copy = Path(tempfile.mkdtemp(prefix="seed-", dir=cache.parent))
        shutil.copytree(cache, copy, dirs_exist_ok=True)
        try:
            copy.rename(seed)
        except OSError:
            shutil.rmtree(copy)  # another call was first


def _mypy(call: Call, checkout: Checkout, paths: Sequence[str]) -> list[Diagnostic]:
    with call.workshop.cache_locks.lock_of(call.repository.path):
        cache = open_cache(call)
        finished = _run_mypy(call, checkout, paths, cache=cache)
        keep_seed(cache)
    return _read_mypy(finished, wanted=frozenset(paths))


def _run_mypy(call: Call, checkout: Checkout, paths: Sequence[str], *, cache: Path) -> Finished:
    sandbox = call.workshop.tool_sandbox()
    # -P: else the repository's own modules would stand in for those that mypy itself imports, and run.
    command = [str(sandbox.interpreter.executable), "-P", "-m", "mypy", *_MYPY_OPTIONS]
    command += [f"--cache-dir={sandbox.place(_CACHE, cache)}", f"--python-version={call.workshop.target.version}"]
    command += [f"--python-executable={call.workshop.target.executable}"]
    sources = {"MYPYPATH": _SOURCES} if checkout.exists(_SOURCES) else {}
    job = Job(
        command=[*command, "--", *paths],
        checkout=checkout.root,
        writable={cache: _CACHE},
        variables=sources,
    )
    finished = sandbox.run(job, deadline=call.deadline)
    call.deadline.check()
    return finished


def _read_mypy(finished: Finished, *, wanted: frozenset[str]) -> list[Diagnostic]:
    # Exit 2 with a readable report is a file that does not parse; any failure without one is mypy's own.
    lines = [line for line in finished.stdout.decode("utf-8", "replace").splitlines() if line.startswith("{")]
    if finished.exit_code != 0 and not lines:
        raise tool_failed("mypy", finished.error_text)
    try:
        found = [MypyFinding.model_validate_json(line) for line in lines]
    except ValidationError as error:
        raise tool_failed("mypy", "its report could not be read") from error
    return [_from_mypy(item) for item in found if item.severity == "error" and item.file in wanted]


def _from_mypy(item: MypyFinding) -> Diagnostic:
    category = Category.SYNTAX_ERROR if item.code == "syntax" else Category.TYPE_ERROR
    return finding(
        category,
        item.message,
        artifact=item.file,
        line=item.line,
        column=item.column + 1,
        code=item.code,
        suggestion=item.hint,
    )


def _pyright(call: Call, checkout: Checkout, paths: Sequence[str], *, program: Path) -> list[Diagnostic]:
    command = [str(program), "--outputjson", "--pythonpath", str(call.workshop.target.executable), *paths]
    sandbox = call.workshop.tool_sandbox()
    finished = sandbox.run(Job(command=command, checkout=checkout.root), deadline=call.deadline)
    call.deadline.check()
    if finished.exit_code not in (0, 1):
        raise tool_failed("pyright", finished.error_text)
    return read_pyright(finished.stdout, root=sandbox.place(TREE, checkout.root))


def read_pyright(report: bytes, *, root: str) -> list[Diagnostic]:
    """The errors in pyright's report; `root` is where it saw the repository."""
    try:
        found = PyrightReport.model_validate(json.loads(report)).findings
    except (ValueError, ValidationError) as error:
        raise tool_failed("pyright", "its report could not be read") from error
    return [_from_pyright(item, root=root) for item in found if item.severity in ("error", "warning")]


def _from_pyright(item: PyrightFinding, *, root: str) -> Diagnostic:
    missing = (item.rule or "").startswith(("reportMissingImports", "reportMissingModuleSource"))
    blocks = item.severity == "error" and not missing
    return finding(
        Category.TYPE_ERROR,
        item.message,
        severity=Severity.BLOCKING if blocks else Severity.WARNING,
        artifact=item.file.removeprefix(root + "/"),
        line=item.range.start.line + 1,
        column=item.range.start.character + 1,
        code=item.rule,
    )
