"""The directory that belongs to the service alone: scratch checkouts of living processes, and the types cache."""

import os
import shutil
import tempfile
from pathlib import Path

from cogworks.service.python.listening import CannotListen


def default_home() -> Path:
    """A directory per user below the system's temporary directory."""
    return Path(tempfile.gettempdir(), f"cogworks-python-service-{os.geteuid()}")


def open_home(home: Path) -> Path:
    """The private directory, made or checked; what processes that are dead left in it is removed."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    state = home.lstat()
    if not home.is_dir() or home.is_symlink() or state.st_uid != os.geteuid() or state.st_mode & 0o077:
        raise CannotListen(f"--home: {home} must be a directory that only this user can open (mode 0700)")
    for leftover in home.glob("process-*"):
        if not _is_alive(leftover.name.removeprefix("process-")):
            shutil.rmtree(leftover)
    return home


def process_scratch(home: Path) -> Path:
    """Where this process keeps its checkouts."""
    scratch = home / f"process-{os.getpid()}"
    scratch.mkdir(mode=0o700, exist_ok=True)
    return scratch


def _is_alive(process: str) -> bool:
    return process.isdecimal() and Path("/proc", process).exists()
