"""Turns at the model provider in Redis: one script to ask, one to tell what came of it."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Literal

from redis import Redis

from cogworks.adapters.redis_connection import PREFIX, RedisScripts
from cogworks.model.llm import RateLimits
from cogworks.ports.limits import Pressure, Standing, Turn

Event = Literal["answered", "limited", "failed", "left", "looked"]

# A waiter asks about every second; a process that is silent for ten times as long is dead.
_SILENT_WAITER_STAYS_MS = 10_000
# LLM-16: what is worth a warning, whatever a repository calls low.
_WORTH_A_WARNING = 0.2
_FINGERPRINT = 12


def key_id(secret: str) -> str:
    """Return what a credential is known by where it must not be seen."""
    return hashlib.sha256(secret.encode()).hexdigest()[:_FINGERPRINT]


class RedisPermits:
    """Implements Permits for one key of one provider."""

    def __init__(
        self,
        client: Redis,
        *,
        provider: str,
        api_key: str,
        now: Callable[[], datetime],
        warn: Callable[[str, Mapping[str, int | str]], None],
    ) -> None:
        """``now`` dates the moments that the provider names; ``warn`` is told of refusals and of little being left."""
        self._scripts = RedisScripts(client)
        self._keys = [f"{PREFIX}rate:{provider}:{key_id(api_key)}"]
        self._provider, self._now, self._warn = provider, now, warn

    def ask(self, ticket: str, *, low_water: float, needs: Mapping[str, int], probe_s: float) -> Turn:
        """Take a permit, or a place in the queue."""
        pairs: list[str | int] = [part for kind, need in needs.items() for part in (kind, need)]
        args = [ticket, repr(low_water), _SILENT_WAITER_STAYS_MS, _ms(probe_s), *pairs]
        wait_ms, *standing = self._scripts.run("permit_ask", self._keys, args)
        return Turn(wait_s=int(wait_ms) / 1000, standing=_standing(standing))

    def answered(self, ticket: str, limits: RateLimits) -> None:
        """Note what is left; the success of a probe lets the others go."""
        self._tell("answered", ticket, limits=limits)

    def limited(self, ticket: str, *, wait_s: float, limits: RateLimits) -> None:
        """Pause the whole key."""
        self._tell("limited", ticket, limits=limits, wait_s=wait_s)

    def failed(self, ticket: str) -> None:
        """Let the next call probe."""
        self._tell("failed", ticket)

    def leave(self, ticket: str) -> None:
        """Give up the place in the queue."""
        self._tell("left", ticket)

    def standing(self, *, low_water: float) -> Standing:
        """Return what is left."""
        return self._run("looked", "", low_water=low_water)[1]

    def _tell(self, event: Event, ticket: str, *, limits: RateLimits | None = None, wait_s: float = 0.0) -> None:
        changed, at = self._run(event, ticket, limits=limits, wait_s=wait_s, low_water=_WORTH_A_WARNING)
        if event == "limited" or (changed and at.pressure is Pressure.LOW):
            self._warn(_warning(event, at), _figures(self._provider, at))

    def _run(
        self, event: Event, ticket: str, *, limits: RateLimits | None = None, wait_s: float = 0.0, low_water: float
    ) -> tuple[bool, Standing]:
        args = [event, ticket, _ms(wait_s), repr(low_water), _SILENT_WAITER_STAYS_MS, *self._windows(limits)]
        changed, *standing = self._scripts.run("permit_tell", self._keys, args)
        return changed == "1", _standing(standing)

    def _windows(self, limits: RateLimits | None) -> list[str | int]:
        """Return the limits that an answer told in full, each with the time to its end by the clock of this process."""
        if limits is None:
            return []
        told = sorted(limits.remaining.keys() & limits.limit.keys() & limits.reset_at.keys())
        figures: list[str | int] = []
        for kind in told:
            ends = limits.reset_at[kind]
            left_ms = _ms((ends - self._now()).total_seconds())
            figures += [kind, limits.limit[kind], limits.remaining[kind], left_ms, _ms(ends.timestamp())]
        return figures


def _standing(parts: list[str]) -> Standing:
    pressure, kind, remaining, limit, reset_ms, paused_ms, queued = parts
    return Standing(
        pressure=Pressure(pressure),
        kind=kind,
        remaining=int(remaining),
        limit=int(limit),
        reset_s=int(reset_ms) / 1000,
        paused_s=int(paused_ms) / 1000,
        queued=int(queued),
    )


def _warning(event: Event, at: Standing) -> str:
    if event == "limited":
        return f"the model provider refused a call: nothing is sent for {at.paused_s:.0f} s"
    return f"little is left of the model provider's limit of {at.kind}: {at.remaining} of {at.limit}"


def _figures(provider: str, at: Standing) -> Mapping[str, int | str]:
    """Return the fields of a rate change (LLM-16)."""
    return {
        "provider": provider,
        "limit_kind": at.kind,
        "remaining": at.remaining,
        "limit": at.limit,
        "reset_s": round(at.reset_s),
        "delay_s": round(at.paused_s),
        "queued": at.queued,
        "state": at.pressure.value,
    }


def _ms(seconds: float) -> int:
    return max(0, round(seconds * 1000))
