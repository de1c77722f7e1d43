"""Time and identifiers of this process."""

import random
import time
import uuid
from datetime import UTC, datetime


class SystemClock:
    """Implements Clock."""

    def now(self) -> datetime:
        """Return the wall-clock time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that only grow, for measuring."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait; a negative time is none."""
        time.sleep(max(0.0, seconds))


class RandomIds:
    """Implements Ids."""

    def uuid(self) -> str:
        """Return a fresh random identifier."""
        return str(uuid.uuid4())

    def jitter(self) -> float:
        """Return a factor between 0.5 and 1.5."""
        return random.uniform(0.5, 1.5)  # noqa: S311 - spreads retries, guards nothing
