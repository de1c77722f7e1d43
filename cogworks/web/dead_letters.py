"""`/api/v1/dlq`: what `cogworks dlq` shows, and its replay (70 section 12)."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cogworks.engine.patience import patiently
from cogworks.engine.replaying import Desk, Reply, Result, replay
from cogworks.model.dead_letter import LetterStatus, letter_as_value
from cogworks.model.errors import CogWorksError, ConfigError, DependencyUnavailable
from cogworks.telemetry.logs import say
from cogworks.telemetry.metrics import Count, Level
from cogworks.web.guard import may_change, may_see
from cogworks.web.office import Office

_TRIES = 2


def dead_letter_routes(office: Office) -> list[Route]:
    """Return the routes of dead letters."""
    door = _Door(office)
    return [
        Route("/api/v1/dlq", door.shown),
        Route("/api/v1/dlq/{key:path}/replay", door.replayed, methods=["POST"]),
    ]


def read_dead_letter_levels(office: Office) -> None:
    """Take the number of open letters of each node; one whose letters were all answered goes back to 0."""
    letters = office.reading.dead_letters
    counted: dict[str, int] = {}
    for one in letters.all() if letters is not None else ():
        node = one.node or "none"
        counted[node] = counted.get(node, 0) + (one.status is LetterStatus.OPEN)
    for node, number in counted.items():
        office.metrics.level(Level.DLQ_SIZE, number, node=node)


class _Door:
    def __init__(self, office: Office) -> None:
        self._office = office

    async def shown(self, request: Request) -> Response:
        if not may_see(self._office, request):
            return _error("unauthorized", "a token is needed", 401)
        return await run_in_threadpool(self._show, "all" in request.query_params)

    async def replayed(self, request: Request) -> Response:
        if not may_change(self._office, request):
            return _error("unauthorized", "a token is needed", 401)
        return await run_in_threadpool(self._replay, request.path_params["key"])

    def _show(self, everything: bool) -> Response:
        letters = self._desk().letters
        try:
            found = letters.all() if everything else letters.open()
        except DependencyUnavailable as error:
            return _error(error.category or error.code, error.message, 503)
        return JSONResponse({"letters": [letter_as_value(one) for one in found]})

    def _replay(self, key: str) -> Response:
        desk, ids = self._desk(), self._office.reading.ids
        try:
            reply = patiently(lambda: replay(desk, key), clock=desk.clock, ids=ids, tries=_TRIES)
        except ConfigError as error:
            return _error("letter_not_found", error.problems[0].message, 404)
        except DependencyUnavailable as error:
            return _error(error.category or error.code, error.message, 503)
        except CogWorksError as error:
            return _error(error.category or error.code, error.message, 502)
        self._office.metrics.count(Count.DLQ_REPLAYED, result=reply.result.value)
        say(f"{key}: {reply.result} {reply.reason}".rstrip(), action="dlq")
        return _told(reply)

    def _desk(self) -> Desk:
        seen = self._office.reading
        assert seen.dead_letters is not None, "serve needs Redis"
        return Desk(github=seen.github, letters=seen.dead_letters, queue=self._office.queue, clock=seen.clock)


def _told(reply: Reply) -> Response:
    body = {"key": reply.key, "result": reply.result.value, "reason": reply.reason}
    return JSONResponse(body, status_code=409 if reply.result is Result.REFUSED else 200)


def _error(code: str, message: str, status: int) -> Response:
    return JSONResponse({"errors": [{"code": code, "message": message}]}, status_code=status)
