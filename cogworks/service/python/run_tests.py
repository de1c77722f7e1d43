"""The program that runs pytest inside the sandbox and writes what happens, as it happens, one JSON object per line.

It runs as a file of its own in the target's environment, so it imports the standard library and pytest only.
"""

import importlib.metadata
import json
import re
import runpy
import sys
from pathlib import Path
from typing import Any, TextIO

import pytest

_USAGE_ERROR = 4
_CUT_MARK = "\n[cut]\n"


class Reporter:
    """A pytest plugin that reports each case when it starts and when it ends."""

    def __init__(self, report: TextIO, *, output_bytes: int) -> None:
        self._report = report
        self._output_bytes = output_bytes
        self._phases: dict[str, list[pytest.TestReport]] = {}

    def write(self, event: str, **facts: Any) -> None:
        """One line of the report, at once: the next test may be the last thing that happens."""
        self._report.write(json.dumps({"event": event, **facts}) + "\n")
        self._report.flush()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Every case that is going to run."""
        self.write("collected", ids=[item.nodeid for item in session.items])

    def pytest_exception_interact(self, node: Any, call: Any, report: Any) -> None:
        """A file that could not be collected, with the kind of exception behind it."""
        if not isinstance(report, pytest.CollectReport):
            return
        error = call.excinfo.value.__cause__ or call.excinfo.value.__context__ or call.excinfo.value
        self.write(
            "collection_error",
            id=node.nodeid,
            kinds=[kind.__name__ for kind in type(error).__mro__],
            message=f"{type(error).__name__}: {error}",
            line=getattr(error, "lineno", None),
            output=self._cut(str(report.longrepr)),
        )

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A case begins."""
        self._phases[nodeid] = []
        self.write("start", id=nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A phase of a case has ended."""
        self._phases.setdefault(report.nodeid, []).append(report)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """A case has ended: the worst of its phases is its outcome."""
        phases = self._phases.pop(nodeid, [])
        worst = next((phase for phase in phases if phase.failed), None)
        skipped = next((phase for phase in phases if phase.skipped), None)
        shown = worst or skipped
        self.write(
            "end",
            id=nodeid,
            outcome="failed" if worst else "skipped" if skipped else "passed",
            duration_ms=round(sum(phase.duration for phase in phases) * 1000),
            message=_message(shown) if shown else "",
            line=_line(worst, nodeid) if worst else None,
            output=self._cut(_output(phases)) if worst else "",
        )

    def _cut(self, text: str) -> str:
        return text if len(text) <= self._output_bytes else text[: self._output_bytes] + _CUT_MARK


def _message(phase: pytest.TestReport) -> str:
    crash = getattr(phase.longrepr, "reprcrash", None)
    if crash is not None:
        return str(crash.message)
    if isinstance(phase.longrepr, tuple):
        return str(phase.longrepr[2])
    return phase.longreprtext


def _line(phase: pytest.TestReport, nodeid: str) -> int | None:
    """The last line of the traceback that lies in the test's own file."""
    entries = getattr(getattr(phase.longrepr, "reprtraceback", None), "reprentries", [])
    places = [getattr(entry, "reprfileloc", None) for entry in entries]
    lines = [place.lineno for place in places if place and nodeid.startswith(place.path + "::")]
    return lines[-1] if lines else (phase.location[1] or 0) + 1


def _output(phases: list[pytest.TestReport]) -> str:
    texts = [phase.longreprtext for phase in phases if phase.failed]
    texts += [f"--- {title} ---\n{text}" for title, text in (phases[-1].sections if phases else [])]
    return "\n".join(texts)


def canonical(name: str) -> str:
    """A distribution's name as all spell it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def undeclared_plugins(declared: list[str]) -> list[str]:
    """Options that keep the plugins of distributions out that the repository does not declare."""
    found: list[str] = []
    for distribution in importlib.metadata.distributions():
        if canonical(distribution.metadata["Name"] or "") in declared:
            continue
        for entry in distribution.entry_points:
            if entry.group == "pytest11":
                found += ["-p", f"no:{entry.name}"]
    return found


def report_broken_conftests(reporter: Reporter) -> bool:
    """Whether a conftest is why pytest could not start; it says so for each that fails on its own."""
    broken = False
    for conftest in sorted(Path().rglob("conftest.py")):
        try:
            runpy.run_path(str(conftest))
        except Exception as error:  # noqa: BLE001 - whatever the repository's code raises is what is reported
            broken = True
            reporter.write(
                "collection_error",
                id=conftest.as_posix(),
                kinds=[kind.__name__ for kind in type(error).__mro__],
                message=f"{type(error).__name__}: {error}",
                line=getattr(error, "lineno", None),
                output="",
            )
    return broken


def main(plan: dict[str, Any]) -> int:
    """Run pytest as planned; its exit code is this program's, 1 when a conftest was to blame."""
    sys.path[0:1] = [str(Path("src").resolve()), str(Path.cwd())]
    blocked = [] if plan["declared"] is None else undeclared_plugins(plan["declared"])
    with Path(plan["report"]).open("a", encoding="utf-8") as report:
        reporter = Reporter(report, output_bytes=plan["output_bytes"])
        code = int(pytest.main([*blocked, *plan["arguments"]], plugins=[reporter]))
        if code == _USAGE_ERROR and report_broken_conftests(reporter):
            return 1
    return code


if __name__ == "__main__":
    sys.exit(main(json.load(sys.stdin)))
