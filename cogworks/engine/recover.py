"""The sweeper: a lost hint becomes a delay (RUN-21). It reads Redis alone and only enqueues steps.

Leases and reservations carry their own end; what has no projection, has ended unnoticed, waits for a moment that has
come, or has lost its worker gets a step. Last it looks for what stands still nevertheless.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cogworks.engine.house import House
from cogworks.engine.letter_care import tend_letters
from cogworks.engine.loading import dispatched_at, unjournalled
from cogworks.engine.progress import at_work
from cogworks.engine.watching import lookout_of, raise_alerts
from cogworks.model.errors import DependencyUnavailable
from cogworks.model.ids import AttemptKey, Item
from cogworks.model.outcome import outcome_from_json
from cogworks.model.pulse import Alert
from cogworks.model.state import NodeStatus, RunState, WaitReason, state_from_json
from cogworks.ports.runtime import ProjectedRun

_SWEPT = "swept"
_HINT_LOST_S = 60.0
"""An outcome that nobody took up for so long had a step which never came: its chord or chain was broken."""


class Need(StrEnum):
    """What an open run needs from the sweep."""

    NOTHING = "nothing"
    STEP = "step"
    FAN_IN = "fan_in"
    REBUILD = "rebuild"


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepReport:
    """What one sweep found; ``chords_repaired`` counts runs whose ended nodes nobody had followed up (RB-28)."""

    runs: int
    stepped: tuple[Item, ...]
    chords_repaired: int = 0
    alerts: tuple[Alert, ...] = ()


def sweep(house: House) -> SweepReport:
    """Enqueue a step for every open run that has something to do and nobody doing it.

    Dead letters are looked after besides, and alerts are raised.
    """
    known = house.ports.projection.known()
    rests_s = house.ports.quota.rests_s()
    if rests_s:
        # A step would only find out the same: Redis holds the runs until then (GH-41).
        house.log("task", f"sweep: nothing gets through to GitHub for {rests_s:.0f} s, no run is stepped")
        return SweepReport(runs=len(known), stepped=(), alerts=raise_alerts(lookout_of(house), house.alarm))
    needs = {item: _need(house, item) for item in known}
    stepped = tuple(item for item, need in needs.items() if need is not Need.NOTHING)
    for item in stepped:
        house.log("task", f"sweep: {item} has work and no owner")
        house.ports.projection.note(item, {_SWEPT: house.ports.clock.now().isoformat()})
        house.ports.queue.step(item, hint="sweep")
    tend_letters(house)
    repaired = list(needs.values()).count(Need.FAN_IN)
    if repaired:
        house.log("metric", f"chords repaired: {repaired}")
    alerts = raise_alerts(lookout_of(house), house.alarm)
    return SweepReport(runs=len(known), stepped=stepped, chords_repaired=repaired, alerts=alerts)


def _need(house: House, item: Item) -> Need:
    """Return what one run needs; a run that cannot be judged is told of and does not keep the sweep from the others."""
    try:
        return _need_of(house, item)
    except DependencyUnavailable:
        raise
    except ValueError as error:
        house.log("task", f"sweep: {item} is built anew from GitHub: {_first_line(error)}")
        house.ports.projection.forget(item)
        return Need.REBUILD
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one run, the others have to be swept
        house.log("task", f"sweep: {item} cannot be judged, {type(error).__name__}: {_first_line(error)}")
        return Need.STEP


def _need_of(house: House, item: Item) -> Need:
    run = house.ports.projection.load(item)
    if run is None:
        return Need.REBUILD
    house.ports.ledger.expire(item)
    state = state_from_json(run.state)
    if not state.status.open:
        return Need.NOTHING
    active = at_work(state, NodeStatus.ACTIVE)
    if active:
        keys = [AttemptKey(state.item, state.run_id, ref, state.node(ref).attempts) for ref in active]
        return max((_need_of_attempt(house, run, key) for key in keys), key=_WEIGHT.index)
    now = house.ports.clock.now()
    wanted = _people_may_have_answered(run, now, house.patience_s) or _time_has_come(state, now)
    return Need.STEP if wanted else Need.NOTHING


_WEIGHT = (Need.NOTHING, Need.STEP, Need.FAN_IN, Need.REBUILD)


def _people_may_have_answered(run: ProjectedRun, now: datetime, patience_s: float) -> bool:
    """Tell whether nobody has looked for so long that the hint of an answer may have been lost."""
    looked = run.facts.get(_SWEPT)
    return not looked or (now - datetime.fromisoformat(looked)).total_seconds() > patience_s


def _need_of_attempt(house: House, run: ProjectedRun, key: AttemptKey) -> Need:
    """Tell whether an active attempt has an outcome that nobody took up, or no owner.

    That is for longer than patience allows, or begun so often that its next step gives it up.
    """
    now = house.ports.clock.now()
    noted = run.outcomes.get(str(key)) or run.facts.get(unjournalled(key))
    if noted:
        ended = outcome_from_json(noted).ended_at
        late = ended is not None and (now - ended).total_seconds() > _HINT_LOST_S
        return Need.FAN_IN if late else Need.STEP
    if str(key) in house.ports.leases.live(key.item):
        return Need.NOTHING
    if house.ports.leases.starts(key).spent:
        return Need.STEP
    sent = run.facts.get(dispatched_at(key))
    overdue = not sent or (now - datetime.fromisoformat(sent)).total_seconds() > house.patience_s
    return Need.STEP if overdue else Need.NOTHING


def _time_has_come(state: RunState, now: datetime) -> bool:
    wait = state.wait
    if wait is None:
        return True
    if wait.reason in (WaitReason.APPROVAL, WaitReason.CLARIFICATION):
        return False
    return wait.until is None or wait.until <= now


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
