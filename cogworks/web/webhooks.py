"""`POST /webhooks/github`: a signed delivery becomes at most one step in the queue; no work here (GH-47)."""

import json

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from cogworks.engine.hearing import SPOKE
from cogworks.model.errors import CogWorksError, DependencyUnavailable
from cogworks.model.ids import Item
from cogworks.model.json_value import JsonValue
from cogworks.telemetry.logs import say
from cogworks.telemetry.metrics import Count
from cogworks.web.hints import command_in, is_chatter, item_of, sender_of
from cogworks.web.office import Office
from cogworks.web.signature import signed

MAX_BYTES = 25 * 1024 * 1024


class Mailbox:
    """Takes deliveries for one office."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def take(self, request: Request) -> Response:
        """Answer one delivery."""
        event = request.headers.get("x-github-event", "")
        try:
            body = await _body(request)
        except ClientDisconnect:
            return self._told(event, "cut_off", 400)
        if body is None:
            return self._told(event, "too_large", 413)
        if not signed(body, request.headers.get("x-hub-signature-256", ""), self._office.secrets):
            return self._told("unknown", "unauthorized", 401)
        delivery = request.headers.get("x-github-delivery", "")
        if not event or not delivery:
            return self._told(event, "missing_header", 400)
        payload, is_json = _parsed(body)
        if not is_json:
            return self._told(event, "not_json", 400)
        if event == "ping":
            return self._told(event, "pong", 200)
        result, status = await run_in_threadpool(self._accept, event, delivery, payload)
        return self._told(event, result, status)

    def _accept(self, event: str, delivery: str, payload: JsonValue) -> tuple[str, int]:
        item = item_of(event, payload)
        if item is None or is_chatter(event, payload):
            return "ignored", 202
        if self._office.repos and item.repo not in self._office.repos:
            return "foreign", 202
        if sender_of(payload) == self._own_login():
            return "own", 202
        try:
            return self._enqueue(item, event, delivery, spoke=command_in(event, payload)), 202
        except DependencyUnavailable as error:
            say(f"{item}: {event} could not be queued", action="task", result="failure", level="warning", error=error)
            return "unavailable", 503

    def _enqueue(self, item: Item, event: str, delivery: str, *, spoke: int | None) -> str:
        if not self._office.deliveries.take(delivery):
            return "duplicate"
        projection = self._office.reading.projection
        try:
            if spoke is not None and projection is not None:
                projection.note(item, {SPOKE: str(spoke)})
            self._office.queue.step(item, hint=f"webhook {event}")
        except DependencyUnavailable:
            self._office.deliveries.give_back(delivery)
            raise
        say(f"{item}: {event} asks for a step", action="task", repo=item.repo, pipeline_id=item.number)
        return "queued"

    def _own_login(self) -> str | None:
        """Return who we are; unknown while GitHub is away, and then our own doings are hints like others."""
        try:
            return self._office.reading.github.contents.login()
        except CogWorksError:
            return None

    def _told(self, event: str, result: str, status: int) -> Response:
        # Names come from outside: only known ones become labels.
        name = event if event in _EVENTS else "other"
        self._office.metrics.count(Count.WEBHOOK_EVENTS, event=name, result=result)
        return JSONResponse({"result": result}, status_code=status)


_EVENTS = frozenset({"issues", "issue_comment", "pull_request", "pull_request_review", "ping"})


async def _body(request: Request) -> bytes | None:
    """Return the raw body; None when it is too large, without reading it to the end."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > MAX_BYTES:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            return None
    return bytes(body)


def _parsed(body: bytes) -> tuple[JsonValue, bool]:
    try:
        return json.loads(body), True
    except (ValueError, RecursionError):
        return None, False
