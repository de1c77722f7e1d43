"""One authenticated request on its way to a handler."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlencode

from cogworks.twins.github.bare import BareRepository
from cogworks.twins.github.limits import Limits
from cogworks.twins.github.people import BOT_LOGIN, at_least, permission_of
from cogworks.twins.github.store import Row, Store
from cogworks.twins.github.urls import Urls
from cogworks.twins.github.webhooks import Webhooks
from cogworks.twins.github.wire import Answer, JsonObject, Refusal, number_of, object_of

_PAGE_ITEMS = 30
_PAGE_ITEMS_MAX = 100


Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A repository: its row and its git side."""

    repo: Row
    git: BareRepository


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Who asks what of which repository; handlers take it and return an Answer."""

    store: Store
    webhooks: Webhooks
    limits: Limits
    urls: Urls
    user: Row
    place: Place | None
    path: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    payload: Any = None
    accept: str = ""

    @property
    def repo(self) -> Row:
        """The repository; only routes under a repository ask for it."""
        return self._place.repo

    @property
    def git(self) -> BareRepository:
        """The git side of the repository."""
        return self._place.git

    @property
    def _place(self) -> Place:
        if self.place is None:
            raise LookupError(f"{self.path} is not under a repository")
        return self.place

    @property
    def repo_url(self) -> str:
        """The REST address of the repository."""
        return self.urls.repo(self.repo["full_name"])

    @property
    def page_url(self) -> str:
        """The page of the repository."""
        return self.urls.page(self.repo["full_name"])

    @property
    def body(self) -> JsonObject:
        """The request body, which must be a JSON object."""
        return object_of(self.payload if self.payload is not None else {})

    @property
    def permission(self) -> str:
        """What the caller may do in the repository."""
        return permission_of(self.store, self.user, self.repo)

    @property
    def is_bot(self) -> bool:
        """Whether the caller is CogWorks' own identity."""
        return str(self.user["login"]) == BOT_LOGIN

    def may(self, needed: str) -> bool:
        """Say whether the caller has at least this permission."""
        return at_least(self.permission, needed)

    def number(self, name: str) -> int:
        """Return a number from the path."""
        return number_of(self.params[name])

    def people_only(self, operation: str) -> None:
        """Refuse CogWorks' own identity what only people may do."""
        if self.is_bot:
            raise Refusal(403, "Resource not accessible by integration", violation=operation)


def paged(call: Call, rows: Sequence[Item], shown: Callable[[Item], JsonObject]) -> Answer:
    """Return the asked page of a list with the `Link` header to the others."""
    per_page = min(_positive(call.query.get("per_page"), _PAGE_ITEMS), _PAGE_ITEMS_MAX)
    page = _positive(call.query.get("page"), 1)
    pages = max(1, -(-len(rows) // per_page))
    items = [shown(row) for row in rows[(page - 1) * per_page : page * per_page]]
    links = _links(call, page=page, pages=pages)
    return Answer(body=items, headers={"link": links} if links else {})


def _positive(text: str | None, default: int) -> int:
    if text is None or not text.isdecimal():
        return default
    return max(1, int(text))


def _links(call: Call, *, page: int, pages: int) -> str:
    targets: dict[str, int] = {}
    if page > 1:
        targets["prev"] = min(page - 1, pages)
    if page < pages:
        targets["next"] = page + 1
        targets["last"] = pages
    if page > 1:
        targets["first"] = 1
    return ", ".join(
        f'<{call.urls.api}{call.path}?{urlencode({**call.query, "page": number})}>; rel="{name}"'
        for name, number in targets.items()
    )
