"""Notice what stands still: facts from Redis alone, judged by ``policy.wedges``, said by whoever is alive (RUN-21).

The sweep asks, each worker does between its tasks, and so do the commands that look: when one of them is dead, the
others still see it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cogworks.engine.house import Alarm, House
from cogworks.engine.loading import HELD, dispatched_at, time_limit, unjournalled
from cogworks.engine.progress import at_work
from cogworks.model.errors import DependencyUnavailable
from cogworks.model.ids import AttemptKey, Item
from cogworks.model.outcome import outcome_from_json
from cogworks.model.pulse import Alert, AlertKind, Vitals, WorkerSign
from cogworks.model.state import NodeStatus, RunState, WaitReason, state_from_json
from cogworks.policy.wedges import LONGEST_TIMEOUT_S, AttemptFacts, RunFacts, wedges
from cogworks.ports.dead_letters import DeadLetters
from cogworks.ports.pulse import Pulse
from cogworks.ports.runtime import Clock, Leases, ProjectedRun, Projection

_PEOPLE = (WaitReason.APPROVAL, WaitReason.CLARIFICATION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookout:
    """What watching needs."""

    pulse: Pulse
    projection: Projection
    leases: Leases
    dead_letters: DeadLetters
    clock: Clock
    patience_s: float


def lookout_of(house: House) -> Lookout:
    """Return the lookout of a process that has a whole house."""
    ports = house.ports
    return Lookout(
        pulse=ports.pulse,
        projection=ports.projection,
        leases=ports.leases,
        dead_letters=ports.dead_letters,
        clock=ports.clock,
        patience_s=house.patience_s,
    )


def alerts_now(lookout: Lookout, vitals: Vitals | None = None) -> tuple[Alert, ...]:
    """Return every alert that holds now; reads Redis only and writes nothing."""
    now = lookout.clock.now()
    found = (_facts_of(lookout, item, now) for item in lookout.projection.known())
    return wedges(
        [one for one in found if one is not None],
        lookout.pulse.vitals() if vitals is None else vitals,
        now=now,
        patience_s=lookout.patience_s,
        letters=[(one.key, one.first_seen) for one in lookout.dead_letters.open()],
    )


def raise_alerts(lookout: Lookout, alarm: Alarm) -> tuple[Alert, ...]:
    """Say each alert that holds and that nobody said within the last hour; return all that hold."""
    found = alerts_now(lookout)
    for alert in found:
        if _first_to_say(lookout.pulse, alert):
            alarm(alert)
    return found


def give_sign(lookout: Lookout, sign: WorkerSign, alarm: Alarm) -> None:
    """Note that a worker is alive, and let it look around; a Redis that refuses either is an alert of its own."""
    try:
        lookout.pulse.worked(sign)
        raise_alerts(lookout, alarm)
    except DependencyUnavailable as error:
        now = lookout.clock.now()
        alarm(Alert(kind=AlertKind.REDIS_UNFIT, about="redis", reason=error.message, since=now))


def _first_to_say(pulse: Pulse, alert: Alert) -> bool:
    try:
        return pulse.first_to_say(alert)
    except DependencyUnavailable:
        return True  # what cannot be remembered is better said twice than never


def _facts_of(lookout: Lookout, item: Item, now: datetime) -> RunFacts | None:
    """Return what is known of an open run; None when a person holds it, or when the next step reads it anew."""
    run = lookout.projection.load(item)
    if run is None or run.facts.get(HELD):
        return None
    try:
        return _facts(lookout, run, state_from_json(run.state))
    except ValueError as error:
        said = str(error).partition("\n")[0][:200]
        return RunFacts(item=str(item), last_event_at=now, trouble=f"its state in Redis cannot be read: {said}")


def _facts(lookout: Lookout, run: ProjectedRun, state: RunState) -> RunFacts | None:
    if not state.status.open:
        return None
    active = at_work(state, NodeStatus.ACTIVE)
    live = lookout.leases.live(state.item) if active else frozenset()
    keys = [AttemptKey(state.item, state.run_id, ref, state.node(ref).attempts) for ref in active]
    last = state.written_at or lookout.clock.now()
    wait = state.wait
    return RunFacts(
        item=str(state.item),
        last_event_at=last,
        attempts=tuple(_attempt(run, key, live=str(key) in live, last=last) for key in keys),
        waits_for_people=_waits_for_people(state),
        resume_at=None if wait is None else wait.until,
    )


def _waits_for_people(state: RunState) -> bool:
    if state.wait is not None and state.wait.reason in _PEOPLE:
        return True
    return bool(at_work(state, NodeStatus.AWAITING_APPROVAL))


def _attempt(run: ProjectedRun, key: AttemptKey, *, live: bool, last: datetime) -> AttemptFacts:
    noted = run.outcomes.get(str(key)) or run.facts.get(unjournalled(key))
    ended = None if not noted else outcome_from_json(noted).ended_at or last
    return AttemptFacts(
        name=f"{key.ref} attempt {key.attempt}",
        live=live,
        sent_at=_moment(run.facts, dispatched_at(key)),
        ended_at=ended,
        timeout_s=float(run.facts.get(time_limit(key)) or LONGEST_TIMEOUT_S),
    )


def _moment(facts: Mapping[str, str], name: str) -> datetime | None:
    text = facts.get(name)
    return datetime.fromisoformat(text) if text else None
