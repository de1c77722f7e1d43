"""`simulate`: the repository's tests in the sandbox, and what their report says."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from cogworks.extension_api.diagnostics import ErrorCode
from cogworks.extension_api.methods import Environment, SimulateParams, TestFilter
from cogworks.extension_api.wire import path_problem
from cogworks.service.python.calls import Answer, Call
from cogworks.service.python.case_report import CaseReport, read_report
from cogworks.service.python.checkout import Checkout
from cogworks.service.python.declared import declared_names
from cogworks.service.python.faults import ServiceFault, environment_fault, invalid_request, tool_not_found
from cogworks.service.python.processes import Finished
from cogworks.service.python.relay import Relays
from cogworks.service.python.sandbox import Job

_RUNNER_FILE = Path(__file__).with_name("run_tests.py")
_RUNNER = "/service/run_tests.py"
_REPORT = "/report.jsonl"
_NO_TESTS = 5
_VARIABLE = re.compile(r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_OPTIONS = (
    "-p",
    "no:cacheprovider",
    "-q",
    "--continue-on-collection-errors",
    "--rootdir=.",
    "--color=no",
    "--tb=short",
)
_MAX_VARIABLES_CHARACTERS = 65536
_MAX_REPORT_BYTES = 64 * 1024 * 1024
_NOT_RUN = {3: "pytest had an internal error", 4: "pytest could not start"}
"""pytest's exit codes that say nothing about the code."""


def simulate(call: Call, checkout: Checkout, params: SimulateParams) -> Answer:
    """Every case that ran, with a finding for each that failed."""
    if params.scenario is not None:
        raise invalid_request("params.scenario: this service runs tests, it has no scenario steps")
    if not call.workshop.target.has_module("pytest"):
        raise tool_not_found(f"pytest (in the environment of {call.workshop.target.executable})")
    ports = _twin_ports(params.environment)
    report = checkout.root.parent / "report.jsonl"
    report.touch(mode=0o666)
    report.chmod(0o666)
    deadline = call.deadline.for_tests()
    sandbox = call.workshop.sandbox
    plan = {
        "report": sandbox.place(_REPORT, report),
        "declared": _plugin_owners(checkout),
        "arguments": [*_OPTIONS, *_selection(checkout, params.filter)],
        "output_bytes": call.workshop.settings.limits.case_output_bytes,
    }
    runner = sandbox.place(_RUNNER, _RUNNER_FILE)
    with Relays(ports if sandbox.bubblewrap else (), directory=checkout.root.parent) as relays:
        job = Job(
            command=[str(sandbox.interpreter.executable), runner],
            stdin=json.dumps(plan).encode(),
            checkout=checkout.root,
            read_only={_RUNNER_FILE: _RUNNER},
            writable={report: _REPORT},
            variables=params.environment.vars,
            runs_repository_code=True,
            relays=relays.sockets,
            output_limit_bytes=call.workshop.settings.limits.call_output_bytes,
        )
        finished = sandbox.run(job, deadline=deadline)
    if call.deadline.cancelled.is_set():
        call.deadline.check()
    with report.open("rb") as file:
        found = read_report(file.read(_MAX_REPORT_BYTES), limits=call.workshop.settings.limits)
    _check_ran(finished, found)
    return found.to_answer(killed=finished.killed, exit_code=finished.exit_code)


def _check_ran(finished: Finished, found: CaseReport) -> None:
    """A fault of the environment is no failure of the code: raise it as what it is."""
    complaint = (finished.error_text or finished.stdout.decode("utf-8", "replace").strip())[-2000:]
    if finished.exit_code in _NOT_RUN and not finished.killed:
        raise environment_fault(f"{_NOT_RUN[finished.exit_code]}: {complaint}")
    if found.is_empty and finished.exit_code != _NO_TESTS:
        if finished.killed:
            raise ServiceFault(ErrorCode.TIMEOUT, "the tests were still being collected when the time was up")
        raise environment_fault(f"the sandbox ended with exit code {finished.exit_code} and no report: {complaint}")


def _plugin_owners(checkout: Checkout) -> list[str] | None:
    """The distributions whose pytest plugins are loaded; None means all.

    A repository that declares pytest keeps its test dependencies in its declarations, so the others are not its own:
    loading them costs time and changes results. One that does not declare pytest may keep them anywhere.
    """
    declared = declared_names(checkout)
    return sorted(declared) if "pytest" in declared else None


def _selection(checkout: Checkout, wanted: TestFilter) -> list[str]:
    keyword = ["-k", wanted.keyword] if wanted.keyword else []
    chosen = [*(wanted.paths or ()), *(wanted.ids or ())]
    for identifier in chosen:
        path = identifier.partition("::")[0]
        problem = path_problem(path)
        if problem is not None or path.startswith("-"):
            raise invalid_request(f"params.filter: {path!r} {problem or 'is an option'}")
        if not checkout.exists(path):
            raise ServiceFault(ErrorCode.ARTIFACT_NOT_FOUND, f"{path} is not in the repository at this commit")
    return [*keyword, "--", *chosen] if chosen else keyword


def _twin_ports(environment: Environment) -> Sequence[int]:
    if any(not _VARIABLE.match(name) or "\0" in value for name, value in environment.vars.items()):
        raise invalid_request("params.environment.vars: a name is not that of a variable, or a value holds NUL")
    if sum(len(name) + len(value) for name, value in environment.vars.items()) > _MAX_VARIABLES_CHARACTERS:
        raise invalid_request(f"params.environment.vars is longer than {_MAX_VARIABLES_CHARACTERS} characters")
    return sorted({_twin_port(name, url) for name, url in environment.twins.items()})


def _twin_port(name: str, url: str) -> int:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if host not in _LOOPBACK or not port:
        raise invalid_request(f"params.environment.twins.{name}: {url!r} is not a loopback URL with a port")
    return port
