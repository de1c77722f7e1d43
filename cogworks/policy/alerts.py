"""Which cost alert is due (CST-02)."""

from cogworks.model.state import RunCost

LEVELS = (50, 75, 90)


def due_level(cost: RunCost) -> int:
    """Return the highest level that the run has passed, 0 for none; the larger of money and tokens counts."""
    used = max(cost.microusd * 100 // cost.limit_microusd, cost.tokens * 100 // cost.limit_tokens)
    return max((level for level in LEVELS if used >= level), default=0)
