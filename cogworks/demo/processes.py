"""Child processes of the demo: each in a session of its own, all of them gone when the demo is, however it ends."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_LOG_TAIL_LINES = 12
_TICK_S = 0.02
_WRONG_INPUT = 2
_GRACE_S = 2.0


class InputRefused(Exception):
    """A child found a seed, a script or an option of its own wrong; the message is what it said."""


class StackFailed(Exception):
    """A process of the demo did not start, ended early, or was not ready in time; the text ends with its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A running program; what it says is in ``log``, its ready line, if it has one, in ``out``."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path
    out: Path

    @property
    def runs(self) -> bool:
        """Whether it has not ended; an ended one is not reaped yet, so its id and its group stay its own."""
        if self.process.returncode is not None:
            return False
        return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def tail(self) -> str:
        """Return the last lines of its log."""
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-_LOG_TAIL_LINES:])


@dataclass(slots=True)
class Family:
    """All children, and the folder of their logs."""

    folder: Path
    children: list[Child] = field(default_factory=list)

    def adopt(self) -> None:
        """Make this process the parent of whatever a child leaves behind, so that it can be ended too."""
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)

    def start(self, name: str, command: Sequence[str], *, env: Mapping[str, str], cwd: Path) -> Child:
        """Start a program; call it from the main thread, for it is killed when the thread that starts it ends."""
        log, out = self.folder / f"{name}.log", self.folder / f"{name}.out"
        with log.open("ab") as errors, out.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - programs of ours, arguments of ours
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                env=dict(env),
                cwd=cwd,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        child = Child(name=name, process=process, log=log, out=out)
        self.children.append(child)
        return child

    def check(self) -> None:
        """Raise StackFailed when a child has ended by itself."""
        for child in self.children:
            if child.process.poll() == _WRONG_INPUT:
                raise InputRefused(f"{child.name} refuses its input:\n{child.tail()}")
            if not child.runs:
                raise StackFailed(f"{child.name} ended by itself:\n{child.tail()}")

    def end(self, *names: str, grace_s: float = _GRACE_S) -> None:
        """End the children with these names together: asked first, killed after ``grace_s``."""
        chosen = [child for child in self.children if child.name in names]
        for child in chosen:
            if child.runs:
                child.process.terminate()
        _await_end(chosen, grace_s=grace_s)
        self.children = [child for child in self.children if child not in chosen]

    def end_all(self) -> None:
        """End whatever is left, and what it left behind; nothing lives when this returns."""
        self.end(*(child.name for child in self.children))
        _kill_orphans()


def _await_end(children: Sequence[Child], *, grace_s: float) -> None:
    deadline = time.monotonic() + grace_s
    while any(child.runs for child in children) and time.monotonic() < deadline:
        time.sleep(_TICK_S)
    for child in children:
        _kill_group(child)


def _kill_group(child: Child) -> None:
    # The leader is not reaped before its group is dead: the id cannot belong to anybody else.
    if child.process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(child.process.pid, signal.SIGKILL)
        child.process.wait()


def _kill_orphans() -> None:
    """Kill and reap what our children left behind in sessions of its own: it became our child."""
    while orphans := _own_children():
        for pid in orphans:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in orphans:
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _own_children() -> list[int]:
    lists = Path("/proc/self/task").glob("*/children")
    return [int(pid) for one in lists for pid in one.read_text().split()]


# Looked up here: between fork and exec nothing may be loaded.
_PRCTL = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


def _die_with_parent() -> None:
    if _PRCTL is not None:
        _PRCTL(_PR_SET_PDEATHSIG, signal.SIGKILL)
