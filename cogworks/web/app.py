"""Every path of the web and what answers it (70 section 12)."""

from collections import Counter
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from cogworks.model.errors import CogWorksError, ConfigError, DependencyUnavailable, NotFound
from cogworks.model.ids import Item
from cogworks.model.json_value import JsonValue
from cogworks.telemetry.metrics import CONTENT_TYPE, Level
from cogworks.web import views
from cogworks.web.console import console_routes
from cogworks.web.dead_letters import dead_letter_routes, read_dead_letter_levels
from cogworks.web.gauges import read_levels
from cogworks.web.guard import may_see
from cogworks.web.office import Office
from cogworks.web.readiness import OK, readiness
from cogworks.web.webhooks import Mailbox

View = Callable[[Office, Item], JsonValue]
_ITEM = "/api/v1/pipelines/{owner}/{repo}/{number:int}"


def build_app(office: Office, *, webhooks: bool, console: bool) -> Starlette:
    """Return the application."""
    door = _Door(office)
    routes = [
        Route("/healthz", _alive),
        Route("/readyz", door.ready),
        Route("/metrics", door.metrics),
        Route("/api/v1/pipelines", door.pipelines),
        Route(_ITEM, door.of_item(views.one_pipeline)),
        Route(f"{_ITEM}/graph", door.of_item(views.drawn)),
        Route(f"{_ITEM}/cost", door.of_item(views.cost)),
        *dead_letter_routes(office),
    ]
    if webhooks:
        routes.append(Route("/webhooks/github", Mailbox(office).take, methods=["POST"]))
    if console:
        routes += console_routes(office)
    return Starlette(routes=routes)


async def _alive(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


class _Door:
    """Handlers that look something up; the looking is done in a thread, for it waits for others."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def ready(self, _request: Request) -> Response:
        found = await run_in_threadpool(readiness, self._office)
        fit = all(reason == OK for reason in found.values())
        return JSONResponse(found, status_code=200 if fit else 503)

    async def metrics(self, _request: Request) -> Response:
        await run_in_threadpool(self._read_levels)
        return Response(self._office.metrics.text(), media_type=CONTENT_TYPE)

    async def pipelines(self, request: Request) -> Response:
        if not may_see(self._office, request):
            return _refused()
        return await run_in_threadpool(_answered, lambda: views.pipelines(self._office))

    def of_item(self, view: View) -> Callable[[Request], "object"]:
        """Return a handler that shows ``view`` of the item in the address."""

        async def handle(request: Request) -> Response:
            if not may_see(self._office, request):
                return _refused()
            return await run_in_threadpool(_answered, lambda: view(self._office, views.item_in(request.path_params)))

        return handle

    def _read_levels(self) -> None:
        projection = self._office.reading.projection
        try:
            known = projection.known() if projection is not None else ()
            read_dead_letter_levels(self._office)
        except DependencyUnavailable:
            return
        for repo, runs in Counter(item.repo for item in known).items():
            self._office.metrics.level(Level.PIPELINES_ACTIVE, runs, repo=repo)
        read_levels(self._office)


def _refused() -> Response:
    return JSONResponse({"error": "unauthorized"}, status_code=401, headers={"www-authenticate": "Bearer"})


def _answered(show: Callable[[], JsonValue]) -> Response:
    try:
        return JSONResponse(show())
    except (NotFound, ConfigError):
        return _error("issue_not_found", "there is no such issue, or the token may not see it", 404)
    except DependencyUnavailable as error:
        return _error(error.category or error.code, error.message, 503)
    except CogWorksError as error:
        return _error(error.category or error.code, error.message, 502)


def _error(code: str, message: str, status: int) -> Response:
    return JSONResponse({"errors": [{"code": code, "message": message}]}, status_code=status)
