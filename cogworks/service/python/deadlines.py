"""How long a call may take, and whether anybody still waits for it."""

import threading
import time
from dataclasses import dataclass, field

from cogworks.extension_api.diagnostics import ErrorCode
from cogworks.service.python.faults import ServiceFault

_RESERVE_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """The end of one call on the monotonic clock, and the event that ends it sooner."""

    ends_at: float
    cancelled: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def after_ms(cls, milliseconds: int, *, cancelled: threading.Event | None = None) -> "Deadline":
        """The deadline that many milliseconds from now."""
        return cls(ends_at=time.monotonic() + milliseconds / 1000, cancelled=cancelled or threading.Event())

    @property
    def remaining_seconds(self) -> float:
        """What is left; never negative."""
        return max(0.0, self.ends_at - time.monotonic())

    @property
    def over(self) -> bool:
        """Whether the time is up or nobody waits any more."""
        return self.cancelled.is_set() or self.remaining_seconds == 0.0

    def check(self) -> None:
        """Raise the fault `timeout` (or `internal_error` after a cancel) when the call is over."""
        if self.cancelled.is_set():
            raise ServiceFault(ErrorCode.INTERNAL_ERROR, "the call was cancelled")
        if self.over:
            raise ServiceFault(ErrorCode.TIMEOUT, "the deadline of the call passed")

    def for_tests(self) -> "Deadline":
        """The earlier deadline of a test run, so that its report still arrives in time."""
        left = self.remaining_seconds
        reserve = _RESERVE_SECONDS if left > 2 * _RESERVE_SECONDS else left / 4
        return Deadline(ends_at=self.ends_at - reserve, cancelled=self.cancelled)
