"""How long to wait before the next try (20 section 7)."""

CAP_S = 60.0
BASE_S = 0.5


def backoff_s(
    tries: int, *, jitter: float, retry_after_s: float | None = None, base_s: float = BASE_S, cap_s: float = CAP_S
) -> float:
    """Return seconds to wait after ``tries`` failed tries; a longer ``retry_after_s`` of the other side wins.

    ``jitter`` is a factor between 0.5 and 1.5 that the caller draws.
    """
    wait: float = min(cap_s, base_s * 2 ** (tries - 1)) * jitter
    return max(wait, retry_after_s or 0.0)
