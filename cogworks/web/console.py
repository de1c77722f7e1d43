"""Pages for people: which runs there are, and one run. They show and link; they change nothing (CON-01)."""

from collections.abc import Callable, Mapping
from importlib.resources import files

from jinja2 import DictLoader, Environment, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from cogworks.engine.looking import look, unreconciled
from cogworks.engine.run_graph import graph_of_run
from cogworks.model.errors import CogWorksError, ConfigError, NotFound
from cogworks.model.money import dollars
from cogworks.pages.cost_report import cost_report, render_text
from cogworks.pages.run_page import run_text
from cogworks.web import views
from cogworks.web.guard import may_see
from cogworks.web.office import Office

_NAMES = ("frame.html", "runs.html", "run.html", "trouble.html")
# No script at all, and styles of our own only: text of an issue can do nothing here.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def console_routes(office: Office) -> list[Route]:
    """Return the routes of the console."""
    pages = _Pages(office)
    return [
        Route("/", pages.shown(pages.runs)),
        Route("/console/{owner}/{repo}/{number:int}", pages.shown(pages.run)),
    ]


class _Pages:
    def __init__(self, office: Office) -> None:
        self._office = office
        folder = files("cogworks.web") / "pages"
        texts = {name: (folder / name).read_text("utf-8") for name in _NAMES}
        self._templates = Environment(loader=DictLoader(texts), autoescape=True, undefined=StrictUndefined)
        self._templates.filters["dollars"] = dollars

    def shown(self, page: Callable[[Request], Response]) -> Callable[[Request], object]:
        """Return a handler that shows ``page`` to who may see it."""

        async def handle(request: Request) -> Response:
            if not may_see(self._office, request):
                return PlainTextResponse("unauthorized\n", status_code=401, headers={"www-authenticate": "Bearer"})
            return await run_in_threadpool(self._careful, page, request)

        return handle

    def runs(self, _request: Request) -> Response:
        """Every open run."""
        return self._page("runs.html", views.pipelines(self._office))

    def run(self, request: Request) -> Response:
        """One run: where it stands, and what it cost."""
        seen, item = self._office.reading, views.item_in(request.path_params)
        sight = look(seen.github, item)
        cost = ""
        if sight.state is not None:
            graph = graph_of_run(seen.github, sight.state, shipped=self._office.shipped)
            cost = render_text(cost_report(sight.state, graph, unreconciled=unreconciled(seen.ledger, sight.state)))
        standing = run_text(sight.state) if sight.state is not None else "no run was started yet"
        return self._page(
            "run.html", {"item": str(item), "title": sight.issue.title, "standing": standing, "cost": cost}
        )

    def _careful(self, page: Callable[[Request], Response], request: Request) -> Response:
        try:
            return page(request)
        except (NotFound, ConfigError):
            return self._page("trouble.html", {"message": "There is no such issue."}, status=404)
        except CogWorksError as error:
            return self._page("trouble.html", {"message": error.message}, status=503)

    def _page(self, name: str, values: Mapping[str, object], *, status: int = 200) -> Response:
        text = self._templates.get_template(name).render(values)
        headers = {"content-security-policy": _POLICY, "x-content-type-options": "nosniff"}
        return HTMLResponse(text, status_code=status, headers=headers)
