"""Runs a twin in the foreground: loopback only, one ready line, a quick and clean end."""

import asyncio
import json
import signal
import socket
import sys
from collections.abc import Mapping
from types import FrameType

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

LOOPBACK = "127.0.0.1"
_CONNECTION_KEY = "twin.connection"
_GRACE_SECONDS = 0.1


class Connection:
    """The TCP connection under one request."""

    def __init__(self, transport: asyncio.Transport) -> None:
        """Watch the connection of `transport`."""
        self._transport = transport

    def abort(self) -> None:
        """Close the connection at once, whatever was not sent stays unsent."""
        self._transport.abort()

    @property
    def gone(self) -> bool:
        """Whether the client can no longer receive anything."""
        return self._transport.is_closing()


def connection_of(scope: Scope) -> Connection | None:
    """Return the connection of a request, or None when another server than `serve` runs the application."""
    found = scope.get("extensions", {}).get(_CONNECTION_KEY)
    return found if isinstance(found, Connection) else None


class _Protocol(H11Protocol):
    """Hands the application its connection, which ASGI alone does not show."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's is as narrow
        super().connection_made(transport)
        inner = self.app
        connection = Connection(transport)

        async def with_connection(scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("extensions", {})[_CONNECTION_KEY] = connection
            await inner(scope, receive, send)

        self.app = with_connection


class _Server(uvicorn.Server):
    """Says that it is ready once, after the listening has begun."""

    def __init__(self, config: uvicorn.Config, *, ready_line: str) -> None:
        super().__init__(config)
        self._ready_line = ready_line

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        sys.stdout.write(self._ready_line + "\n")
        sys.stdout.flush()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Requests that are being answered get a moment; held and hanging ones would keep the twin up for ever.
        await asyncio.sleep(_GRACE_SECONDS)
        for task in list(self.server_state.tasks):
            task.cancel()
        await super().shutdown(sockets=sockets)


def bind(port: int) -> socket.socket:
    """Return a loopback socket on `port`, 0 for any free one; OSError says that the port is taken."""
    # asyncio sends without delay only on sockets whose protocol is named.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((LOOPBACK, port))
    except OSError:
        bound.close()
        raise
    return bound


def url_of(bound: socket.socket) -> str:
    """Return the base URL that clients of `bound` use."""
    return f"http://{LOOPBACK}:{bound.getsockname()[1]}"


def serve(app: ASGIApp, *, twin: str, bound: socket.socket, tokens: Mapping[str, str]) -> None:
    """Serve `app` until SIGTERM or SIGINT; the ready line on standard output is `{"twin", "url", "tokens"}`."""
    config = uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        loop="asyncio",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=60,
        timeout_graceful_shutdown=1,
    )
    ready_line = json.dumps({"twin": twin, "url": url_of(bound), "tokens": dict(tokens)})
    server = _Server(config, ready_line=ready_line)

    def leave(_signal: int, _frame: FrameType | None) -> None:
        # uvicorn raises the signal again after its own clean end; this handler keeps that from killing the process.
        server.should_exit = True

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    server.run(sockets=[bound])
