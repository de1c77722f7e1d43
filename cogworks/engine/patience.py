"""Try again what failed in passing: the only loop over GitHub's and a service's transient errors (GH-41, GH-44).

What is tried again is a whole step or a whole attempt, never a single request: both look up what exists before they
create anything, so a create whose answer was lost is found and not repeated.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from cogworks.model.errors import DependencyUnavailable, FailureCategory, RateLimited, Transient
from cogworks.policy.backoff import backoff_s
from cogworks.ports.runtime import Clock, Ids

T = TypeVar("T")

TRIES = 5
MAX_INLINE_WAIT_S = 60.0


def patiently(work: Callable[[], T], *, clock: Clock, ids: Ids, tries: int = TRIES) -> T:
    """Return what ``work`` returns, trying up to ``tries`` times; raise DependencyUnavailable when that is spent.

    A limit that lifts later than a minute from now is not waited for here: the run waits in its state (RUN-05).
    """
    for number in range(1, tries + 1):
        try:
            return work()
        except Transient as error:
            wait = _wait_s(error, number, clock=clock, ids=ids)
            if number == tries or wait > MAX_INLINE_WAIT_S:
                raise unavailable(error, retry_after_s=wait, now=clock.now()) from error
            clock.sleep(wait)
    raise AssertionError("unreachable: the loop returns or raises")


def unavailable(error: Transient, *, retry_after_s: float, now: datetime) -> DependencyUnavailable:
    """Return what a transient error becomes when nobody waits for it any longer; a limit is named with its end."""
    message, reason = error.message or type(error).__name__, "outage"
    if isinstance(error, RateLimited):
        until = now + timedelta(seconds=retry_after_s)
        message, reason = f"{message}; the {error.kind} limit lifts at {until:%Y-%m-%d %H:%M:%S} UTC", "rate_limit"
    return DependencyUnavailable(
        message,
        category=error.category or FailureCategory.GITHUB_ERROR,
        reason=reason,
        retry_after_s=max(retry_after_s, 1.0),
    )


def _wait_s(error: Transient, tries: int, *, clock: Clock, ids: Ids) -> float:
    asked = error.retry_after_s
    if isinstance(error, RateLimited) and asked is None:
        asked = _until(error.reset_at, clock) if error.reset_at else MAX_INLINE_WAIT_S
    return backoff_s(tries, jitter=ids.jitter(), retry_after_s=asked)


def _until(moment: datetime, clock: Clock) -> float:
    return max(0.0, (moment - clock.now()).total_seconds())
