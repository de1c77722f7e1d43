"""A gate before the domain service's socket: writes down every call and can hold one back, as the twins do."""

import http.client
import select
import socket
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Literal

When = Literal["before", "after"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """One call that came to the gate."""

    at: datetime
    path: str


@dataclass(slots=True, kw_only=True)
class _Hold:
    path: str
    nth: int
    when: When
    held: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)


class ServiceGate:
    """Listens where CogWorks looks for the service and hands on to where the service is."""

    def __init__(self, listen: Path, *, behind: Path) -> None:
        """Open the gate; calls are handed on from now on."""
        self.passed: list[Passed] = []
        self._hold: _Hold | None = None
        self._seen: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._behind = behind
        listen.unlink(missing_ok=True)
        self._server = _Server(str(listen), _Handler)
        self._server.gate = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        self._thread.start()

    def begin(self, *, path: str = "", nth: int = 0, when: When = "before") -> None:
        """Forget all calls; hold the ``nth`` call of ``path`` from now on, if one is named."""
        with self._lock:
            self.passed.clear()
            self._seen.clear()
            self._hold = _Hold(path=path, nth=nth, when=when) if path else None

    @property
    def holds(self) -> bool:
        """Whether a call is held."""
        return self._hold is not None and self._hold.held.is_set() and not self._hold.released.is_set()

    def release(self) -> None:
        """Let the held call go on."""
        if self._hold is not None:
            self._hold.released.set()

    def close(self) -> None:
        """Stop listening; a held call is let go."""
        self.release()
        self._server.shutdown()
        self._server.server_close()

    def note(self, path: str) -> "_Hold | None":
        """Write a call down and return the hold that it meets."""
        with self._lock:
            self.passed.append(Passed(at=datetime.now(UTC), path=path))
            self._seen[path] += 1
            hold = self._hold
            return hold if hold is not None and (hold.path, hold.nth) == (path, self._seen[path]) else None

    def hand_on(self, path: str, body: bytes) -> tuple[int, str, bytes]:
        """Return what the service answers."""
        connection = _Connection(self._behind)
        try:
            connection.request("POST", path, body=body, headers={"content-type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.headers.get("content-type", "application/json"), answer.read()
        finally:
            connection.close()


class _Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64
    gate: ServiceGate


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        gate = self.server.gate
        hold = gate.note(self.path)
        if hold is not None and hold.when == "before" and self._left_during(hold):
            return
        status, kind, answer = gate.hand_on(self.path, body)
        if hold is not None and hold.when == "after" and self._left_during(hold):
            return
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _left_during(self, hold: _Hold) -> bool:
        """Stop until the hold is released; tell whether the caller has left."""
        hold.held.set()
        hold.released.wait()
        readable, _, _ = select.select([self.connection], [], [], 0.02)
        self.close_connection = bool(readable) and self.connection.recv(1, socket.MSG_PEEK) == b""
        return self.close_connection

    def address_string(self) -> str:
        """Callers on a unix socket have no address."""
        return "unix"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
        """Say nothing; ``passed`` is the log."""


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(str(self._path))
