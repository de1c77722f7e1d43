"""The HTTP side: bodies in, bodies out, bounded in size and number."""

import asyncio
from threading import Event

import anyio.to_thread
from anyio import CapacityLimiter
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from cogworks.extension_api.methods import Method
from cogworks.extension_api.wire import MAX_BODY_BYTES
from cogworks.service.python.replies import Reply, refusal

_TOO_LONG = f"the body is longer than {MAX_BODY_BYTES} bytes"


class Calls:
    """The calls in flight: so many at once, and all ended when the service ends."""

    def __init__(self, reply: Reply, *, max_concurrency: int) -> None:
        self._reply = reply
        self._max_concurrency = max_concurrency
        self._limiter: CapacityLimiter | None = None
        self._open: set[Event] = set()

    def cancel_all(self) -> None:
        """End every call in flight; each is answered with an error."""
        for cancelled in tuple(self._open):
            cancelled.set()

    async def post(self, request: Request) -> Response:
        """`POST /api/v1/{method}`."""
        body = await _read(request)
        if body is None:
            return _json(refusal(_TOO_LONG))
        method = request.path_params["method"]
        if method == Method.HANDSHAKE:
            # Answered at once, however many calls are at work.
            return _json(self._reply.to_body(method, body, cancelled=Event()))
        cancelled = Event()
        self._open.add(cancelled)
        watcher = asyncio.create_task(_cancel_when_gone(request, cancelled))
        try:
            return _json(await self._in_thread(method, body, cancelled))
        finally:
            self._open.discard(cancelled)
            watcher.cancel()

    async def _in_thread(self, method: str, body: bytes, cancelled: Event) -> bytes:
        if self._limiter is None:
            self._limiter = CapacityLimiter(self._max_concurrency)
        return await anyio.to_thread.run_sync(
            lambda: self._reply.to_body(method, body, cancelled=cancelled), limiter=self._limiter
        )


def build_app(calls: Calls) -> Starlette:
    """The ASGI application."""
    return Starlette(routes=[Route("/api/v1/{method}", calls.post, methods=["POST"])])


async def _read(request: Request) -> bytes | None:
    """The body, or None when it is too long; the rest of such a body is read and dropped, so that the reply arrives."""
    body = bytearray()
    too_long = False
    async for chunk in request.stream():
        too_long = too_long or len(body) + len(chunk) > MAX_BODY_BYTES
        if not too_long:
            body += chunk
    return None if too_long else bytes(body)


async def _cancel_when_gone(request: Request, cancelled: Event) -> None:
    try:
        while True:
            message = await request.receive()
            if message["type"] == "http.disconnect":
                cancelled.set()
                return
    except ClientDisconnect:
        cancelled.set()


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")
