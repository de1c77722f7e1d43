"""The ASGI application: log around faults around git, REST and the harness routes."""

import json
import threading
from collections.abc import Mapping
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cogworks.twins.faults import FaultMiddleware, FaultPlan, RateLimitFault
from cogworks.twins.github import log
from cogworks.twins.github.auth import token_in
from cogworks.twins.github.control import control
from cogworks.twins.github.git_http import GIT_PATH, serve_git
from cogworks.twins.github.limits import primary_refusal, secondary_refusal
from cogworks.twins.github.rest import API_PREFIX, Reply, Request, answer
from cogworks.twins.github.routes import find_route
from cogworks.twins.github.urls import Urls
from cogworks.twins.github.world import World

_ENTRY_KEY = "twin.log_entry"


class Recorder:
    """Appends every REST exchange to a file, so that a test can hold the answers to GitHub's description."""

    def __init__(self, path: Path | None) -> None:
        """Record to `path`; None records nothing."""
        self._path = path
        self._lock = threading.Lock()

    def add(self, request: Request, reply: Reply) -> None:
        """Append one exchange; answers that are not JSON have no body here."""
        if self._path is None or request.method == "HEAD":
            return
        is_json = reply.body and reply.headers.get("content-type", "").startswith("application/json")
        path = f"{request.path}?{request.query}" if request.query else request.path
        body = json.loads(reply.body) if is_json else None
        line = json.dumps({"method": request.method, "path": path, "status": reply.status, "body": body})
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


class _Twin:
    """The twin itself, without log and faults."""

    def __init__(self, world: World, recorder: Recorder) -> None:
        self._world = world
        self._recorder = recorder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        http = HttpRequest(scope, receive)
        body = await http.body()
        if scope["path"].startswith("/_twin/"):
            query = dict(http.query_params)
            reply = await run_in_threadpool(control, self._world, http.method, scope["path"], query, body)
        else:
            request = _request(self._world, scope, http.headers, body)
            reply = await run_in_threadpool(self._serve, request, scope[_ENTRY_KEY])
        response = Response(reply.body, status_code=reply.status, headers=reply.headers)
        await response(scope, receive, send)

    def _serve(self, request: Request, entry: log.Entry) -> Reply:
        if entry.kind == "git":
            served = serve_git(self._world, request)
            entry.violation = served.violation
            return served.reply
        reply = answer(self._world, request, entry)
        self._recorder.add(request, reply)
        return reply


def _raw_path(scope: Scope) -> str:
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.decode("latin-1")


def _request(world: World, scope: Scope, headers: Headers, body: bytes) -> Request:
    path = _raw_path(scope)
    prefix = API_PREFIX if path.startswith(API_PREFIX + "/") else ""
    web = f"http://{headers.get('host', '127.0.0.1')}"
    token = token_in(headers.get("authorization"))
    return Request(
        method=scope["method"],
        path=path.removeprefix(prefix),
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=body,
        urls=Urls(api=web + prefix, web=web),
        login=world.login_of(token) if token else None,
        has_token=token is not None,
    )


class _Logged:
    """Writes every request but the harness' own into the log before its answer leaves."""

    def __init__(self, app: ASGIApp, world: World) -> None:
        self._app = app
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/_twin/"):
            await self._app(scope, receive, send)
            return
        entry = scope[_ENTRY_KEY] = _entry(self._world, scope)
        written = False

        async def logged(message: Message) -> None:
            nonlocal written
            if message["type"] == "http.response.start":
                entry.status, written = message["status"], True
                await run_in_threadpool(log.write, self._world.store, entry)
            await send(message)

        try:
            await self._app(scope, receive, logged)
        finally:
            if not written:
                log.write(self._world.store, entry)


def _entry(world: World, scope: Scope) -> log.Entry:
    headers = Headers(scope=scope)
    token = token_in(headers.get("authorization"))
    path = _raw_path(scope).removeprefix(API_PREFIX)
    git = GIT_PATH.fullmatch(path)
    found = None if git else find_route(scope["method"], path)
    return log.Entry(
        method=scope["method"],
        path=scope["path"],
        conditional="if-none-match" in headers,
        kind="git" if git else "rest",
        login=world.login_of(token) if token else None,
        route=f"/{{owner}}/{{repo}}.git/{git['service']}" if git else found[0].template if found else "",
    )


def build_app(world: World, *, plan: FaultPlan, record: Path | None = None) -> ASGIApp:
    """Return the application of a twin."""

    def describe(scope: Scope, _body: bytes) -> Mapping[str, str]:
        entry: log.Entry = scope[_ENTRY_KEY]
        return {"login": entry.login or ""}

    def limited(fault: RateLimitFault) -> Response:
        refusal = secondary_refusal(fault.reset_in) if fault.secondary else primary_refusal("twin")
        headers = dict(refusal.headers)
        if not fault.secondary:
            headers |= world.limits.exhausted_headers(fault.reset_in)
        body = json.dumps(refusal.answer().body)
        return Response(body, status_code=refusal.status, headers=headers, media_type="application/json")

    twin = _Twin(world, Recorder(record))
    struck = FaultMiddleware(twin, plan=plan, describe=describe, rate_limit_answer=limited)
    return _Logged(struck, world)
