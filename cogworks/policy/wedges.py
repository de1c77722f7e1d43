"""What stands still, and since when: (facts, now) -> alerts (RUN-21). Whoever is alive judges by the same rules."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cogworks.model.pulse import Alert, AlertKind, QueueLevel, Vitals, WorkerSign
from cogworks.policy.dead_letters import OVERDUE

BEAT_SILENT_S = 300.0
ONLINE_S = 90.0
"""A worker gives a sign every quarter of a minute; after six missing ones it counts as gone."""

LONGEST_TIMEOUT_S = 3600.0
"""The longest timeout of a node: what counts when nobody noted a shorter one."""

_NOT_DISPATCHED_S = 180.0
_NOT_CONSUMED_S = 300.0
_ALWAYS_SHORT = "control"
"""Tasks of this queue take seconds: a worker that is busy there for minutes is no excuse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFacts:
    """An attempt that the state calls active. ``ended_at`` is when its outcome was recorded, if there is one."""

    name: str
    live: bool
    sent_at: datetime | None
    ended_at: datetime | None
    timeout_s: float = LONGEST_TIMEOUT_S


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """An open run as Redis shows it. ``resume_at``: it waits for that moment. ``trouble``: it cannot be read."""

    item: str
    last_event_at: datetime
    attempts: tuple[AttemptFacts, ...] = ()
    waits_for_people: bool = False
    resume_at: datetime | None = None
    trouble: str = ""


def wedges(
    runs: Sequence[RunFacts],
    vitals: Vitals,
    *,
    now: datetime,
    patience_s: float,
    letters: Sequence[tuple[str, datetime]] = (),
) -> tuple[Alert, ...]:
    """Return every alert that these facts mean. ``letters`` are dead letters by key and when each was first seen.

    ``patience_s`` is how long an attempt may stay without owner before its message counts as lost.
    """
    found = [alert for run in runs for alert in _of_run(run, now=now, patience_s=patience_s)]
    if vitals.unfit:
        found.append(Alert(kind=AlertKind.REDIS_UNFIT, about="redis", reason=vitals.unfit, since=now))
    return (*found, *_of_beat(vitals, now), *_of_queues(vitals, now), *_of_letters(letters, now))


def concerns(alert: Alert, item: str) -> bool:
    """Tell whether whoever looks at ``item`` should see ``alert``: it is about the item, or about everybody."""
    return "#" not in alert.about or alert.about == item or alert.about.startswith(f"{item}/")


def online(workers: Sequence[WorkerSign], *, now: datetime) -> tuple[WorkerSign, ...]:
    """Return the workers that gave a sign lately."""
    return tuple(one for one in workers if (now - one.seen_at).total_seconds() <= ONLINE_S)


def _of_run(run: RunFacts, *, now: datetime, patience_s: float) -> Iterator[Alert]:
    if run.trouble:
        yield Alert(kind=AlertKind.STATE_UNREADABLE, about=run.item, reason=run.trouble, since=run.last_event_at)
        return
    if run.waits_for_people and not run.attempts:
        return
    found = [one for one in (_of_attempt(run, at, now, patience_s) for at in run.attempts) if one is not None]
    if not run.attempts:
        found += _of_idle(run, now, patience_s)
    yield from found[:1] or _of_silence(run, now, patience_s)


def _of_attempt(run: RunFacts, at: AttemptFacts, now: datetime, patience_s: float) -> Alert | None:
    since = at.ended_at or at.sent_at or run.last_event_at
    passed_s = (now - since).total_seconds()
    if at.ended_at is not None:
        if passed_s <= patience_s + _NOT_DISPATCHED_S:
            return None
        reason = f"{at.name} has ended and nobody went on from there: no step was taken"
        return Alert(kind=AlertKind.WORK_WAITS, about=run.item, reason=reason, since=since)
    if at.live:
        if passed_s <= at.timeout_s + patience_s:
            return None
        reason = f"{at.name} is held by a living worker beyond its node's timeout of {at.timeout_s:.0f} s"
        return Alert(kind=AlertKind.ATTEMPT_OVERDUE, about=run.item, reason=reason, since=since)
    if passed_s <= patience_s + _NOT_DISPATCHED_S:
        return None
    reason = f"{at.name} has no worker and was not dispatched again"
    return Alert(kind=AlertKind.WORK_WAITS, about=run.item, reason=reason, since=since)


