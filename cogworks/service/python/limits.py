"""The first program inside the sandbox: it takes on the limits and becomes the command.

It runs as a file of its own (`python -I -S limits.py <json> <command…>`), so it imports the standard library only.
"""

import ctypes
import json
import os
import resource
import shutil
import signal
import sys

_PR_SET_PDEATHSIG = 1
_NAMED = {
    "memory_bytes": resource.RLIMIT_AS,
    "processes": resource.RLIMIT_NPROC,
    "open_files": resource.RLIMIT_NOFILE,
    "cpu_seconds": resource.RLIMIT_CPU,
    "file_bytes": resource.RLIMIT_FSIZE,
}


def take_limits(limits: dict[str, int]) -> None:
    """Lower both the soft and the hard limit of everything named, and leave no core files."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for name, kind in _NAMED.items():
        if name in limits:
            hard = resource.getrlimit(kind)[1]
            wanted = limits[name] if hard == resource.RLIM_INFINITY else min(limits[name], hard)
            resource.setrlimit(kind, (wanted, wanted))


def become_nobody(user: int) -> None:
    """Give up root for a user id that owns nothing, because the process limit does not bind root."""
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def die_with_parent() -> None:
    """End when the service ends."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def copy_entries(source: str, target: str) -> None:
    """Copy what is in a directory into one that belongs to somebody else, so its own times cannot be set."""
    for entry in os.scandir(source):
        place = os.path.join(target, entry.name)  # noqa: PTH118 - pathlib would double the start-up time
        if entry.is_dir(follow_symlinks=False):
            shutil.copytree(entry.path, place, symlinks=True)
        else:
            shutil.copy2(entry.path, place, follow_symlinks=False)


def start_relay(program: str, sockets: dict[str, str]) -> None:
    """Start the way to the twins and wait until it listens."""
    ready, told = os.pipe()
    command = [sys.executable, "-I", "-S", program, json.dumps(sockets)]
    os.posix_spawn(command[0], command, {}, file_actions=[(os.POSIX_SPAWN_DUP2, told, 1)])
    os.close(told)
    os.read(ready, 1)
    os.close(ready)


def main(arguments: list[str]) -> None:
    """Read the plan, take it on, and become the command."""
    plan = json.loads(arguments[0])
    if plan["die_with_parent"]:
        die_with_parent()
    if plan["user"] is not None:
        become_nobody(plan["user"])
    take_limits(plan["limits"])
    if plan["copy"] is not None:
        copy_entries(*plan["copy"])
    if plan["relays"]:
        start_relay(*plan["relays"])
    os.chdir(plan["directory"])
    os.execve(arguments[1], arguments[1:], plan["environment"])  # noqa: S606 - becoming the command is the purpose


if __name__ == "__main__":
    main(sys.argv[1:])
