"""Addresses in bodies, all built from the base that the caller used."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Urls:
    """`api` is the REST base as called, `web` the address of pages and git."""

    api: str
    web: str

    def user(self, login: str) -> str:
        """Return the address of an account."""
        return f"{self.api}/users/{login}"

    def repo(self, full_name: str) -> str:
        """Return the address of a repository."""
        return f"{self.api}/repos/{full_name}"

    def page(self, full_name: str) -> str:
        """Return the page of a repository."""
        return f"{self.web}/{full_name}"
