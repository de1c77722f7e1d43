"""Programs that a stack runs: each in a process group of its own, ended by pid, gone when this process is."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
_PR_SET_PDEATHSIG = 1
# Looked up here: between fork and exec nothing may be loaded.
_PRCTL = ctypes.CDLL(None).prctl


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A running program and the file that it writes to."""

    name: str
    process: "subprocess.Popen[str]"
    log: Path

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    def ready_line(self) -> str:
        """Return the one line that says it is ready."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"{self.name} ended before it was ready:\n{self.log.read_text()}"
        return line

    def ask_to_end(self) -> None:
        """Send SIGTERM to the program itself, as a supervisor does."""
        if self.runs:
            self.process.send_signal(signal.SIGTERM)

    def kill_children(self) -> None:
        """End the processes that the program started, as the kernel does when memory is short; it lives on itself."""
        mine = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for child in mine.read_text().split():
            os.kill(int(child), signal.SIGKILL)

    def kill(self) -> None:
        """End the program and its children as a power cut would."""
        if self.runs:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


def start(
    name: str, command: Sequence[str], *, folder: Path, env: Mapping[str, str], says_ready: bool = False
) -> Program:
    """Start a program from the project's folder; its output goes to ``<name>.log`` in ``folder``."""
    log = folder / f"{name}.log"
    with log.open("a", encoding="utf-8") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if says_ready else output,
            stderr=output,
            env=dict(env),
            cwd=PROJECT,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: _PRCTL(_PR_SET_PDEATHSIG, signal.SIGKILL),
        )
    return Program(name=name, process=process, log=log)


def clean_environment() -> dict[str, str]:
    """Return the environment without anything that steers CogWorks or git; our programs come first."""
    own = ("COGWORKS_", "FLOWER_", "GIT_", "PYTEST_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {
        **kept,
        "PATH": path,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "PYTHONWARNINGS": "ignore",
    }


def until(
    holds: Callable[[], object],
    *,
    within_s: float,
    what: str,
    meanwhile: Callable[[], object] | None = None,
    every_s: float = 0.05,
) -> float:
    """Return the seconds it took until ``holds``; fail at the deadline, saying ``what`` was waited for."""
    began, pause = time.monotonic(), threading.Event()
    while not holds():
        assert time.monotonic() - began < within_s, f"not within {within_s:g} s: {what}"
        if meanwhile is not None:
            meanwhile()
        pause.wait(every_s)
    return time.monotonic() - began
