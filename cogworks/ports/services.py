"""Domain services: separate processes that answer the Extension API."""

from dataclasses import dataclass
from typing import Literal, Protocol

from cogworks.extension_api.envelope import Request, Response


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAddress:
    """Where a registered service listens (60 section 1)."""

    name: str
    transport: Literal["unix", "http"]
    address: str
    token: str | None = None


class DomainService(Protocol):
    """One call is one HTTP exchange, checked against the published schema before it is returned.

    Raises ServiceTransient for codes of 60 section 5 that may pass, ServiceError for the others.
    """

    def call(
        self, service: ServiceAddress, request: Request, *, timeout_s: float, tests_expected: bool = False
    ) -> Response:
        """Return the checked response; with ``tests_expected`` a ``simulate`` that ran nothing fails (EXT-11)."""
        ...
