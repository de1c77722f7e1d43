"""Answers one REST request: who asks, may they, what comes out, is it news."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from cogworks.twins.github import log
from cogworks.twins.github.call import Call, Place
from cogworks.twins.github.people import at_least, permission_of, user_by_login
from cogworks.twins.github.routes import Route, find_route
from cogworks.twins.github.store import Row
from cogworks.twins.github.urls import Urls
from cogworks.twins.github.wire import Answer, Refusal, not_found
from cogworks.twins.github.world import World

API_PREFIX = "/api/v3"
_BY_ID = re.compile(r"/repositories/(?P<id>\d{1,18})(?P<rest>/.*)?")
_GRANT_LEVELS = ("none", "read", "write", "admin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One REST request as it came in; `path` is raw and without the base."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    urls: Urls
    login: str | None
    has_token: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What goes back."""

    status: int
    headers: dict[str, str]
    body: bytes


def answer(world: World, request: Request, entry: log.Entry) -> Reply:
    """Act on a request within one transaction and note what it was in its log entry."""
    path = _with_name(world, request.path)
    found = find_route(request.method, path)
    try:
        if found is None:
            raise not_found()
        result = _perform(world, request, entry, *found)
    except Refusal as refusal:
        entry.violation = refusal.violation
        result = refusal.answer()
    return _reply(world, request, result)


def _perform(world: World, request: Request, entry: log.Entry, route: Route, params: dict[str, str]) -> Answer:
    payload = _payload(request)
    with world.acting():
        user = _user(world, request)
        if route.template != "/rate_limit":
            world.limits.check(user["login"], content_write=route.content_write)
        call = Call(
            store=world.store,
            webhooks=world.webhooks,
            limits=world.limits,
            urls=request.urls,
            user=user,
            place=_place(world, request, user, route, params),
            path=request.path,
            params=params,
            query=dict(parse_qsl(request.query, keep_blank_values=True)),
            payload=payload,
            accept=request.headers.get("accept", ""),
        )
        result = route.handler(call)
    entry.content_write = route.content_write
    return result


def _payload(request: Request) -> Any:
    if not request.body:
        return None
    try:
        return json.loads(request.body)
    except ValueError as error:
        raise Refusal(400, "Problems parsing JSON") from error


def _user(world: World, request: Request) -> Row:
    user = user_by_login(world.store, request.login) if request.login else None
    if user is None:
        raise Refusal(401, "Bad credentials" if request.has_token else "Requires authentication")
    return user


def _place(world: World, request: Request, user: Row, route: Route, params: Mapping[str, str]) -> Place | None:
    if "owner" not in params:
        return None
    name = f"{params['owner']}/{params['repo']}"
    repo = world.find_repo(name)
    if repo is None:
        _follow_rename(world, request, user, name)
    permission = "none" if repo is None else permission_of(world.store, user, repo)
    if repo is None or permission == "none":
        raise not_found()
    if not at_least(permission, route.needs):
        message = "Must have admin rights to Repository." if route.denied == 403 else "Not Found"
        raise Refusal(route.denied, message)
    _check_grants(world, user, route)
    return world.place(repo)


def _with_name(world: World, path: str) -> str:
    """Return a path that names its repository by id with the name instead."""
    found = _BY_ID.fullmatch(path)
    if found is None:
        return path
    with world.store.transaction():
        repo = world.store.one("SELECT full_name FROM repositories WHERE id = ?", int(found["id"]))
    return path if repo is None else f"/repos/{repo['full_name']}{found['rest'] or ''}"


def _follow_rename(world: World, request: Request, user: Row, name: str) -> None:
    """Send who may read a renamed repository to where it is now."""
    repo = world.find_renamed(name)
    if repo is None or permission_of(world.store, user, repo) == "none":
        return
    rest = request.path[len(f"/repos/{name}") :]
    query = f"?{request.query}" if request.query else ""
    moved = f"{request.urls.api}/repositories/{repo['id']}{rest}{query}"
    reads = request.method in {"GET", "HEAD"}
    raise Refusal(
        301 if reads else 307,
        "Moved Permanently" if reads else "Temporary Redirect",
        headers={"location": moved},
    )


def _check_grants(world: World, user: Row, route: Route) -> None:
    """A token may be granted less than its owner."""
    if world.store.one("SELECT 1 FROM token_grants WHERE user_id = ?", user["id"]) is None:
        return
    needed = "read" if route.method == "GET" else "write"
    row = world.store.one("SELECT level FROM token_grants WHERE user_id = ? AND resource = ?", user["id"], route.grants)
    level = row["level"] if row is not None else "read" if route.grants == "metadata" else "none"
    if _GRANT_LEVELS.index(level) < _GRANT_LEVELS.index(needed):
        kind = "integration" if user["kind"] == "Bot" else "personal access token"
        accepted = {"x-accepted-github-permissions": f"{route.grants}={needed}"}
        raise Refusal(403, f"Resource not accessible by {kind}", headers=accepted)


def _reply(world: World, request: Request, result: Answer) -> Reply:
    headers = {
        "content-type": "application/json; charset=utf-8",
        "x-github-media-type": "github.v3; format=json",
        "x-github-api-version-selected": request.headers.get("x-github-api-version", "2022-11-28"),
        **result.headers,
    }
    body = _encoded(result)
    if result.raw is not None:
        headers["content-type"] = "application/vnd.github.raw; charset=utf-8"
    status = result.status
    if request.method in {"GET", "HEAD"} and status == 200:
        headers["etag"] = f'W/"{hashlib.sha256(body).hexdigest()}"'
        if _matches(request.headers.get("if-none-match"), headers["etag"]):
            status, body = 304, b""
    if request.login is not None:
        if status != 304 and request.path != "/rate_limit":
            world.limits.use(request.login)
        headers = {**world.limits.headers(request.login), **headers}
    return Reply(status=status, headers=headers, body=b"" if request.method == "HEAD" else body)


def _encoded(result: Answer) -> bytes:
    if result.raw is not None:
        return result.raw
    if result.body is None:
        return b""
    return json.dumps(result.body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _matches(asked: str | None, etag: str) -> bool:
    if asked is None:
        return False
    known = {tag.strip().removeprefix("W/") for tag in asked.split(",")}
    return "*" in known or etag.removeprefix("W/") in known
