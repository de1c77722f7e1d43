"""A person's hands on GitHub, and a look at the twins' books: plain REST over loopback."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

Json = Any
"""What a server answered; read by key where it is used."""

_TIMEOUT_S = 30.0
_PER_PAGE = 100


class RestError(Exception):
    """A server refused or was not there; the message says what was asked and what it answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """One server as one person sees it; without a token, as nobody."""

    url: str
    token: str | None = None

    def get(self, path: str) -> Json:
        """Return the decoded answer to GET ``path``."""
        return self._ask("GET", path, None)

    def put(self, path: str, body: Mapping[str, object]) -> Json:
        """Return the decoded answer to PUT ``path``."""
        return self._ask("PUT", path, body)

    def every(self, path: str) -> Iterator[Json]:
        """Yield the elements of a list, page after page."""
        joint, page = "&" if "?" in path else "?", 1
        while True:
            elements = self.get(f"{path}{joint}per_page={_PER_PAGE}&page={page}")
            yield from elements
            if len(elements) < _PER_PAGE:
                return
            page += 1

    def answers(self, path: str) -> bool:
        """Tell whether GET ``path`` is answered without an error, whatever the answer holds."""
        try:
            return httpx.get(self.url + path, timeout=_TIMEOUT_S, trust_env=False).is_success
        except httpx.HTTPError:
            return False

    def _ask(self, method: str, path: str, body: Mapping[str, object] | None) -> Json:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        try:
            answer = httpx.request(
                method, self.url + path, headers=headers, json=body, timeout=_TIMEOUT_S, trust_env=False
            )
        except httpx.HTTPError as error:
            raise RestError(f"{method} {path}: {error}") from error
        if answer.is_error:
            raise RestError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json() if answer.content else None
