"""Domain services as the operator registered them (60 section 1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One registered service; ``address`` is a socket path or a URL, ``token_variable`` where its token is."""

    name: str
    transport: Literal["unix", "http"]
    address: str
    timeouts_ms: Mapping[str, int]
    token_variable: str | None = None

    def timeout_s(self, method: str) -> float:
        """Return how long a call of ``method`` may take."""
        return self.timeouts_ms[method] / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Artifacts that match one of ``paths`` go to ``service``."""

    paths: tuple[str, ...]
    service: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """All of ``services.toml``; ``warnings`` are sentences for the log of every start."""

    services: tuple[Service, ...] = ()
    routes: tuple[Route, ...] = ()
    warnings: tuple[str, ...] = ()
