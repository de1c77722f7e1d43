"""Puts faults in front of a twin: the middleware that strikes requests, and its routes under `/_twin/`.

`POST /_twin/faults` replaces the plan, `GET /_twin/faults` shows it with its counters, `GET /_twin/holds?wait=SECONDS`
waits for a held request, `POST /_twin/release` lets held requests go on. Nothing under `/_twin/` is ever struck.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, assert_never

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cogworks.twins.fault_plan import (
    BillFault,
    Fault,
    FaultPlan,
    FaultsError,
    HoldFault,
    MalformedFault,
    PlainFault,
    RateLimitFault,
    SlowFault,
    StatusFault,
)
from cogworks.twins.holds import Hold, Holds
from cogworks.twins.serving import connection_of

__all__ = [
    "Fault",
    "FaultMiddleware",
    "FaultPlan",
    "FaultsError",
    "RateLimitFault",
    "StatusFault",
    "extra_bill",
    "on_outcome",
]

Describe = Callable[[Scope, bytes], Mapping[str, str]]
RateLimitAnswer = Callable[[RateLimitFault], Response]
# Told of every request that a fault kept from acting: its scope, its body and the fault.
OnUnacted = Callable[[Scope, bytes, Fault], None]
_BILL_KEY = "twin.bill_microusd"
_OUTCOME_KEY = "twin.on_outcome"
# Lets the event loop notice that a held client has left in the very moment of the release.
_SETTLE_SECONDS = 0.02


def extra_bill(scope: Scope) -> int:
    """Return the micro-dollars that a `bill` fault adds to this request."""
    return int(scope.get(_BILL_KEY, 0))


def on_outcome(scope: Scope, listener: Callable[[bool], None]) -> None:
    """Have `listener` called once with whether the client was given the whole answer of this request."""
    scope.setdefault(_OUTCOME_KEY, []).append(listener)


class FaultMiddleware:
    """The outermost application of a twin; what it does not strike passes through unchanged."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        plan: FaultPlan,
        describe: Describe,
        rate_limit_answer: RateLimitAnswer,
        on_unacted: OnUnacted | None = None,
    ) -> None:
        """Strike requests to `app`; `describe` gives the match keys beside method, path and body."""
        self._app = app
        self._plan = plan
        self._describe = describe
        self._rate_limit_answer = rate_limit_answer
        self._on_unacted = on_unacted
        self._holds = Holds()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"].startswith("/_twin/"):
            await self._control(scope, receive, send)
        else:
            await self._request(scope, receive, send)

    async def _control(self, scope: Scope, receive: Receive, send: Send) -> None:
        routes: Mapping[tuple[str, str], Callable[[Request], Awaitable[Response]]] = {
            ("GET", "/_twin/faults"): self._show,
            ("POST", "/_twin/faults"): self._replace,
            ("GET", "/_twin/holds"): self._wait_for_hold,
            ("POST", "/_twin/release"): self._release,
        }
        endpoint = routes.get((scope["method"], scope["path"]))
        if endpoint is None:
            await self._app(scope, receive, send)
            return
        response = await endpoint(Request(scope, receive))
        await response(scope, receive, send)

    async def _show(self, _request: Request) -> Response:
        return JSONResponse({"faults": self._plan.report()})

    async def _replace(self, request: Request) -> Response:
        try:
            self._plan = FaultPlan.parse(json.loads(await request.body() or b"[]"))
        except (FaultsError, ValueError) as error:
            return JSONResponse({"problems": str(error).splitlines()}, status_code=400)
        return JSONResponse({"faults": self._plan.report()})

    async def _wait_for_hold(self, request: Request) -> Response:
        try:
            wait_seconds = float(request.query_params.get("wait", "0"))
        except ValueError:
            return JSONResponse({"problems": ["wait: must be a number of seconds"]}, status_code=400)
        await self._holds.wait_for_one(wait_seconds)
        return JSONResponse(self._holds.report())

    async def _release(self, request: Request) -> Response:
        try:
            wanted = json.loads(await request.body() or b"{}").get("id")
        except (ValueError, AttributeError):
            return JSONResponse({"problems": ['body: must be empty or {"id": number}']}, status_code=400)
        return JSONResponse({"released": self._holds.release(wanted)})

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _read(receive)
        if body is None:
            return
        facts = {
            **self._describe(scope, body),
            "method": scope["method"],
            "path": scope["path"],
            "body": body.decode("utf-8", "replace"),
        }
        exchange = _Exchange(scope, body, receive, send)
        fault = self._plan.strike(facts)
        try:
            if fault is None:
                await exchange.run(self._app)
            else:
                await self._strike(exchange, fault, facts)
        except asyncio.CancelledError:
            # Only the end of the twin cancels a request; the client sees what it would see of a service that died.
            await exchange.abort()
        finally:
            if not exchange.acted and fault is not None and self._on_unacted is not None:
                self._on_unacted(scope, body, fault)
            exchange.settle()

    async def _strike(self, exchange: "_Exchange", fault: Fault, facts: Mapping[str, str]) -> None:
        match fault:
            case StatusFault():
                await exchange.answer(_status_answer(fault))
            case RateLimitFault():
                await exchange.answer(self._rate_limit_answer(fault))
            case SlowFault():
                await asyncio.sleep(fault.delay_ms / 1000)
                await exchange.run(self._app)
            case BillFault():
                exchange.scope[_BILL_KEY] = fault.microusd
                await exchange.run(self._app)
            case MalformedFault():
                await exchange.run(self._app, spoil=fault.form)
            case HoldFault():
                await self._hold(exchange, fault, facts)
            case PlainFault():
                await self._plain(exchange, fault)
            case _:
                assert_never(fault)

    async def _plain(self, exchange: "_Exchange", fault: PlainFault) -> None:
        match fault.kind:
            case "timeout":
                await exchange.client_left()
            case "drop_before":
                await exchange.abort()
            case "drop_after":
                await exchange.run(self._app, before_answer=exchange.abort)
            case _:
                assert_never(fault.kind)

    async def _hold(self, exchange: "_Exchange", fault: HoldFault, facts: Mapping[str, str]) -> None:
        shown = {key: value for key, value in facts.items() if key != "body"}

        async def stop() -> None:
            hold = self._holds.add(kind=fault.kind, facts=shown)
            await _released_or_left(hold, exchange)

        if fault.kind == "hold_after":
            await exchange.run(self._app, before_answer=stop)
            return
        await stop()
        if not exchange.gone:
            await exchange.run(self._app)


