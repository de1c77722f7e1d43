"""Keeps one lease alive from a thread, and tells its owner at once when it is lost."""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Literal, Self

from cogworks.model.errors import Cancelled, DependencyUnavailable, StaleFence

Renewal = Literal["go", "cancel", "stale"]


class LeaseKeeper:
    """Context manager that renews a lease every quarter of its length until the block ends.

    After ``limit_s`` seconds it renews no more, so that work that hangs does not keep its lease for ever.
    """

    def __init__(
        self, renew: Callable[[], Renewal], *, lease_s: float, what: str, limit_s: float | None = None
    ) -> None:
        self._renew = renew
        self._lease_s = lease_s
        self._what = what
        self._answer: Renewal = "go"
        self._sure_until = time.monotonic() + lease_s
        self._until = None if limit_s is None else time.monotonic() + limit_s
        self._ended = threading.Event()
        self._one_at_a_time = threading.Lock()
        self._thread = threading.Thread(target=self._keep_on, name=f"keep {what}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def guard(self) -> None:
        """Ask Redis whether the lease is still ours; raise StaleFence when not, Cancelled when the run was stopped.

        While Redis is away the lease counts as ours until it would have ended.
        """
        if self._time_is_up():
            raise StaleFence(f"{self._what}: its time is up, somebody else may take it")
        self._try_renewal()
        if self._answer == "cancel":
            raise Cancelled(f"{self._what}: the run was stopped")
        if self._answer == "stale":
            raise StaleFence(f"{self._what}: somebody else took over")
        if time.monotonic() > self._sure_until:
            raise StaleFence(f"{self._what}: the lease could not be renewed in time")

    def _keep_on(self) -> None:
        while not self._ended.wait(self._lease_s / 4) and self._answer != "stale" and not self._time_is_up():
            self._try_renewal()

    def _time_is_up(self) -> bool:
        return self._until is not None and time.monotonic() >= self._until

    def _try_renewal(self) -> None:
        with self._one_at_a_time:
            asked_at = time.monotonic()
            try:
                answer = self._renew()
            except DependencyUnavailable:
                return  # the next renewal may reach it; until then `_sure_until` decides
            if self._answer != "stale":
                self._answer = answer
            self._sure_until = asked_at + self._lease_s
