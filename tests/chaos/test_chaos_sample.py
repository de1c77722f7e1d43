"""A few cells of the long matrix, the same each time, and what shows that it notices a broken build (HAR-02)."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from chaos_results import sums, table
from processes import PROJECT, clean_environment

_SHARDS = 2
_FOLDERS = ("tests/chaos", "tests/journeys", "tests", ".")


def _start(shard: int, folder: Path) -> "subprocess.Popen[str]":
    command = (sys.executable, "-m", "chaos_matrix", "--sample", "--shard", f"{shard}/{_SHARDS}")
    return subprocess.Popen(
        (*command, "--results", folder / "chaos.json", "--evidence", folder / "evidence"),
        cwd=folder,
        env={**clean_environment(), "PYTHONPATH": ":".join(str(PROJECT / one) for one in _FOLDERS)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.timeout(900)
def test_killed_workers_leave_no_trace_and_broken_builds_do(tmp_path: Path) -> None:
    """Push, comment, state, pull request, sub-issue, model and service: each killed before or after it acts."""
    running = [_start(shard, tmp_path) for shard in range(1, _SHARDS + 1)]
    told = [process.communicate()[0] for process in running]

    rows = json.loads((tmp_path / "chaos.json").read_text("utf-8"))["rows"]
    found = sums(rows)
    shown = "\n".join([*told, table(rows)])
    assert [process.returncode for process in running] == [0] * _SHARDS, shown
    assert (found["failed"], found["unfired"]) == (0, 0), shown
    assert sum(row["family"].startswith("kill ") for row in rows) >= 12, shown
    assert sum(row["family"] == "broken build" for row in rows) == 3, shown
