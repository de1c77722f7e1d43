"""Which domain service an artifact goes to (SVC-10)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cogworks.model.errors import ConfigError, Problem
from cogworks.model.services import Route
from cogworks.policy.paths import any_matches


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a service said of itself: its domain, and the suffixes or whole names that it covers."""

    domain: str
    artifact_types: tuple[str, ...]

    def covers(self, path: str) -> bool:
        """Whether the whole name or the lower-case suffix of ``path`` is among the types."""
        name = path.rpartition("/")[2]
        return name in self.artifact_types or name.rpartition(".")[2].lower() in self.artifact_types


def service_for(path: str, *, routes: Sequence[Route], offers: Mapping[str, Offer]) -> str | None:
    """Return the name of the service for ``path``: the first route that matches, else the one that covers it.

    None when nobody covers it. Raises ConfigError naming both when two do and no route decides.
    """
    for route in routes:
        if any_matches(route.paths, path):
            return route.service
    covering = [name for name, offer in offers.items() if offer.covers(path)]
    if len(covering) > 1:
        problem = Problem(
            code="ambiguous_service",
            file="services.toml",
            field=path,
            message=f"{' and '.join(covering)} both cover it",
            allowed="one service, or a [[routes]] entry that decides",
        )
        raise ConfigError(problems=(problem,))
    return covering[0] if covering else None