async def _released_or_left(hold: Hold, exchange: "_Exchange") -> None:
    released = asyncio.ensure_future(hold.released.wait())
    left = asyncio.ensure_future(exchange.client_left())
    try:
        await asyncio.wait({released, left}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(_SETTLE_SECONDS)
    finally:
        hold.end("left" if exchange.gone else "released")
        released.cancel()
        left.cancel()


class _Exchange:
    """One request with its answer, and whether that answer reached an open connection."""

    def __init__(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        self.scope = scope
        self._after_body = receive
        self._receive = _replay(body, receive)
        self._send = send
        self._connection = connection_of(scope)
        self.acted = False
        self._delivered = False
        self._listeners: list[Callable[[bool], None]] = scope.setdefault(_OUTCOME_KEY, [])

    @property
    def gone(self) -> bool:
        return self._connection is not None and self._connection.gone

    async def abort(self) -> None:
        if self._connection is not None:
            self._connection.abort()
        # The server learns of it in the next turn of the loop; before that it would answer 500.
        await asyncio.sleep(0)

    async def client_left(self) -> None:
        while (await self._after_body())["type"] != "http.disconnect":
            pass

    async def answer(self, response: Response) -> None:
        await response(self.scope, self._receive, self.send)

    async def send(self, message: Message) -> None:
        last = message["type"] == "http.response.body" and not message.get("more_body", False)
        self._delivered = self._delivered or (last and not self.gone)
        await self._send(message)

    async def run(
        self,
        app: ASGIApp,
        *,
        before_answer: Callable[[], Awaitable[None]] | None = None,
        spoil: str | None = None,
    ) -> None:
        """Let `app` act; with an option its whole answer is kept back until that was done to it."""
        self.acted = True
        if before_answer is None and spoil is None:
            await app(self.scope, self._receive, self.send)
            return
        kept: list[Message] = []

        async def keep(message: Message) -> None:
            kept.append(message)

        await app(self.scope, self._receive, keep)
        if before_answer is not None:
            await before_answer()
        for message in _spoiled(kept, spoil):
            await self.send(message)
        self._delivered = self._delivered and spoil is None

    def settle(self) -> None:
        for listener in self._listeners:
            listener(self._delivered)


def _spoiled(kept: list[Message], form: str | None) -> list[Message]:
    if form is None:
        return kept
    whole = b"".join(message.get("body", b"") for message in kept if message["type"] == "http.response.body")
    body = whole[: len(whole) // 2] if form == "truncated" else b'{"unexpected":[]}'
    start = next(message for message in kept if message["type"] == "http.response.start")
    headers = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
    headers.append((b"content-length", str(len(body)).encode()))
    return [{**start, "headers": headers}, {"type": "http.response.body", "body": body}]


def _status_answer(fault: StatusFault) -> Response:
    if isinstance(fault.body, str):
        return Response(fault.body, status_code=fault.code, headers=fault.headers)
    if fault.body is None:
        return Response(status_code=fault.code, headers=fault.headers)
    return JSONResponse(fault.body, status_code=fault.code, headers=fault.headers)


async def _read(receive: Receive) -> bytes | None:
    """Return the whole request body, or None when the client left before it was complete."""
    chunks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    pending: list[MutableMapping[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> MutableMapping[str, Any]:
        return pending.pop() if pending else await receive()

    return replay
