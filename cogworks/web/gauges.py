"""Gauges of beat, workers and queues, read when somebody scrapes them (70 section 5)."""

from cogworks.engine.installation import age_s
from cogworks.model.errors import DependencyUnavailable
from cogworks.policy.wedges import online
from cogworks.telemetry.metrics import Level
from cogworks.web.office import Office


def read_levels(office: Office) -> None:
    """Set the gauges to what Redis shows now; one that is away leaves them as they were."""
    lookout, metrics = office.reading.lookout, office.metrics
    assert lookout is not None, "serve needs Redis"
    try:
        vitals, now = lookout.pulse.vitals(), lookout.clock.now()
    except DependencyUnavailable:
        return
    alive = online(vitals.workers, now=now)
    for level in vitals.queues:
        metrics.level(Level.QUEUE_DEPTH, level.depth, queue=level.name)
        metrics.level(Level.QUEUE_OLDEST, age_s(level, now=now), queue=level.name)
        consumers = sum(level.name in one.queues for one in alive)
        metrics.level(Level.WORKERS_ONLINE, consumers, queue=level.name)
    metrics.level(Level.TASKS_UNACKED, vitals.unacked)
    if vitals.beat is not None:
        metrics.level(Level.BEAT_LAST_TICK, vitals.beat.at.timestamp())
