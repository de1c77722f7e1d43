"""Free a run that somebody holds: what has lapsed at once, what is fresh only by force (RB-04)."""

from dataclasses import dataclass

from cogworks.model.ids import Item
from cogworks.ports.runtime import Holding, Leases, Projection


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlocked:
    """Which leases were ended, and which were left because their holders live."""

    removed: tuple[Holding, ...]
    kept: tuple[Holding, ...]


def unlock(leases: Leases, projection: Projection, item: Item, *, force: bool) -> Unlocked:
    """End the lapsed leases of ``item``; while one is fresh, nothing is ended unless ``force`` says so.

    Whoever still works under an ended lease writes nothing more: its fence is stale. The next step may dispatch the
    attempt at once.
    """
    found = leases.holdings(item)
    fresh = tuple(one for one in found if one.left_s > 0)
    if fresh and not force:
        return Unlocked(removed=(), kept=fresh)
    if found:
        leases.unlock(item, force=force)
        projection.note(item, {f"sent:{one.what}": "" for one in found if one.what != "step"})
    return Unlocked(removed=found, kept=())
