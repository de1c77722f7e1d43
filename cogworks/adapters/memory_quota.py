"""What GitHub still takes from our token, in memory, with the rules of the one in Redis."""

from cogworks.model.config import GitHubRules
from cogworks.model.errors import RateLimited
from cogworks.model.github import Limits
from cogworks.model.ids import RepoName
from cogworks.ports.limits import RequestKind
from cogworks.ports.runtime import Clock

_BURST = 40
_LONGEST_READ_PAUSE_S = 60.0
_LONGEST_WRITE_PAUSE_S = 5.0
_CAREFUL_S = 600.0
_SPANS = ((61.0, 0), (3601.0, 1))


class MemoryQuota:
    """Implements Quota, and paces whatever asks; ``wipe`` loses everything, as a Redis started empty does."""

    def __init__(self, clock: Clock, *, writes_per_minute: int = 80, writes_per_hour: int = 500) -> None:
        self._clock = clock
        self._pace = (writes_per_minute, writes_per_hour)
        self.wipe()

    def wipe(self) -> None:
        """Lose everything."""
        self._blocked_s = self._held_s = self._careful_s = 0.0
        self._read_s = self._write_s = self._bucket_s = 0.0
        self._by, self._hits = "", 0
        self._window: tuple[Limits, float] | None = None
        self._floors: dict[RepoName, int] = {}
        self._writes: list[float] = []

    def rests_s(self) -> float:
        """Return how long no run can go on; 0 when GitHub takes requests and our pace lets writes through."""
        return max(self._refused_s(), self._held_s - self._clock.monotonic())

    def admits(self) -> str:
        """Return why nothing new may begin, or an empty text."""
        if self.rests_s():
            return f"GitHub's rate limit: nothing gets through for {self.rests_s():.0f} s"
        window = self._live()
        if window is not None and window[0].remaining < self._floor():
            left, ends_s = window[0], window[1] - self._clock.monotonic()
            text = f"{left.remaining} of {left.limit} requests are left for {ends_s:.0f} s, {self._floor()} are spared"
            return f"GitHub's rate limit: {text}"
        return ""

    def keep_floor(self, repo: RepoName, floor: int) -> None:
        """Note from how many requests on ``repo`` wants them spared."""
        self._floors[repo] = floor

    def pace(self, kind: RequestKind) -> None:
        """Let a request pass, after a pause where the pace wants one; raise RateLimited when nothing may be sent."""
        if self._refused_s():
            raise _refusal("secondary" if self._by == "secondary" else "primary", self._refused_s())
        wait = self._pause_of_read() if kind == "read" else self._pause_of_write(kind)
        if wait:
            self._clock.sleep(wait)

    def seen(self, limits: Limits) -> None:
        """Note what an answer told of the primary limit."""
        ends = self._clock.monotonic() + (limits.reset_at - self._clock.now()).total_seconds()
        known = self._live()
        if known is not None and known[0].reset_at > limits.reset_at:
            return
        if known is not None and known[0].reset_at == limits.reset_at and known[0].remaining < limits.remaining:
            return
        self._window = (limits, ends)

    def refused(self, error: RateLimited) -> RateLimited:
        """Note a refusal; return it with the time until it lifts."""
        now = self._clock.monotonic()
        again = self._hits if self._careful_s > now else 0
        wait = error.retry_after_s
        if wait is None:
            reset = error.reset_at
            wait = min(60.0 * 2**again, 3600.0) if reset is None else (reset - self._clock.now()).total_seconds()
        self._blocked_s, self._by = max(self._blocked_s, now + wait), error.kind
        if error.kind == "secondary":
            self._careful_s, self._hits = self._blocked_s + _CAREFUL_S, again + 1
        return RateLimited(error.message, kind=error.kind, reset_at=error.reset_at, retry_after_s=self._blocked_s - now)

    def _refused_s(self) -> float:
        """Return how long GitHub refuses everything."""
        now, window = self._clock.monotonic(), self._live()
        spent = window[1] if window is not None and window[0].remaining == 0 else now
        return max(0.0, self._blocked_s - now, spent - now)

    def _live(self) -> tuple[Limits, float] | None:
        return self._window if self._window is not None and self._window[1] > self._clock.monotonic() else None

    def _floor(self) -> int:
        return max(self._floors.values(), default=GitHubRules().rate_limit_floor)

    def _pause_of_read(self) -> float:
        now, window = self._clock.monotonic(), self._live()
        if window is None or window[0].remaining >= self._floor():
            return 0.0
        gap = (window[1] - now) / window[0].remaining
        if gap > _LONGEST_READ_PAUSE_S:
            raise _refusal("primary", window[1] - now)
        slot = max(now, self._read_s)
        if slot - now > _LONGEST_READ_PAUSE_S:
            raise _refusal("reads", slot - now)
        self._read_s = slot + gap
        return slot - now

    def _pause_of_write(self, kind: RequestKind) -> float:
        now = self._clock.monotonic()
        slot = max(now, self._write_s + 1.0) if self._careful_s > now else now
        if kind == "content":
            slot = self._content_slot(slot)
        if slot - now > _LONGEST_WRITE_PAUSE_S:
            self._held_s = slot
            raise _refusal("writes", slot - now)
        self._write_s = slot
        if kind == "content":
            self._bucket_s = max(self._bucket_s, slot) + (60.0 / self._pace[0] if self._pace[0] else 0.0)
            self._writes.append(slot)
        return slot - now

    def _content_slot(self, slot: float) -> float:
        per_minute = self._pace[0]
        if per_minute:
            slot = max(slot, self._bucket_s - (min(_BURST, per_minute) - 1) * 60.0 / per_minute)
        for span_s, which in _SPANS:
            most = self._pace[which]
            if most and len(self._writes) >= most:
                slot = max(slot, self._writes[-most] + span_s)
        return max([slot, *self._writes[-1:]])


def _refusal(kind: str, wait_s: float) -> RateLimited:
    text = f"not sent to GitHub: the limit of kind {kind} lets nothing through for {wait_s:.0f} s"
    return RateLimited(text, kind=kind, retry_after_s=wait_s)
