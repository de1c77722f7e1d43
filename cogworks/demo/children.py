"""Child processes: each in a group of its own, ready before it is relied on, and none left behind."""

import ctypes
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

_PR_SET_PDEATHSIG = 1
_GRACE_S = 3.0
_TICK_S = 0.05


class ChildFailed(Exception):
    """A child ended or was not ready in time; the message holds the last lines of its log."""


@dataclass(slots=True, kw_only=True)
class Child:
    """One process with its log file."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def tail(self, lines: int = 12) -> str:
        """Return the last lines of the log."""
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return "(no log)"


@dataclass(slots=True, kw_only=True)
class Children:
    """Processes that live no longer than this block; they end even when this process is killed."""

    logs: Path
    started: list[Child] = field(default_factory=list)

    def __enter__(self) -> "Children":
        self.logs.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end()

    def start(self, name: str, command: Sequence[str], *, environment: Mapping[str, str]) -> Child:
        """Start ``command``; what it prints goes to a log file of its own."""
        log = self.logs / f"{name}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(  # noqa: S603 - our own commands
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        child = Child(name=name, process=process, log=log)
        self.started.append(child)
        return child

    def ready_line(self, child: Child, *, within_s: float) -> dict[str, object]:
        """Return the JSON line by which ``child`` says that it is ready."""
        found: list[dict[str, object]] = []

        def told() -> bool:
            for line in child.log.read_text(errors="replace").splitlines():
                if line.startswith("{"):
                    found.append(json.loads(line))
                    return True
            return False

        self.until(told, child, within_s=within_s)
        return found[0]

    def until(self, ready: Callable[[], bool], child: Child, *, within_s: float) -> None:
        """Wait until ``ready`` holds; raise ChildFailed when the child ends or the time passes first."""
        end = time.monotonic() + within_s
        while not ready():
            if child.process.poll() is not None:
                raise ChildFailed(f"{child.name} ended with {child.process.returncode}:\n{child.tail()}")
            if time.monotonic() > end:
                raise ChildFailed(f"{child.name} was not ready within {within_s:g} s:\n{child.tail()}")
            time.sleep(_TICK_S)

    def fallen(self) -> Child | None:
        """Return a child that has ended although nobody asked it to."""
        return next((child for child in self.started if child.process.poll() is not None), None)

    def end(self) -> None:
        """End every child and what it started: TERM, a grace, KILL; newest first."""
        for child in reversed(self.started):
            _signal(child, signal.SIGTERM)
        end = time.monotonic() + _GRACE_S
        for child in reversed(self.started):
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(timeout=max(0.0, end - time.monotonic()))
            _signal(child, signal.SIGKILL)
            child.process.wait()
        self.started.clear()


def _signal(child: Child, number: int) -> None:
    try:
        os.killpg(child.process.pid, number)
    except (ProcessLookupError, PermissionError):
        return


def _die_with_parent() -> None:
    """Ask Linux to end this process with its parent; elsewhere the block's end does it."""
    if threading.active_count() and os.name == "posix":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
