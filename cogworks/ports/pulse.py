"""Signs of life: who ticks, polls and works, what waits in the queues, and which alerts were said already."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from cogworks.model.ids import IssueNumber, RepoName
from cogworks.model.pulse import Alert, Tick, Vitals, WorkerSign


class Pulse(Protocol):
    """Kept where every process can reach it; losing it costs nothing but a few minutes of watching."""

    def ticked(self, tick: Tick) -> None:
        """Note that beat, the one that acts, is alive."""
        ...

    def polled(self, repo: RepoName, *, at: datetime, waiting: Mapping[IssueNumber, str]) -> None:
        """Note that ``repo`` was polled, and in place of what was noted before, why items of it are not admitted."""
        ...

    def worked(self, sign: WorkerSign) -> None:
        """Note that a worker is alive and what it does; workers that were silent for a day are forgotten."""
        ...

    def vitals(self) -> Vitals:
        """Return everything noted, with what waits in the queues now. Writes nothing."""
        ...

    def first_to_say(self, alert: Alert) -> bool:
        """Tell whether nobody said this alert within the last hour, and remember that it is said now."""
        ...
