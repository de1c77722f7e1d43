"""Rate limits: four allowances a minute, shown in headers, generous until a harness sets them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from cogworks.twins.anthropic.prices import Usage
from cogworks.twins.anthropic.store import Store
from cogworks.twins.anthropic.wire import ApiError

WINDOW = timedelta(minutes=1)
_DEFAULT_SIZES = {
    "requests": 50_000,
    "tokens": 250_000_000,
    "input-tokens": 200_000_000,
    "output-tokens": 50_000_000,
}
_Amount = Annotated[int, Field(ge=0)]


class LimitSetting(BaseModel):
    """One allowance: its size, what is left of it and the seconds until it is full again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: _Amount
    remaining: _Amount | None = None
    reset_in: _Amount = 60


class LimitSettings(BaseModel):
    """The allowances that a harness sets; those that are absent stay as they are."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    requests: LimitSetting | None = None
    tokens: LimitSetting | None = None
    input_tokens: LimitSetting | None = None
    output_tokens: LimitSetting | None = None


class Limits:
    """The allowances of the one account that the twin has."""

    def __init__(self, store: Store, *, now: Callable[[], datetime]) -> None:
        """Keep the state in `store`."""
        self._store = store
        self._now = now

    def put(self, settings: LimitSettings) -> None:
        """Set allowances."""
        for field, setting in settings:
            if setting is None:
                continue
            self._store.set_limit(
                field.replace("_", "-"),
                size=setting.limit,
                remaining=setting.limit if setting.remaining is None else setting.remaining,
                resets_at=self._now().timestamp() + setting.reset_in,
            )

    def check(self) -> None:
        """Refuse a request when an allowance is used up."""
        for name in _DEFAULT_SIZES:
            _, remaining, resets_at = self._state(name)
            if remaining <= 0:
                wait_seconds = max(1, -int(-(resets_at - self._now().timestamp()) // 1))
                raise ApiError(
                    429,
                    f"This request would exceed your organization's rate limit ({name} per minute).",
                    retry_after_seconds=wait_seconds,
                )

    def take(self, usage: Usage) -> None:
        """Use up what one answered request costs."""
        taken = {
            "requests": 1,
            "tokens": usage.prompt + usage.output,
            "input-tokens": usage.prompt,
            "output-tokens": usage.output,
        }
        for name, amount in taken.items():
            size, remaining, resets_at = self._state(name)
            self._store.set_limit(name, size=size, remaining=max(0, remaining - amount), resets_at=resets_at)

    def headers(self) -> dict[str, str]:
        """Return the limit headers as they stand."""
        shown: dict[str, str] = {}
        for name in _DEFAULT_SIZES:
            size, remaining, resets_at = self._state(name)
            shown |= limit_headers(name, size=size, remaining=remaining, resets_at=resets_at)
        return shown

    def _state(self, name: str) -> tuple[int, int, float]:
        now = self._now().timestamp()
        size, remaining, resets_at = self._store.limit(name) or (_DEFAULT_SIZES[name], _DEFAULT_SIZES[name], 0.0)
        if resets_at > now:
            return size, remaining, resets_at
        return size, size, now + WINDOW.total_seconds()


def limit_headers(name: str, *, size: int, remaining: int, resets_at: float) -> dict[str, str]:
    """Return the three headers of one allowance; the reset is RFC 3339 in whole seconds, never too early."""
    reset = datetime.fromtimestamp(-(-resets_at // 1), tz=UTC)
    prefix = f"anthropic-ratelimit-{name}"
    return {
        f"{prefix}-limit": str(size),
        f"{prefix}-remaining": str(remaining),
        f"{prefix}-reset": reset.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
