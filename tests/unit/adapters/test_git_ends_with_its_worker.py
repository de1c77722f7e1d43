"""A git that talks to the remote ends when the worker that started it is killed (20 section 1)."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

_WORKER = """
import sys
from pathlib import Path
from cogworks.adapters.git_commands import GitCommands

port, folder = sys.argv[1:]
git = GitCommands(remote_url=f"http://127.0.0.1:{port}", token=None)
git.local(Path(folder), "init", "--bare", folder)
git.remote(Path(folder), "acme/calc", "ls-remote", "origin")
"""


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _runs(pid: int) -> bool:
    """Whether a process is there and no zombie: not every first process of a container reaps."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def _until(holds, *, within_s: float = 20.0) -> None:
    deadline, pause = time.monotonic() + within_s, threading.Event()
    while not holds():
        assert time.monotonic() < deadline, f"not within {within_s} s"
        pause.wait(0.02)


def test_a_push_under_way_does_not_outlive_its_worker(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = str(silent.getsockname()[1])
        worker = subprocess.Popen([sys.executable, "-c", _WORKER, port, str(tmp_path / "mirror")])
        try:
            silent.settimeout(20)
            connection, _ = silent.accept()
            [git] = _children(worker.pid)
            os.kill(worker.pid, signal.SIGKILL)
            worker.wait()
            _until(lambda: not _runs(git))
            connection.close()
        finally:
            worker.kill()
            worker.wait()
