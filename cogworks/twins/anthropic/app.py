"""The twin's HTTP routes: the provider's own, and those under `/_twin/` for a harness."""

import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta

from pydantic import JsonValue, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Scope

from cogworks.twins.anthropic import listings
from cogworks.twins.anthropic.accounts import counts
from cogworks.twins.anthropic.calls import HEADER, read_call
from cogworks.twins.anthropic.limits import LimitSettings, limit_headers
from cogworks.twins.anthropic.service import Incoming, Reply, Service
from cogworks.twins.anthropic.stream import broken_events, message_events
from cogworks.twins.anthropic.wire import ApiError, JsonObject
from cogworks.twins.faults import Fault, FaultMiddleware, FaultPlan, RateLimitFault, StatusFault, extra_bill, on_outcome

_Endpoint = Callable[[Request], Awaitable[Response]]


def build_app(service: Service, *, plan: FaultPlan) -> ASGIApp:
    """Return the whole application, faults included."""
    routes = _Routes(service)
    inner = Starlette(
        routes=[
            Route("/v1/messages", routes.messages, methods=["POST"]),
            Route("/v1/messages/count_tokens", routes.messages, methods=["POST"]),
            Route("/v1/models", routes.guarded(routes.models)),
            Route("/v1/models/{model_id}", routes.guarded(routes.model)),
            Route("/v1/messages/batches", routes.guarded(routes.create_batch), methods=["POST"]),
            Route("/v1/messages/batches", routes.guarded(routes.batches), methods=["GET"]),
            Route("/v1/messages/batches/{batch_id}", routes.guarded(routes.batch), methods=["GET", "DELETE"]),
            Route("/v1/messages/batches/{batch_id}/cancel", routes.guarded(routes.batch), methods=["POST"]),
            Route("/_twin/log", routes.log),
            Route("/_twin/counts", routes.counts),
            Route("/_twin/limits", routes.limits, methods=["GET", "POST"]),
            Route("/_twin/reset", routes.reset, methods=["POST"]),
            Route("/{rest:path}", routes.unknown, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ]
    )
    return FaultMiddleware(
        inner,
        plan=plan,
        describe=_describe,
        rate_limit_answer=rate_limit_answer,
        on_unacted=routes.note_unacted,
    )


def rate_limit_answer(fault: RateLimitFault) -> Response:
    """Return the provider's answer when a limit is used up; a secondary one shows no allowance headers."""
    error = ApiError(
        429, "This request would exceed your organization's rate limit.", retry_after_seconds=fault.reset_in
    )
    request_id = _request_id()
    headers = {"request-id": request_id, **error.headers()}
    if not fault.secondary:
        resets_at = (datetime.now(UTC) + timedelta(seconds=fault.reset_in)).timestamp()
        headers |= limit_headers("requests", size=50, remaining=0, resets_at=resets_at)
    return JSONResponse(error.body(request_id), status_code=429, headers=headers)


def _describe(scope: Scope, body: bytes) -> Mapping[str, str]:
    header = next((value.decode() for name, value in scope["headers"] if name.decode() == HEADER), None)
    facts = read_call(header).facts()
    try:
        parsed: JsonValue = json.loads(body or b"{}")
    except ValueError:
        return facts
    model = parsed.get("model") if isinstance(parsed, dict) else None
    return {**facts, "model": str(model)} if model is not None else facts


class _Routes:
    def __init__(self, service: Service) -> None:
        self._service = service

    def guarded(self, endpoint: _Endpoint) -> _Endpoint:
        """Answer errors of `endpoint` as the provider does, and refuse callers without a key."""

        async def answer(request: Request) -> Response:
            headers = {"request-id": _request_id()}
            try:
                self._service.check_access(request.headers)
                response = await endpoint(request)
            except ApiError as error:
                return JSONResponse(error.body(headers["request-id"]), status_code=error.status, headers=headers)
            response.headers.update(headers)
            return response

        return answer

    async def messages(self, request: Request) -> Response:
        scope = request.scope
        reply = self._service.handle(
            Incoming(
                path=request.url.path,
                headers=request.headers,
                body=await request.body(),
                extra_bill_microusd=extra_bill(scope),
            )
        )
        on_outcome(scope, lambda delivered: self._service.store.settle(reply.seq, delivered=delivered))
        return _response(reply)

    def note_unacted(self, scope: Scope, body: bytes, fault: Fault) -> None:
        status = fault.code if isinstance(fault, StatusFault) else 429 if isinstance(fault, RateLimitFault) else 0
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self._service.note_unacted(
            Incoming(path=scope["path"], headers=headers, body=body), status=status, kind=fault.kind
        )

    async def models(self, request: Request) -> Response:
        wanted = request.query_params.getlist("lifecycle[]") or request.query_params.getlist("lifecycle")
        infos = [listings.model_info(model, now=self._service.now) for model in self._service.models.values()]
        shown = [info for info in infos if not wanted or info["lifecycle"] in wanted]
        return JSONResponse(_page(request, shown))

    async def model(self, request: Request) -> Response:
        model_id = request.path_params["model_id"]
        model = self._service.models.get(model_id)
        if model is not None:
            return JSONResponse(listings.model_info(model, now=self._service.now))
        if self._service.lenient:
            return JSONResponse(listings.placeholder_model(model_id))
        raise ApiError(404, f"model: {model_id}")

    async def create_batch(self, request: Request) -> Response:
        self._only_lenient()
        body = await request.json()
        return JSONResponse(
            listings.batch("msgbatch_echo", processing=len(body.get("requests", [])), now=self._service.now)
        )

    async def batches(self, request: Request) -> Response:
        self._only_lenient()
        return JSONResponse(_page(request, [listings.batch("msgbatch_echo", processing=1, now=self._service.now)]))

    async def batch(self, request: Request) -> Response:
        self._only_lenient()
        batch_id = request.path_params["batch_id"]
        if request.method == "DELETE":
            return JSONResponse({"type": "message_batch_deleted", "id": batch_id})
        canceling = request.method == "POST"
        return JSONResponse(listings.batch(batch_id, processing=1, now=self._service.now, canceling=canceling))

    def _only_lenient(self) -> None:
        if not self._service.lenient:
            raise ApiError(404, "message batches are answered only without a script")

    async def log(self, request: Request) -> Response:
        after = request.query_params.get("after", "0")
        if not after.isdigit():
            return JSONResponse({"problems": ["after: must be a sequence number"]}, status_code=400)
        entries = self._service.store.logged(after=int(after))
        return JSONResponse({"requests": [entry.report() for entry in entries]})

    async def counts(self, _request: Request) -> Response:
        return JSONResponse(counts(self._service.store.logged()))

    async def limits(self, request: Request) -> Response:
        if request.method == "POST":
            try:
                settings = LimitSettings.model_validate_json(await request.body(), strict=True)
            except ValidationError as error:
                problems = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_url=False)]
                return JSONResponse({"problems": problems}, status_code=400)
            self._service.limits.put(settings)
        return JSONResponse(self._service.limits.headers())

    async def reset(self, _request: Request) -> Response:
        with self._service.store.transaction():
            self._service.store.forget()
        return JSONResponse({"reset": True})

    async def unknown(self, request: Request) -> Response:
        error = ApiError(404, f"{request.method} {request.url.path}: no such route")
        request_id = _request_id()
        return JSONResponse(error.body(request_id), status_code=404, headers={"request-id": request_id})


def _request_id() -> str:
    return f"req_{secrets.token_hex(12)}"


def _page(request: Request, entries: list[JsonObject]) -> JsonObject:
    query = request.query_params
    limit = query.get("limit", "")
    return listings.page(
        entries,
        limit=int(limit) if limit.isdigit() else None,
        after=query.get("after_id"),
        before=query.get("before_id"),
    )


def _response(reply: Reply) -> Response:
    if not reply.stream:
        return JSONResponse(reply.body, status_code=reply.status, headers=reply.headers)
    events = message_events(reply.body) if reply.broken_by is None else broken_events(reply.body, reply.broken_by)
    return StreamingResponse(events, headers=reply.headers, media_type="text/event-stream")
