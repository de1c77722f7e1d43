"""Prints the table of the kill matrix after the tests that ran it."""

from collections import defaultdict
from typing import Any


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """One line a matrix; its parts may have run in different processes."""
    parts: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, ()):
            for name, said in report.user_properties:
                if name == "matrix" and report.when == "call":
                    parts[said["name"]].append(said)
    if not parts:
        return
    terminalreporter.section("kill matrix in process (HAR-02)")
    head = ("matrix", "cells", "runs", "fired", "losses", "doubled", "paid twice", "in flight", "recovery median/max s")
    terminalreporter.line("{:<14} {:>6} {:>6} {:>6} {:>7} {:>8} {:>11} {:>10}  {}".format(*head))
    for name, said in sorted(parts.items()):
        sums = [sum(one[key] for one in said) for key in _SUMS]
        waits = sorted(seconds for one in said for seconds in one["recovery_s"])
        recovery = f"{waits[len(waits) // 2]} / {waits[-1]}"
        terminalreporter.line("{:<14} {:>6} {:>6} {:>6} {:>7} {:>8} {:>11} {:>10}  {}".format(name, *sums, recovery))


_SUMS = ("cells", "runs", "fired", "lost", "doubled", "paid_twice", "in_flight")
