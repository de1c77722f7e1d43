"""Which cost alert is due (CST-02)."""

from cogworks.model.state import RunCost

LEVELS = (50, 75, 90)


def due_levels(cost: RunCost) -> tuple[int, ...]:
    """Return the levels that the run has passed and nobody was told of; the larger of money and tokens counts.

    What may have been spent counts like what was (RUN-17).
    """
    microusd = cost.microusd + cost.unreconciled.microusd
    tokens = cost.tokens + cost.unreconciled.tokens
    used = max(microusd * 100 // cost.limit_microusd, tokens * 100 // cost.limit_tokens)
    return tuple(level for level in LEVELS if cost.alerted < level <= used)
