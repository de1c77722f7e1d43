"""Turns at the model provider in memory, with the rules of those in Redis."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from cogworks.model.llm import RateLimits
from cogworks.ports.limits import Pressure, Standing, Turn
from cogworks.ports.runtime import Clock

_SILENT_WAITER_STAYS_S = 10.0
_SOON_S = 0.2


@dataclass(slots=True, kw_only=True)
class _Window:
    limit: int
    remaining: int
    ends_s: float
    name: float

    @property
    def share(self) -> float:
        return self.remaining / self.limit


@dataclass(slots=True, kw_only=True)
class _Spacing:
    """How calls are spaced now: seconds between two, and until when."""

    gap_s: float = 0.0
    low_ends_s: float = 0.0
    spent_ends_s: float = 0.0


class MemoryPermits:
    """Implements Permits; ``wipe`` loses everything, as a Redis started empty does."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.wipe()

    def wipe(self) -> None:
        """Lose everything."""
        self._windows: dict[str, _Window] = {}
        self._waiters: dict[str, tuple[int, float]] = {}
        self._places = 0
        self._paused_s = self._next_s = 0.0
        self._limited = False
        self._probe: tuple[str, float] | None = None

    def ask(self, ticket: str, *, low_water: float, needs: Mapping[str, int], probe_s: float) -> Turn:
        """Take a permit, or a place in the queue."""
        now = self._clock.monotonic()
        ahead = self._queue(ticket, now)
        spacing = self._spacing(low_water, needs, now)
        wait = self._wait(ticket, ahead, spacing, now)
        if wait <= 0:
            self._grant(ticket, spacing, probe_s, now)
        return Turn(wait_s=wait, standing=self._standing(low_water, now))

    def answered(self, ticket: str, limits: RateLimits) -> None:
        """Note what is left; the success of a probe lets the others go."""
        self._note(limits)
        if self._probe is not None and self._probe[0] == ticket:
            self._limited, self._probe, self._paused_s = False, None, 0.0

    def limited(self, ticket: str, *, wait_s: float, limits: RateLimits) -> None:
        """Pause the whole key."""
        self.leave(ticket)
        self._note(limits)
        self._limited, self._probe = True, None
        self._paused_s = max(self._paused_s, self._clock.monotonic() + wait_s)

    def failed(self, ticket: str) -> None:
        """Let the next call probe."""
        if self._probe is not None and self._probe[0] == ticket:
            self._probe = None

    def leave(self, ticket: str) -> None:
        """Give up the place in the queue."""
        self._waiters.pop(ticket, None)

    def standing(self, *, low_water: float) -> Standing:
        """Return what is left."""
        return self._standing(low_water, self._clock.monotonic())

    def _queue(self, ticket: str, now: float) -> int:
        """Keep or take the place of ``ticket``, forget silent waiters, and return how many are ahead."""
        if ticket not in self._waiters:
            self._places += 1
        place = self._waiters.get(ticket, (self._places, now))[0]
        self._waiters[ticket] = (place, now)
        self._waiters = {
            one: (at, seen) for one, (at, seen) in self._waiters.items() if seen + _SILENT_WAITER_STAYS_S > now
        }
        return sum(at < place for at, _ in self._waiters.values())

    def _spacing(self, low_water: float, needs: Mapping[str, int], now: float) -> _Spacing:
        spacing = _Spacing()
        for kind, window in self._live(now).items():
            if kind not in needs:
                continue
            if window.remaining == 0:
                spacing.spent_ends_s = max(spacing.spent_ends_s, window.ends_s)
            if window.share < low_water:
                calls = max(math.floor(window.remaining / max(needs[kind], 1)), 1)
                spacing.gap_s = max(spacing.gap_s, (window.ends_s - now) / calls)
                spacing.low_ends_s = max(spacing.low_ends_s, window.ends_s)
        return spacing

    def _wait(self, ticket: str, ahead: int, spacing: _Spacing, now: float) -> float:
        ready = max(self._paused_s, spacing.spent_ends_s, self._next_s if spacing.gap_s else 0.0)
        if ready > now:
            behind = min(ready - now + ahead * spacing.gap_s, max(spacing.low_ends_s, ready) - now)
            return max(ready - now, behind)
        if self._limited and self._probe is not None and self._probe[0] != ticket and self._probe[1] > now:
            return _SOON_S
        if ahead:
            return max(_SOON_S, min(ahead * spacing.gap_s, spacing.low_ends_s - now))
        return 0.0

    def _grant(self, ticket: str, spacing: _Spacing, probe_s: float, now: float) -> None:
        self._waiters.pop(ticket, None)
        if spacing.gap_s:
            self._next_s = now + spacing.gap_s
        if self._limited:
            self._probe = (ticket, now + probe_s)
        requests = self._live(now).get("requests")
        if requests is not None:
            requests.remaining = max(0, requests.remaining - 1)

    def _standing(self, low_water: float, now: float) -> Standing:
        kind, scarce = min(self._live(now).items(), key=lambda one: one[1].share, default=("", None))
        pressure = Pressure.LOW if scarce is not None and scarce.share < low_water else Pressure.OPEN
        if self._limited:
            pressure = Pressure.PAUSED if self._paused_s > now else Pressure.PROBING
        return Standing(
            pressure=pressure,
            kind=kind,
            remaining=0 if scarce is None else scarce.remaining,
            limit=0 if scarce is None else scarce.limit,
            reset_s=0.0 if scarce is None else scarce.ends_s - now,
            paused_s=max(0.0, self._paused_s - now),
            queued=sum(seen + _SILENT_WAITER_STAYS_S > now for _, seen in self._waiters.values()),
        )

    def _live(self, now: float) -> dict[str, _Window]:
        return {kind: one for kind, one in self._windows.items() if one.ends_s > now and one.limit > 0}

    def _note(self, limits: RateLimits) -> None:
        """Within a window the lower remaining wins; a later one replaces it, an earlier one is a late answer's."""
        now = self._clock.monotonic()
        for kind in limits.remaining.keys() & limits.limit.keys() & limits.reset_at.keys():
            ends = limits.reset_at[kind]
            seen = _Window(
                limit=limits.limit[kind],
                remaining=limits.remaining[kind],
                ends_s=now + (ends - self._clock.now()).total_seconds(),
                name=ends.timestamp(),
            )
            known = self._live(now).get(kind)
            if seen.ends_s <= now or (known is not None and known.name > seen.name):
                continue
            if known is not None and known.name == seen.name:
                seen.remaining = min(seen.remaining, known.remaining)
                seen.ends_s = max(seen.ends_s, known.ends_s)
            self._windows[kind] = seen
