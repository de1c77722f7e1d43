"""The sweeper: a lost hint becomes a delay (RUN-21). It reads Redis alone and only enqueues steps."""

from dataclasses import dataclass
from datetime import datetime

from cogworks.engine.house import House
from cogworks.engine.letter_care import tend_letters
from cogworks.engine.loading import unjournalled
from cogworks.engine.progress import at_work
from cogworks.model.ids import AttemptKey, Item
from cogworks.model.state import NodeStatus, RunState, WaitReason, state_from_json
from cogworks.ports.runtime import ProjectedRun

_SWEPT = "swept"


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepReport:
    """What one sweep found."""

    runs: int
    stepped: tuple[Item, ...]


def sweep(house: House) -> SweepReport:
    """Enqueue a step for every open run that has something to do and nobody doing it; look after dead letters."""
    known = house.ports.projection.known()
    rests_s = house.ports.quota.rests_s()
    if rests_s:
        # A step would only find out the same: Redis holds the runs until then (GH-41).
        house.log("task", f"sweep: nothing gets through to GitHub for {rests_s:.0f} s, no run is stepped")
        return SweepReport(runs=len(known), stepped=())
    stepped = [item for item in known if _needs_step(house, item)]
    for item in stepped:
        house.log("task", f"sweep: {item} has work and no owner")
        house.ports.projection.note(item, {_SWEPT: house.ports.clock.now().isoformat()})
        house.ports.queue.step(item, hint="sweep")
    tend_letters(house)
    return SweepReport(runs=len(known), stepped=tuple(stepped))


def _needs_step(house: House, item: Item) -> bool:
    run = house.ports.projection.load(item)
    if run is None:
        return True
    house.ports.ledger.expire(item)
    state = state_from_json(run.state)
    if not state.status.open:
        return False
    active = at_work(state, NodeStatus.ACTIVE)
    if active:
        return any(_unattended(house, run, AttemptKey(item, state.run_id, r, state.node(r).attempts)) for r in active)
    now = house.ports.clock.now()
    return _people_may_have_answered(run, now, house.patience_s) or _time_has_come(state, now)


def _people_may_have_answered(run: ProjectedRun, now: datetime, patience_s: float) -> bool:
    """Tell whether nobody has looked for so long that the hint of an answer may have been lost."""
    looked = run.facts.get(_SWEPT)
    return not looked or (now - datetime.fromisoformat(looked)).total_seconds() > patience_s


def _unattended(house: House, run: ProjectedRun, key: AttemptKey) -> bool:
    """Tell whether an active attempt has an outcome nobody took up, or no owner: for longer than patience
    allows, or begun so often that its next step gives it up."""
    if run.outcomes.get(str(key)) or run.facts.get(unjournalled(key)):
        return True
    if str(key) in house.ports.leases.live(key.item):
        return False
    if house.ports.leases.starts(key).spent:
        return True
    sent = run.facts.get(f"sent:{key}")
    if not sent:
        return True
    return (house.ports.clock.now() - datetime.fromisoformat(sent)).total_seconds() > house.patience_s


def _time_has_come(state: RunState, now: datetime) -> bool:
    wait = state.wait
    if wait is None:
        return True
    if wait.reason in (WaitReason.APPROVAL, WaitReason.CLARIFICATION):
        return False
    return wait.until is None or wait.until <= now
