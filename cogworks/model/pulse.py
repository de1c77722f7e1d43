"""Signs of life of an installation, and the alerts that their absence means (RUN-21)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from cogworks.model.ids import Item, RepoName
from cogworks.model.json_value import JsonObject


class AlertKind(StrEnum):
    """What kind of wedge an alert speaks of."""

    WORK_WAITS = "work_waits"
    ATTEMPT_OVERDUE = "attempt_overdue"
    RUN_SILENT = "run_silent"
    STATE_UNREADABLE = "state_unreadable"
    BEAT_SILENT = "beat_silent"
    QUEUE_UNCONSUMED = "queue_unconsumed"
    QUEUE_WITHOUT_WORKER = "queue_without_worker"
    DEAD_LETTER_OLD = "dead_letter_old"
    REDIS_UNFIT = "redis_unfit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something stands still. ``about`` is a work item, ``beat``, ``redis`` or a queue; nobody has to be asked why."""

    kind: AlertKind
    about: str
    reason: str
    since: datetime

    @property
    def name(self) -> str:
        """What makes it the same alert the next time somebody looks."""
        return f"{self.kind}:{self.about}"

    def line(self) -> str:
        """Return it as people read it."""
        return f"ALERT {self.about}: {self.reason} (since {self.since:%Y-%m-%d %H:%M:%SZ})"

    def value(self) -> JsonObject:
        """Return it as programs read it."""
        return {"kind": self.kind, "about": self.about, "reason": self.reason, "since": self.since.isoformat()}


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSign:
    """What a worker process says of itself; ``taken`` is when it last took a message of each of its queues."""

    name: str
    queues: tuple[str, ...]
    seen_at: datetime
    busy: int
    slots: int
    taken: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """The newest tick of beat, and which beat sent it."""

    at: datetime
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLevel:
    """What waits in a queue; ``oldest_at`` is None when nothing does or nobody wrote down when it was sent."""

    name: str
    depth: int
    oldest_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """All signs of life in one reading. ``begun_at`` is when somebody first gave one; ``waiting`` says of items that
    are not admitted why; ``unacked`` counts messages that workers have and did not finish; ``unfit`` says why the
    store takes no writes, empty when it does."""

    begun_at: datetime | None = None
    beat: Tick | None = None
    workers: tuple[WorkerSign, ...] = ()
    polls: Mapping[RepoName, datetime] = field(default_factory=dict)
    waiting: Mapping[Item, str] = field(default_factory=dict)
    queues: tuple[QueueLevel, ...] = ()
    unacked: int = 0
    unfit: str = ""
