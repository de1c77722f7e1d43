"""Throttling: when to look for work and when to begin something new, as the limits of others allow (20 section 11)."""

from cogworks.engine.house import House
from cogworks.model.config import LlmRateLimit
from cogworks.model.ids import RepoName
from cogworks.ports.bundle import Ports
from cogworks.ports.limits import Pressure

_PASSED_OVER = "passed-over"
_TIGHT = frozenset({Pressure.LOW, Pressure.PAUSED})


def nothing_new(ports: Ports) -> str:
    """Return why no run may begin now, or an empty text; what runs already goes on (20 section 11)."""
    github = ports.quota.admits()
    if github:
        return github
    model = ports.permits.standing(low_water=LlmRateLimit().low_water_fraction)
    if model.pressure not in _TIGHT:
        return ""
    if model.pressure is Pressure.PAUSED:
        return f"the model provider's rate limit: nothing is sent for {model.paused_s:.0f} s"
    return f"the model provider's rate limit: {model.remaining} of {model.limit} {model.kind} are left"


def may_poll(house: House, repo: RepoName) -> bool:
    """Tell whether to ask GitHub for news: not while nothing gets through, every second time while little is left."""
    quota, projection = house.ports.quota, house.ports.projection
    if quota.rests_s():
        return False
    if not quota.admits():
        return True
    pass_over = projection.cursor(repo, _PASSED_OVER) != "yes"
    projection.move_cursor(repo, _PASSED_OVER, "yes" if pass_over else "no")
    return not pass_over
