"""Questions to the twins over HTTP, as any client would ask them."""

from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True, slots=True, kw_only=True)
class Forge:
    """GitHub, read with a person's token."""

    url: str
    token: str
    client: httpx.Client

    @staticmethod
    def at(url: str, *, token: str) -> "Forge":
        """Return a reader of the GitHub at ``url``."""
        client = httpx.Client(base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=20.0)
        return Forge(url=url, token=token, client=client)

    def one(self, path: str) -> Any:
        """Return one answer."""
        return self.client.get(path).raise_for_status().json()

    def all(self, path: str) -> list[dict[str, Any]]:
        """Return a list with all its pages."""
        found: list[dict[str, Any]] = []
        following: str | None = f"{path}{'&' if '?' in path else '?'}per_page=100"
        while following:
            answer = self.client.get(following).raise_for_status()
            found += answer.json()
            following = answer.links.get("next", {}).get("url")
        return found

    def file(self, repo: str, path: str) -> str | None:
        """Return a text file of the default branch; None when it does not exist."""
        headers = {"accept": "application/vnd.github.raw+json"}
        answer = self.client.get(f"/repos/{repo}/contents/{path}", headers=headers)
        return None if answer.status_code == httpx.codes.NOT_FOUND else answer.raise_for_status().text

    def twin(self, name: str) -> Any:
        """Return what the twin tells of itself."""
        return self.one(f"/_twin/{name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """The model twin's own account of what it delivered."""

    url: str

    def counts(self) -> dict[str, Any]:
        """Return its sums."""
        return dict(httpx.get(f"{self.url}/_twin/counts", timeout=20.0).raise_for_status().json())

    def calls(self) -> list[dict[str, Any]]:
        """Return every call that reached it, in order."""
        log = httpx.get(f"{self.url}/_twin/log", timeout=20.0).raise_for_status().json()["requests"]
        return [dict(one) for one in log if one["path"] == "/v1/messages"]
