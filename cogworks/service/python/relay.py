"""The way from inside the sandbox to the twins of a call, and to nothing else.

Outside, `Relays` joins a unix socket to the loopback port of each twin. Inside, this file runs as a program of its own
(`python -I -S relay.py {"<port>": "<socket>"}`) that listens on the same ports of the sandbox's own loopback.
It imports the standard library only.
"""

import json
import os
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType

_CHUNK_BYTES = 65536
_LOOPBACK = "127.0.0.1"
_CONNECT_SECONDS = 5.0


class Relays:
    """One unix socket per twin for as long as the block lasts."""

    def __init__(self, ports: Sequence[int], *, directory: Path) -> None:
        self.sockets: dict[int, Path] = {}
        self._ports = ports
        self._directory = directory
        self._listeners: list[socket.socket] = []

    def __enter__(self) -> "Relays":
        """Listen on a socket for each port."""
        for port in self._ports:
            path = self._directory / f"twin-{port}.sock"
            listener = _listen_at(path)
            self._listeners.append(listener)
            self.sockets[port] = path
            _in_background(partial(serve, listener, partial(_dial, port)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening; connections end with the sandbox."""
        for listener in self._listeners:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()


def serve(listener: socket.socket, connect: Callable[[], socket.socket]) -> None:
    """Join every connection to a new one of the other side, until the listener is closed."""
    while True:
        try:
            near, _ = listener.accept()
        except OSError:
            return
        _in_background(partial(_join, near, connect))


def _join(near: socket.socket, connect: Callable[[], socket.socket]) -> None:
    with near:
        try:
            far = connect()
        except OSError:
            return  # the twin is not there: the test sees its connection closed
        with far:
            back = _in_background(partial(_pump, far, near))
            _pump(near, far)
            back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while chunk := source.recv(_CHUNK_BYTES):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return  # either side has closed: the other one follows


def _in_background(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def _dial(port: int) -> socket.socket:
    far = socket.create_connection((_LOOPBACK, port), timeout=_CONNECT_SECONDS)
    far.settimeout(None)
    return far


def _listen_at(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # By way of the directory's handle, because a socket's path may have 107 bytes only.
    handle = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        listener.bind(f"/proc/self/fd/{handle}/{path.name}")
    finally:
        os.close(handle)
    path.chmod(0o666)  # the directory is private; the sandbox's user must be able to connect
    listener.listen()
    return listener


def _reach(path: str) -> socket.socket:
    far = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    far.connect(path)
    return far


def main(sockets: dict[str, str]) -> None:
    """Listen inside the sandbox, say so with one byte on standard output, and serve for ever."""
    threads: list[threading.Thread] = []
    for port, path in sockets.items():
        listener = socket.create_server((_LOOPBACK, int(port)))
        threads.append(_in_background(partial(serve, listener, partial(_reach, path))))
    os.write(1, b".")
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
