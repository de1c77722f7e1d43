"""The tools on the wall: built once at start, shared by all calls."""

import threading
from dataclasses import dataclass, field, replace
from pathlib import Path

from cogworks.service.python.interpreter import Interpreter, ask_interpreter, own_interpreter
from cogworks.service.python.probe import try_sandbox
from cogworks.service.python.sandbox import Sandbox, mounted_environments
from cogworks.service.python.settings import Settings


@dataclass(slots=True)
class CacheLocks:
    """One lock per type checker cache, so that two calls never write the same one."""

    _guard: threading.Lock = field(default_factory=threading.Lock)
    _locks: dict[str, threading.Lock] = field(default_factory=dict)

    def lock_of(self, repository: str) -> threading.Lock:
        """The lock of that repository."""
        with self._guard:
            return self._locks.setdefault(repository, threading.Lock())


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """Where the calls are worked on, and what may be offered."""

    settings: Settings
    scratch: Path
    """where the checkouts of this process live"""
    own: Interpreter
    target: Interpreter
    sandbox: Sandbox
    degraded: str | None
    """why repository code cannot be isolated, or None"""
    cache_locks: CacheLocks = field(default_factory=CacheLocks)

    @property
    def may_run_tests(self) -> bool:
        """Whether `simulate` is offered."""
        return self.degraded is None or self.settings.allow_unsandboxed

    def tool_sandbox(self) -> Sandbox:
        """The sandbox in which the service's own tools run, with its own environment first."""
        return replace(self.sandbox, interpreter=self.own)


def open_workshop(settings: Settings, *, scratch: Path) -> Workshop:
    """Find the interpreters and try the sandbox; a `ServiceFault` when an interpreter is missing."""
    own = own_interpreter()
    target = own if settings.python == own.executable else ask_interpreter(settings.python)
    plain = Sandbox(
        bubblewrap=None, interpreter=target, mounted=mounted_environments(own, target), limits=settings.limits
    )
    closed, problem = try_sandbox(plain, bubblewrap=settings.bubblewrap, scratch=scratch)
    return Workshop(
        settings=settings, scratch=scratch, own=own, target=target, sandbox=closed or plain, degraded=problem
    )
