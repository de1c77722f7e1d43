"""Rate limits as GitHub has them: an hourly quota per token, and a pace for creating content."""

import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field

from cogworks.twins.github.wire import JsonObject, Refusal

_MINUTE_SECONDS = 60
_HOUR_SECONDS = 3600


class LimitSettings(BaseModel):
    """What `POST /_twin/limits` sets; without `enabled` nothing is refused and the quota never shrinks."""

    model_config = ConfigDict(extra="forbid")

    enabled: bool = False
    primary_limit: int = Field(default=5000, ge=1)
    window_seconds: int = Field(default=_HOUR_SECONDS, ge=1)
    writes_per_minute: int = Field(default=80, ge=1)
    writes_per_hour: int = Field(default=500, ge=1)
    retry_after_seconds: int = Field(default=60, ge=0)
    remaining: int | None = Field(default=None, ge=0, description="what every token has left now")
    reset_in: int | None = Field(default=None, ge=0, description="seconds until every token's window ends")


@dataclass(slots=True, kw_only=True)
class _Window:
    """One token's use."""

    used: int = 0
    resets_at: float = 0.0
    writes: deque[float] = field(default_factory=deque)
    blocked_until: float = 0.0


class Limits:
    """Counts per login; asked before a request acts."""

    def __init__(self, settings: LimitSettings, *, now: Callable[[], float] = time.time) -> None:
        """Begin with fresh windows."""
        self.settings = settings
        self._now = now
        self._windows: dict[str, _Window] = {}

    def change(self, settings: LimitSettings) -> None:
        """Take other settings; `remaining` and `reset_in` set all windows of tokens seen or yet to come."""
        self.settings = settings
        self._windows.clear()

    def _window(self, login: str) -> _Window:
        settings, now = self.settings, self._now()
        window = self._windows.get(login)
        if window is None:
            used = 0 if settings.remaining is None else max(0, settings.primary_limit - settings.remaining)
            reset_in = settings.window_seconds if settings.reset_in is None else settings.reset_in
            window = self._windows[login] = _Window(used=used, resets_at=now + reset_in)
        if now >= window.resets_at:
            window.used, window.resets_at = 0, now + settings.window_seconds
        return window

    def headers(self, login: str, *, resource: str = "core") -> dict[str, str]:
        """Return the `x-ratelimit-*` headers of an answer to this login."""
        shown = self.report(login)
        names = ("limit", "remaining", "used", "reset")
        return {**{f"x-ratelimit-{name}": str(shown[name]) for name in names}, "x-ratelimit-resource": resource}

    def exhausted_headers(self, reset_in_seconds: int) -> dict[str, str]:
        """Return the headers of an answer to a token that has nothing left until then."""
        limit = str(self.settings.primary_limit)
        reset = str(math.ceil(self._now() + reset_in_seconds))
        shown = {"limit": limit, "remaining": "0", "used": limit, "reset": reset, "resource": "core"}
        return {f"x-ratelimit-{name}": value for name, value in shown.items()}

    def report(self, login: str) -> JsonObject:
        """Return limit, remaining, used and reset of a login."""
        window, limit = self._window(login), self.settings.primary_limit
        used = min(window.used, limit) if self.settings.enabled else 0
        return {"limit": limit, "remaining": limit - used, "used": used, "reset": math.ceil(window.resets_at)}

    def use(self, login: str) -> None:
        """Count one answered request; 304 is free."""
        self._window(login).used += 1

    def check(self, login: str, *, content_write: bool) -> None:
        """Refuse a request over a limit, in GitHub's words."""
        if not self.settings.enabled:
            return
        window, now = self._window(login), self._now()
        if window.used >= self.settings.primary_limit:
            raise primary_refusal(login)
        if now < window.blocked_until:
            raise secondary_refusal(math.ceil(window.blocked_until - now))
        if content_write:
            self._check_pace(window, now)

    def _check_pace(self, window: _Window, now: float) -> None:
        settings = self.settings
        while window.writes and window.writes[0] <= now - _HOUR_SECONDS:
            window.writes.popleft()
        last_minute = sum(1 for at in window.writes if at > now - _MINUTE_SECONDS)
        if last_minute >= settings.writes_per_minute or len(window.writes) >= settings.writes_per_hour:
            window.blocked_until = now + settings.retry_after_seconds
            raise secondary_refusal(settings.retry_after_seconds)
        window.writes.append(now)


def primary_refusal(login: str) -> Refusal:
    """Return the answer to a token without quota; the headers say when it has some again."""
    return Refusal(403, f"API rate limit exceeded for user {login}.")


def secondary_refusal(retry_after_seconds: int, *, headers: Mapping[str, str] | None = None) -> Refusal:
    """Return the answer to too many writes at a time."""
    message = (
        "You have exceeded a secondary rate limit and have been temporarily blocked from content creation. "
        "Please retry your request again later."
    )
    return Refusal(403, message, headers={"retry-after": str(retry_after_seconds), **(headers or {})})
