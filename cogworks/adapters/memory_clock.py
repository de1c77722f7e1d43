"""Time and identifiers that a test holds in its hand."""

from datetime import UTC, datetime, timedelta


class VirtualClock:
    """Implements Clock: time moves only by ``sleep`` and ``advance``, at once."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start = start
        self._passed_s = 0.0

    def now(self) -> datetime:
        """Return the start plus what has passed."""
        return self._start + timedelta(seconds=self._passed_s)

    def monotonic(self) -> float:
        """Return the seconds passed since the start."""
        return self._passed_s

    def sleep(self, seconds: float) -> None:
        """Let time pass without waiting."""
        self.advance(max(0.0, seconds))

    def advance(self, seconds: float) -> None:
        """Move time forward."""
        self._passed_s += seconds


class CountingIds:
    """Implements Ids: identifiers count up, jitter is always 1."""

    def __init__(self) -> None:
        self._count = 0

    def uuid(self) -> str:
        """Return the next identifier, in the shape of a UUID."""
        self._count += 1
        return f"00000000-0000-4000-8000-{self._count:012d}"

    def jitter(self) -> float:
        """Return 1."""
        return 1.0
