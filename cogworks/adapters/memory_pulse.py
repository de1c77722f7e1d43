"""Signs of life in memory, with the rules of those in Redis."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cogworks.adapters.memory_queue import RecordingQueue, Sent, SentNode
from cogworks.model.ids import IssueNumber, Item, RepoName
from cogworks.model.pulse import Alert, QueueLevel, Tick, Vitals, WorkerSign
from cogworks.ports.runtime import Clock

_FORGOTTEN_AFTER = timedelta(days=1)
_SAID_AGAIN_AFTER = timedelta(hours=1)
_STEPS = "control"


@dataclass(slots=True)
class _Waiting:
    message: Sent
    since: datetime


class MemoryPulse:
    """Implements Pulse over a queue in memory. A message is as old as the first reading that found it waiting."""

    def __init__(self, clock: Clock, queue: RecordingQueue) -> None:
        self._clock, self._queue = clock, queue
        self.wipe()

    def wipe(self) -> None:
        """Lose everything."""
        self._noted = Vitals()
        self._said: dict[str, datetime] = {}
        self._waiting: list[_Waiting] = []

    def ticked(self, tick: Tick) -> None:
        """Note that beat is alive."""
        self._noted = replace(self._begun(tick.at), beat=tick)

    def polled(self, repo: RepoName, *, at: datetime, waiting: Mapping[IssueNumber, str]) -> None:
        """Note a poll, and why items are not admitted."""
        others = {item: why for item, why in self._noted.waiting.items() if item.repo != repo}
        mine = {Item(repo, number): why for number, why in waiting.items()}
        polls = {**self._noted.polls, repo: at}
        self._noted = replace(self._begun(at), polls=polls, waiting={**others, **mine})

    def worked(self, sign: WorkerSign) -> None:
        """Note that a worker is alive."""
        kept = [
            one
            for one in self._noted.workers
            if one.name != sign.name and sign.seen_at - one.seen_at < _FORGOTTEN_AFTER
        ]
        workers = tuple(sorted([*kept, sign], key=lambda one: one.name))
        self._noted = replace(self._begun(sign.seen_at), workers=workers)

    def vitals(self) -> Vitals:
        """Return everything noted, with what waits now."""
        known = {id(one.message): one for one in self._waiting}
        now = self._clock.now()
        self._waiting = [known.get(id(sent)) or _Waiting(sent, now) for sent in self._queue.waiting]
        names = sorted({_queue_of(one.message) for one in self._waiting} | {_STEPS, "llm", "tool", "aux"})
        return replace(self._noted, queues=tuple(self._level(name) for name in names))

    def first_to_say(self, alert: Alert) -> bool:
        """Tell whether nobody said this alert within the last hour."""
        now, said = self._clock.now(), self._said.get(alert.name)
        if said is not None and now - said < _SAID_AGAIN_AFTER:
            return False
        self._said[alert.name] = now
        return True

    def _begun(self, at: datetime) -> Vitals:
        return replace(self._noted, begun_at=self._noted.begun_at or at)

    def _level(self, name: str) -> QueueLevel:
        mine = [one.since for one in self._waiting if _queue_of(one.message) == name]
        return QueueLevel(name=name, depth=len(mine), oldest_at=min(mine, default=None))


def _queue_of(message: Sent) -> str:
    return message.queue if isinstance(message, SentNode) else _STEPS
