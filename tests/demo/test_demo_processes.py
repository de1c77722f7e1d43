"""Nothing is left of the demo's processes, however they behave."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

PARENT = """
import json, os, sys, time
from pathlib import Path
from cogworks.demo.processes import Family
folder = Path(sys.argv[1])
family = Family(folder)
family.adopt()
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
LEAVER = (
    "import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'],"
    " start_new_session=True, stdout=subprocess.DEVNULL); print(p.pid, flush=True)"
)
stubborn = family.start("stubborn", [sys.executable, "-c", STUBBORN], env=os.environ, cwd=folder)
leaver = family.start("leaver", [sys.executable, "-c", LEAVER], env=os.environ, cwd=folder)
while leaver.runs or not stubborn.out.read_text():
    time.sleep(0.01)
print(json.dumps([stubborn.process.pid, int(leaver.out.read_text())]), flush=True)
if sys.argv[2] == "end":
    family.end("stubborn", "leaver", grace_s=0.2)
    family.end_all()
    print("ended", flush=True)
else:
    time.sleep(60)
"""


def start(folder: Path, how: str) -> "tuple[subprocess.Popen[str], list[int]]":
    """Return a process with children, and their ids."""
    command = [sys.executable, "-c", PARENT, str(folder), how]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    return parent, json.loads(parent.stdout.readline())


def lives(pid: int) -> bool:
    """Tell whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def until(holds: Callable[[], bool], *, within_s: float = 10.0) -> None:
    """Return once it holds."""
    deadline, pause = time.monotonic() + within_s, threading.Event()
    while not holds():
        assert time.monotonic() < deadline
        pause.wait(0.02)


def test_who_does_not_listen_and_who_was_left_behind_are_ended(tmp_path: Path) -> None:
    """A child deaf to SIGTERM, and a grandchild in a session of its own whose parent is gone."""
    parent, pids = start(tmp_path, "end")
    assert parent.communicate(timeout=20)[0] == "ended\n"
    assert [pid for pid in pids if lives(pid)] == []


def test_children_die_with_a_demo_that_is_killed(tmp_path: Path) -> None:
    """Nobody could end them then."""
    parent, (stubborn, left_behind) = start(tmp_path, "stay")
    parent.kill()
    parent.communicate(timeout=20)
    until(lambda: not lives(stubborn))
    if lives(left_behind):
        os.kill(left_behind, signal.SIGKILL)
