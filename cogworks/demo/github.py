"""GitHub as the person of the demo sees it: read and merge over the REST API, with her own token."""

import base64
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

CONFIG_FILE = ".cogworks/config.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An issue that CogWorks works on."""

    repo: str
    number: int

    def __str__(self) -> str:
        """Return it as `cogworks` commands take it."""
        return f"{self.repo}#{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """A pull request."""

    number: int
    head: str
    base: str
    title: str
    url: str
    open: bool
    merged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """The two workflow labels that a repository may have renamed and that the demo has to know."""

    trigger: str = "cogworks:run"
    awaiting_review: str = "cogworks:awaiting-review"


@dataclass(slots=True)
class GitHub:
    """A client that asks twice only for what changed."""

    client: httpx.Client
    _seen: dict[str, tuple[str, tuple[Any, str | None]]] = field(default_factory=dict)

    @staticmethod
    def at(url: str, *, token: str) -> "GitHub":
        """Return a client of the GitHub at ``url``."""
        return GitHub(httpx.Client(base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=20.0))

    def issue_labels(self, item: Item) -> frozenset[str]:
        """Return the labels of an issue."""
        return frozenset(str(one["name"]) for one in self._get(f"/repos/{item.repo}/issues/{item.number}")["labels"])

    def comments(self, item: Item) -> list[dict[str, Any]]:
        """Return all comments on an issue, as GitHub tells them."""
        return list(self._pages(f"/repos/{item.repo}/issues/{item.number}/comments?per_page=100"))

    def pulls(self, repo: str) -> list[Pull]:
        """Return all pull requests of a repository, in any state."""
        return [_pull(one) for one in self._pages(f"/repos/{repo}/pulls?state=all&per_page=100")]

    def labels(self, repo: str) -> Labels:
        """Return the workflow labels of a repository; what its file does not say is as usual."""
        answer = self.client.get(f"/repos/{repo}/contents/{CONFIG_FILE}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return Labels()
        text = base64.b64decode(answer.raise_for_status().json()["content"]).decode("utf-8", "replace")
        try:
            named = tomllib.loads(text).get("labels", {})
        except tomllib.TOMLDecodeError:
            # CogWorks says what is wrong with it, on the issue.
            return Labels()
        usual = Labels()
        return Labels(
            trigger=str(named.get("trigger", usual.trigger)),
            awaiting_review=str(named.get("awaiting_review", usual.awaiting_review)),
        )

    def merge(self, repo: str, number: int) -> None:
        """Merge a pull request."""
        self.client.put(f"/repos/{repo}/pulls/{number}/merge", json={}).raise_for_status()

    def _get(self, path: str) -> Any:
        return self._ask(path)[0]

    def _pages(self, path: str) -> Iterator[dict[str, Any]]:
        following: str | None = path
        while following:
            page, following = self._ask(following)
            yield from page

    def _ask(self, path: str) -> tuple[Any, str | None]:
        known = self._seen.get(path)
        answer = self.client.get(path, headers={"if-none-match": known[0]} if known else {})
        if known and answer.status_code == httpx.codes.NOT_MODIFIED:
            return known[1]
        answer.raise_for_status()
        found = (answer.json(), answer.links.get("next", {}).get("url"))
        if etag := answer.headers.get("etag"):
            self._seen[path] = (etag, found)
        return found


def _pull(one: dict[str, Any]) -> Pull:
    return Pull(
        number=one["number"],
        head=one["head"]["ref"],
        base=one["base"]["ref"],
        title=one["title"],
        url=one["html_url"],
        open=one["state"] == "open",
        merged=one["merged_at"] is not None,
    )
