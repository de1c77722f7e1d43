"""Money as people read it."""


def dollars(microusd: int) -> str:
    """Return micro-dollars as ``$1.23``, rounded half up."""
    cents = (2 * microusd + 10_000) // 20_000
    return f"${cents // 100:,}.{cents % 100:02}"
