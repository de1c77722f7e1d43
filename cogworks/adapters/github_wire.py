"""The one way to GitHub and back: PyGithub's requester, conditional reads, guarded writes, errors of our tree.

Nothing here repeats a request. A read that is cut off and a write whose answer is lost both raise GitHubTransient;
whether and when to ask again is the engine's to say.
"""

import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol
from urllib.parse import urlencode, urlsplit

from github import Auth, Github
from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass, Requester, RequestsResponse

from cogworks.adapters.github_errors import error_of, limits_of
from cogworks.model.errors import GitHubTransient, InvalidRequest, ParseFailure, RateLimited
from cogworks.model.github import Limits
from cogworks.model.json_value import JsonObject, JsonValue
from cogworks.ports.limits import RequestKind

PER_PAGE = 100
_TIMEOUT_S = 30
_API_VERSION = "2022-11-28"

Guard = Callable[[], None]
Verb = Literal["POST", "PATCH", "DELETE"]


class EtagStore(Protocol):
    """Remembers the last answer of each read, so that an unchanged one costs no quota (GH-43)."""

    def get(self, key: str) -> tuple[str, str] | None:
        """Return ``(etag, body)`` as last put under ``key``."""
        ...

    def put(self, key: str, etag: str, body: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Observers:
    """Who is told of each exchange: ``count`` of operation and status (0: no answer), ``limits_seen`` of limits.

    ``pace`` is asked before each request: it may wait, or raise RateLimited so that nothing is sent. ``refused`` is
    told of each refusal for a limit, and returns it with the time until it lifts.
    """

    count: Callable[[str, int], None]
    limits_seen: Callable[[Limits], None] | None = None
    pace: Callable[[RequestKind], None] | None = None
    refused: Callable[[RateLimited], RateLimited] | None = None


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    text: str


class _HandsRedirectsBack:
    """A moved repository must not receive a write under its new name unasked, and PyGithub would send it."""

    def getresponse(self) -> RequestsResponse:
        response: RequestsResponse = super().getresponse()  # type: ignore[misc]  # of the connection mixed in
        if response.status == 301:
            response.status = 308
        return response


class _Http(_HandsRedirectsBack, HTTPRequestsConnectionClass):
    pass


class _Https(_HandsRedirectsBack, HTTPSRequestsConnectionClass):
    pass


class _Connections(threading.local):
    """One kept-alive connection per thread and process: they are not safe to share."""

    pid = 0
    connection: _Http | _Https

    def of(self, base_url: str) -> _Http | _Https:
        if self.pid != os.getpid():
            place = urlsplit(base_url)
            kind = _Https if place.scheme == "https" else _Http
            self.connection = kind(place.hostname or "", place.port, timeout=_TIMEOUT_S, retry=None, pool_size=None)
            self.pid = os.getpid()
        return self.connection


class GitHubWire:
    """Sends one request as one token and returns the JSON of the answer, or raises a GitHub leaf."""

    def __init__(
        self,
        *,
        requester: Requester,
        base_url: str,
        etags: EtagStore,
        observers: Observers,
        guard: Guard | None = None,
    ) -> None:
        """Talk through ``requester``; every write first calls ``guard``."""
        self._requester, self._base_url, self._etags = requester, base_url, etags
        self._observers, self._guard = observers, guard
        self._connections = _Connections()

    def guarded_by(self, guard: Guard) -> "GitHubWire":
        """Return the same wire whose every write first calls ``guard``."""
        wire = GitHubWire(
            requester=self._requester,
            base_url=self._base_url,
            etags=self._etags,
            observers=self._observers,
            guard=guard,
        )
        wire._connections = self._connections
        return wire

    def read(self, operation: str, path: str, /, **query: str | int | None) -> JsonValue:
        """Return the JSON at ``path``: the cached one when GitHub says that nothing changed."""
        asked = {name: value for name, value in query.items() if value is not None}
        url = f"{path}?{urlencode(asked)}" if asked else path
        key = f"{self._base_url}{url}"
        cached = self._etags.get(key)
        answer = self._follow(operation, url, {"If-None-Match": cached[0]} if cached else {})
        if answer.status == 304 and cached:
            return _json(cached[1], operation=operation, target=path)
        body = self._checked(answer, operation=operation, target=path)
        etag = answer.headers.get("etag")
        if etag:
            self._etags.put(key, etag, answer.text)
        return body

    def read_all(self, operation: str, path: str, /, **query: str | int | None) -> list[JsonValue]:
        """Return every entry of a finite list, page by page to the end."""
        entries: list[JsonValue] = []
        page = 1
        # A 304 carries no Link header, so the end is known by a page that is not full.
        while True:
            body = self.read(operation, path, **query, per_page=PER_PAGE, page=page)
            if not isinstance(body, list):
                raise ParseFailure("answer is not a list", operation=operation, target=path)
            entries += body
            if len(body) < PER_PAGE:
                return entries
            page += 1

    def write(
        self, operation: str, verb: Verb, path: str, body: JsonObject | None = None, *, content: bool = False
    ) -> JsonValue:
        """Ask the guard, then send one change; ``content`` marks those that create something people see."""
        self._pace("content" if content else "write")
        if self._guard is not None:
            self._guard()
        answer = self._send(operation, verb, path, {}, body)
        if answer.status in (307, 308):
            raise InvalidRequest(f"the repository moved to {self._name_now(path)}", operation=operation, target=path)
        return self._checked(answer, operation=operation, target=path)

    def _follow(self, operation: str, url: str, headers: Mapping[str, str]) -> _Answer:
        self._pace("read")
        answer = self._send(operation, "GET", url, headers, None)
        location = answer.headers.get("location", "")
        if answer.status in (302, 307, 308) and self._is_ours(location):
            answer = self._send(operation, "GET", location, headers, None)
        return answer

    def _send(
        self, operation: str, verb: str, url: str, headers: Mapping[str, str], body: JsonObject | None
    ) -> _Answer:
        asked: dict[str, Any] = {"Accept": "application/vnd.github+json", **headers}
        try:
            status, answered, text = self._requester.requestJson(
                verb, url, headers=asked, input=body, cnx=self._connections.of(self._base_url)
            )
        except OSError as fault:
            # Resets, refusals and timeouts of requests are all OSError.
            self._observers.count(operation, 0)
            raise GitHubTransient(f"{operation} {_path(url)}: {type(fault).__name__}: {fault}") from fault
        self._observers.count(operation, status)
        self._tell_limits(answered)
        return _Answer(status, answered, text)

    def _checked(self, answer: _Answer, *, operation: str, target: str) -> JsonValue:
        if 200 <= answer.status < 300:
            return _json(answer.text, operation=operation, target=target)
        error = error_of(answer.status, answer.headers, _loose(answer.text), operation=operation, target=target)
        if isinstance(error, RateLimited) and self._observers.refused is not None:
            raise self._observers.refused(error)
        raise error

    def _pace(self, kind: RequestKind) -> None:
        if self._observers.pace is not None:
            self._observers.pace(kind)

    def _tell_limits(self, headers: Mapping[str, str]) -> None:
        seen = limits_of(headers)
        if seen is not None and self._observers.limits_seen is not None:
            self._observers.limits_seen(seen)

    def _is_ours(self, location: str) -> bool:
        return urlsplit(location).netloc in ("", urlsplit(self._base_url).netloc) and bool(location)

    def _name_now(self, path: str) -> str:
        _, owner, name = path.split("/")[1:4]
        body = self.read("contents.repo", f"/repos/{owner}/{name}")
        return str(body.get("full_name")) if isinstance(body, Mapping) else "another name"


def requester_for(*, token: str, base_url: str) -> Requester:
    """Return PyGithub's requester, with its own retries and pauses off: pacing is not the adapter's."""
    return Github(
        auth=Auth.Token(token),
        base_url=base_url,
        timeout=_TIMEOUT_S,
        user_agent="cogworks",
        per_page=PER_PAGE,
        retry=None,
        seconds_between_requests=None,
        seconds_between_writes=None,
        lazy=True,
        api_version=_API_VERSION,
    ).requester


def _json(text: str, *, operation: str, target: str) -> JsonValue:
    if not text:
        return None
    try:
        value: JsonValue = json.loads(text)
    except ValueError as fault:
        raise GitHubTransient(f"{operation} {target}: the answer was cut off: {fault}") from fault
    return value


def _loose(text: str) -> JsonValue:
    """A refusal may come from a proxy and be no JSON at all; its status says enough."""
    try:
        value: JsonValue = json.loads(text)
    except ValueError:
        return None
    return value


def _path(url: str) -> str:
    return urlsplit(url).path
