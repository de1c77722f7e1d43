"""Where repository code and the tools that read it run: namespaces, limits, a clean environment, no network."""

import itertools
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cogworks.service.python import limits as limits_program
from cogworks.service.python import relay as relay_program
from cogworks.service.python.deadlines import Deadline
from cogworks.service.python.interpreter import Interpreter
from cogworks.service.python.processes import MAX_OUTPUT_BYTES, Finished, run_process
from cogworks.service.python.settings import MEBIBYTE, Limits

TREE = "/scratch"
"""Where a sandboxed command finds the checkout."""

_SOURCE = "/checkout"
_LIMITS_PROGRAM = "/service/limits.py"
_RELAY_PROGRAM = "/service/relay.py"
_SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_READ_ONLY = ("/usr", "/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime")
_FIRST_USER = 61184
_USER_COUNT = 4096
_SHARED_MEMORY_BYTES = 64 * MEBIBYTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One command over one checkout. Paths in it are those inside the sandbox; see `Sandbox.tree`."""

    command: Sequence[str]
    checkout: Path
    stdin: bytes = b""
    read_only: Mapping[Path, str] = field(default_factory=dict)
    """files or directories of the service -> where the command sees them"""
    writable: Mapping[Path, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    runs_repository_code: bool = False
    """gets a copy of the checkout to write in, and a user id of its own"""
    relays: Mapping[int, Path] = field(default_factory=dict)
    """loopback port inside -> the service's unix socket behind it"""
    output_limit_bytes: int = MAX_OUTPUT_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """Runs jobs. `bubblewrap` None means without namespaces, which an operator must have allowed."""

    bubblewrap: str | None
    interpreter: Interpreter
    """the target's environment, whose commands come first on PATH"""
    mounted: tuple[Path, ...]
    """environments shown read-only"""
    limits: Limits
    users: Iterator[int] = field(default_factory=lambda: itertools.count(os.getpid() * 64))
    """numbers for the user ids of repository code, another for each job; a bare count, which threads may share"""

    def run(self, job: Job, *, deadline: Deadline) -> Finished:
        """The job's end. Nothing of it is alive afterwards."""
        deadline.check()
        if self.bubblewrap is None:
            return self._run_openly(job, deadline)
        command = [self.bubblewrap, *self._namespaces(job), *self._mounts(job), "--", *self._inner(job)]
        return run_process(
            command,
            deadline=deadline,
            environment={},
            stdin=job.stdin,
            output_limit_bytes=job.output_limit_bytes,
        )

    def place(self, job_path: str, real: Path) -> str:
        """The path that a command must use for something of the service: inside, or its real one when unsandboxed."""
        return job_path if self.bubblewrap is not None else str(real)

    def environment(self, variables: Mapping[str, str], *, home: str) -> dict[str, str]:
        """Exactly what a command finds in its environment."""
        path = f"{self.interpreter.scripts}:/usr/local/bin:/usr/bin:/bin"
        return {**variables, "PATH": path, "LANG": "C.UTF-8", "HOME": home, "PYTHONHASHSEED": "0"}

    def _inner(self, job: Job) -> list[str]:
        user = self._user() if job.runs_repository_code else None
        plan = {
            "die_with_parent": False,
            "user": user,
            "limits": self._limits(processes=True),
            "relays": [_RELAY_PROGRAM, {str(port): _relay_socket(port) for port in job.relays}] if job.relays else None,
            "copy": [_SOURCE, TREE] if job.runs_repository_code else None,
            "directory": TREE,
            "environment": self.environment(job.variables, home=TREE if job.runs_repository_code else "/tmp"),  # noqa: S108 - the sandbox's own
        }
        return [str(self.interpreter.executable), "-I", "-S", _LIMITS_PROGRAM, json.dumps(plan), *job.command]

    def _limits(self, *, processes: bool) -> dict[str, int]:
        table = {
            "memory_bytes": self.limits.memory_bytes,
            "open_files": self.limits.open_files,
            "cpu_seconds": self.limits.cpu_seconds,
            "file_bytes": self.limits.file_bytes,
        }
        # Without a namespace the count is over everything the user runs, so it would stop the wrong ones.
        return table | ({"processes": self.limits.processes} if processes else {})

    def _user(self) -> int | None:
        return _FIRST_USER + next(self.users) % _USER_COUNT if os.geteuid() == 0 else None

    def _namespaces(self, job: Job) -> list[str]:
        shared = ["--die-with-parent", "--new-session", "--unshare-ipc", "--unshare-pid", "--unshare-net"]
        shared += ["--unshare-uts", "--unshare-cgroup-try", "--hostname", "sandbox"]
        if os.geteuid() == 0 and job.runs_repository_code:
            # Real root is not bound by the process limit: stay in its user namespace to be able to leave root.
            return [*shared, "--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
        return [*shared, "--unshare-user", "--cap-drop", "ALL"]

    def _mounts(self, job: Job) -> list[str]:
        mounts = ["--proc", "/proc", "--dev", "/dev"]
        mounts += _memory("/dev/shm", _SHARED_MEMORY_BYTES)  # noqa: S108 - the sandbox's own
        mounts += _memory("/tmp", self.limits.file_bytes)  # noqa: S108 - the sandbox's own
        places = [*self.mounted, *map(Path, job.read_only.values()), *map(Path, job.writable.values())]
        for parent in sorted({parent for place in [*places, Path(_LIMITS_PROGRAM)] for parent in place.parents}):
            mounts += ["--perms", "0755", "--dir", str(parent)]
        for path in _READ_ONLY:
            mounts += ["--ro-bind-try", path, path]
        for path in _SYSTEM:
            mounts += _system_mount(Path(path))
        for prefix in self.mounted:
            mounts += ["--ro-bind", str(prefix), str(prefix)]
        mounts += ["--ro-bind", limits_program.__file__, _LIMITS_PROGRAM]
        mounts += ["--ro-bind", relay_program.__file__, _RELAY_PROGRAM]
        mounts += self._tree_mounts(job)
        for real, inside in job.read_only.items():
            mounts += ["--ro-bind", str(real), inside]
        for real, inside in job.writable.items():
            mounts += ["--bind", str(real), inside]
        for port, real in job.relays.items():
            mounts += ["--bind", str(real), _relay_socket(port)]
        return mounts

    def _tree_mounts(self, job: Job) -> list[str]:
        if not job.runs_repository_code:
            return ["--ro-bind", str(job.checkout), TREE]
        return ["--ro-bind", str(job.checkout), _SOURCE, *_memory(TREE, self.limits.scratch_bytes)]

    def _run_openly(self, job: Job, deadline: Deadline) -> Finished:
        plan = {
            "die_with_parent": True,
            "user": None,
            "limits": self._limits(processes=False),
            "relays": None,
            "copy": None,
            "directory": str(job.checkout),
            "environment": self.environment(job.variables, home=str(job.checkout)),
        }
        inner = [str(self.interpreter.executable), "-I", "-S", limits_program.__file__, json.dumps(plan), *job.command]
        return run_process(
            inner, deadline=deadline, environment={}, stdin=job.stdin, output_limit_bytes=job.output_limit_bytes
        )


def _memory(place: str, size_bytes: int) -> list[str]:
    """A directory in memory that everybody may write to and that ends with the sandbox."""
    return ["--perms", "1777", "--size", str(size_bytes), "--tmpfs", place]


def _relay_socket(port: int) -> str:
    return f"/service/twin-{port}.sock"


def _system_mount(path: Path) -> list[str]:
    if path.is_symlink():
        return ["--symlink", str(path.readlink()), str(path)]
    return ["--ro-bind-try", str(path), str(path)]


def mounted_environments(*interpreters: Interpreter) -> tuple[Path, ...]:
    """The directories that must be shown so that these interpreters work; what the system gives is there already."""
    wanted: set[Path] = set()
    for interpreter in interpreters:
        wanted |= {*interpreter.prefixes, interpreter.executable.resolve().parent.parent}
    usr = Path("/usr")
    outside = sorted(path for path in wanted if path != usr and usr not in path.parents and path != Path("/"))
    return tuple(path for path in outside if not any(other in path.parents for other in outside))


def find_bubblewrap(name: str) -> str | None:
    """The program's full path, or None."""
    return shutil.which(name)