def _of_idle(run: RunFacts, now: datetime, patience_s: float) -> list[Alert]:
    """Nothing is active and no person is waited for: somebody should have taken a step."""
    since = run.resume_at or run.last_event_at
    if (now - since).total_seconds() <= patience_s + _NOT_DISPATCHED_S:
        return []
    what = "its wait is over and nobody resumed it" if run.resume_at else "it has work and nothing was dispatched"
    return [Alert(kind=AlertKind.WORK_WAITS, about=run.item, reason=what, since=since)]


def _of_silence(run: RunFacts, now: datetime, patience_s: float) -> list[Alert]:
    timeout_s = max((at.timeout_s for at in run.attempts), default=LONGEST_TIMEOUT_S)
    last = max([run.last_event_at, *(at.sent_at for at in run.attempts if at.sent_at)])
    due = max(last, run.resume_at or last) + timedelta(seconds=timeout_s + patience_s)
    if now <= due:
        return []
    reason = f"no event for longer than its node's timeout of {timeout_s:.0f} s"
    return [Alert(kind=AlertKind.RUN_SILENT, about=run.item, reason=reason, since=last)]


def _of_beat(vitals: Vitals, now: datetime) -> Iterator[Alert]:
    """Beat counts only where somebody works for it: an installation without workers and beat is no cluster."""
    last = vitals.beat.at if vitals.beat is not None else vitals.begun_at
    if last is None or (now - last).total_seconds() <= BEAT_SILENT_S:
        return
    reason = "beat is silent: nothing is polled and nothing swept; start one (RB-26)"
    yield Alert(kind=AlertKind.BEAT_SILENT, about="beat", reason=reason, since=last)


def _of_queues(vitals: Vitals, now: datetime) -> Iterator[Alert]:
    alive = online(vitals.workers, now=now)
    for level in vitals.queues:
        if level.depth and level.oldest_at is not None:
            mine = [one for one in alive if level.name in one.queues]
            yield from _of_queue(level, level.oldest_at, mine, vitals, now)


def _of_queue(
    level: QueueLevel, oldest_at: datetime, mine: Sequence[WorkerSign], vitals: Vitals, now: datetime
) -> Iterator[Alert]:
    about, waiting = f"queue {level.name}", f"{level.depth} messages wait"
    if not mine:
        # A worker that restarts gently is away for less than this.
        if (now - oldest_at).total_seconds() > _NOT_DISPATCHED_S:
            reason = f"{waiting} and no worker consumes it; start one (RB-24)"
            yield Alert(kind=AlertKind.QUEUE_WITHOUT_WORKER, about=about, reason=reason, since=oldest_at)
        return
    taken = [one.taken[level.name] for one in vitals.workers if level.name in one.taken]
    since = max([oldest_at, *taken])
    idle = level.name == _ALWAYS_SHORT or any(one.busy < one.slots for one in mine)
    if idle and (now - since).total_seconds() > _NOT_CONSUMED_S:
        names = ", ".join(one.name for one in mine)
        reason = f"{waiting} and {names} takes none"
        yield Alert(kind=AlertKind.QUEUE_UNCONSUMED, about=about, reason=reason, since=since)


def _of_letters(letters: Sequence[tuple[str, datetime]], now: datetime) -> Iterator[Alert]:
    for key, first_seen in letters:
        if now - first_seen > OVERDUE:
            reason = "this dead letter has waited for a decision for more than an hour"
            yield Alert(kind=AlertKind.DEAD_LETTER_OLD, about=key, reason=reason, since=first_seen)
