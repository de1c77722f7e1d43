"""Where the service listens: a private unix socket, or TCP on loopback."""

import errno
import os
import socket
import stat
from dataclasses import dataclass
from pathlib import Path

MAX_SOCKET_PATH_BYTES = 107


class CannotListen(Exception):
    """The address cannot be used: `reason` says why and what to do."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An open listening socket and how a client names it."""

    listener: socket.socket
    transport: str
    address: str

    def leave(self) -> None:
        """Close the socket and remove its file."""
        self.listener.close()
        if self.transport == "unix":
            Path(self.address).unlink(missing_ok=True)


def listen_on_unix(path: Path) -> Place:
    """Listen on a socket file that only this user can open; a dead file of an earlier process is replaced."""
    if len(os.fsencode(path)) > MAX_SOCKET_PATH_BYTES:
        raise CannotListen(f"--socket: {path} is longer than {MAX_SOCKET_PATH_BYTES} bytes; choose a shorter path")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _clear(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    previous = os.umask(0o177)
    try:
        listener.bind(str(path))
    except OSError as error:
        listener.close()
        raise CannotListen(f"--socket: {path}: {error.strerror}") from error
    finally:
        os.umask(previous)
    listener.listen(128)
    return Place(listener=listener, transport="unix", address=str(path))


def listen_on_tcp(host: str, port: int) -> Place:
    """Listen on a loopback address."""
    try:
        listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise CannotListen(f"--http: {host}:{port}: {error.strerror}") from error
    bound = listener.getsockname()[1]
    shown = f"[{host}]" if ":" in host else host
    return Place(listener=listener, transport="http", address=f"http://{shown}:{bound}")


def _clear(path: Path) -> None:
    try:
        kind = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(kind):
        raise CannotListen(f"--socket: {path} exists and is not a socket; choose another path")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        answer = probe.connect_ex(str(path))
    if answer not in (errno.ECONNREFUSED, errno.ENOENT):
        raise CannotListen(f"--socket: another service listens on {path}; stop it or choose another path")
    path.unlink(missing_ok=True)
