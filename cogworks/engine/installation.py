"""How the installation is: beat, workers, queues and alerts, as `health --all` and `queue status` show them."""

from collections.abc import Sequence
from datetime import datetime

from cogworks.engine.fitness import Fitness
from cogworks.model.json_value import JsonObject
from cogworks.model.pulse import Alert, AlertKind, QueueLevel, Vitals
from cogworks.policy.wedges import online

_NEEDED = ("control", "llm", "tool")
_OF_BEAT = (AlertKind.BEAT_SILENT,)
_OF_QUEUES = (AlertKind.QUEUE_UNCONSUMED, AlertKind.QUEUE_WITHOUT_WORKER)


def installation_fitness(vitals: Vitals, alerts: Sequence[Alert], *, now: datetime) -> list[Fitness]:
    """Return whether beat ticks, workers live, queues move, and whether anything else stands still."""
    return [
        _beat(vitals, alerts, now),
        _workers(vitals, now),
        _queues(vitals, alerts, now),
        _rest(alerts),
    ]


def queue_rows(vitals: Vitals, *, now: datetime) -> list[JsonObject]:
    """Return each queue with what waits, for how long, and who consumes it."""
    alive = online(vitals.workers, now=now)
    return [
        {
            "queue": level.name,
            "depth": level.depth,
            "oldest_seconds": age_s(level, now=now),
            "consumers": [one.name for one in alive if level.name in one.queues],
        }
        for level in vitals.queues
    ]


def age_s(level: QueueLevel, *, now: datetime) -> int:
    """Return for how many seconds the oldest message of a queue has waited."""
    return 0 if level.oldest_at is None else max(0, round((now - level.oldest_at).total_seconds()))


def _beat(vitals: Vitals, alerts: Sequence[Alert], now: datetime) -> Fitness:
    if vitals.beat is None:
        return Fitness(name="beat", trouble="no beat has ticked since Redis was started: start one", code="no_beat")
    age = f"{max(0, round((now - vitals.beat.at).total_seconds()))} s ago"
    for alert in alerts:
        if alert.kind in _OF_BEAT:
            trouble = f"last tick {age}, by {vitals.beat.by}: {alert.reason}"
            return Fitness(name="beat", trouble=trouble, code=alert.kind)
    return Fitness(name="beat", detail=f"ticked {age}; {vitals.beat.by} leads")


def _workers(vitals: Vitals, now: datetime) -> Fitness:
    alive = online(vitals.workers, now=now)
    missing = [name for name in _NEEDED if not any(name in one.queues for one in alive)]
    if missing:
        trouble = f"no worker consumes {', '.join(missing)}: start one"
        return Fitness(name="workers", trouble=trouble, code="no_worker")
    return Fitness(name="workers", detail=", ".join(f"{one.name} {one.busy}/{one.slots} busy" for one in alive))


def _queues(vitals: Vitals, alerts: Sequence[Alert], now: datetime) -> Fitness:
    bad = [alert for alert in alerts if alert.kind in _OF_QUEUES]
    if bad:
        trouble = "; ".join(f"{alert.about}: {alert.reason}" for alert in bad)
        return Fitness(name="queues", trouble=trouble, code=bad[0].kind)
    waiting = [f"{one.name} {one.depth} (oldest {age_s(one, now=now)} s)" for one in vitals.queues if one.depth]
    return Fitness(name="queues", detail=f"{', '.join(waiting) or 'empty'}; {vitals.unacked} messages at work")


def _rest(alerts: Sequence[Alert]) -> Fitness:
    rest = [alert for alert in alerts if alert.kind not in (*_OF_BEAT, *_OF_QUEUES)]
    if rest:
        return Fitness(name="runs", trouble="; ".join(alert.line() for alert in rest), code=rest[0].kind)
    return Fitness(name="runs", detail="nothing stands still")
