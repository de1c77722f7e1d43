"""A wedge is never silent: within fifteen minutes an alert names item and reason (RUN-21); quiet runs raise none."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from answers import good_answers, only
from world import ITEM, World, merge_gates, nobody

from cogworks.adapters.memory_pulse import MemoryPulse
from cogworks.engine.letters import put_message_aside
from cogworks.engine.loading import HELD
from cogworks.engine.polling import poll
from cogworks.engine.recover import sweep
from cogworks.engine.watching import alerts_now, give_sign, lookout_of, raise_alerts
from cogworks.model.errors import DependencyUnavailable, FailureCategory, RateLimited
from cogworks.model.ids import AttemptKey, Item, NodeId, NodeRef
from cogworks.model.pulse import AlertKind, Tick, Vitals, WorkerSign
from cogworks.model.state import RunStatus, WaitReason, state_from_json
from cogworks.policy.wedges import concerns
from cogworks.ports.runtime import Claim

_MINUTE_S = 60.0
_QUEUES = ("control", "llm", "tool", "aux")


@dataclass(kw_only=True)
class Watched(World):
    """A world with a beat and one worker of each queue, each of which can be dead."""

    beat_ticks: bool = True
    workers: tuple[str, ...] = _QUEUES
    busy: int = 0

    def signs_of_life(self) -> None:
        """What a beat and workers note as time passes; a worker also looks around."""
        now = self.clock.now()
        if self.beat_ticks:
            self.pulse.ticked(Tick(at=now, by="beat"))
        for name in self.workers:
            sign = WorkerSign(name=f"{name}@here", queues=(name,), seen_at=now, busy=self.busy, slots=2)
            give_sign(lookout_of(self.house), sign, self.alarms.append)

    def wait(self, minutes: float, *, each: Callable[[], object] = lambda: None) -> None:
        """Let time pass while nobody handles a message."""
        for _ in range(round(minutes * 2)):
            self.clock.advance(_MINUTE_S / 2)
            each()
            self.signs_of_life()

    def go_on_for(self, time: timedelta) -> None:
        """Let time pass while everybody does their work."""
        end = self.clock.now() + time
        while self.clock.now() < end:
            self.clock.advance(200)
            self._upkeep()
            self.drain()

    def _upkeep(self) -> None:
        self.signs_of_life()
        super()._upkeep()

    def shown(self) -> list[str]:
        """What `status` of the item and `health` would show now, whoever else is dead."""
        return [one.line() for one in alerts_now(lookout_of(self.house)) if concerns(one, str(ITEM))]


def begun(**options: object) -> Watched:
    """A run whose first node was dispatched, and whose message nobody has taken."""
    world = Watched(**options)  # type: ignore[arg-type]
    world.signs_of_life()
    poll(world.house, ITEM.repo)
    message = world.queue.take()
    assert message is not None
    world.handle(message)
    return world


def message_lost_and_no_sweep() -> Watched:
    world = begun()
    world.queue.waiting.clear()
    world.wait(14)
    return world


def worker_alive_doing_nothing() -> Watched:
    world = begun()
    world.wait(14)
    return world


def worker_holds_an_attempt_for_ever() -> Watched:
    world = begun()
    world.queue.waiting.clear()
    loaded = world.house.ports.projection.load(ITEM)
    assert loaded is not None
    state = state_from_json(loaded.state)
    key = AttemptKey(ITEM, state.run_id, NodeRef(NodeId("intake")), 1)
    claim = world.house.ports.leases.claim(key, owner="hangs", fence_floor=0)
    assert isinstance(claim, Claim)
    timeout_minutes = int(loaded.facts[f"timeout:{key}"]) / 60
    with world.house.ports.leases.keep(claim) as keeper:
        world.wait(timeout_minutes, each=keeper.guard)
        assert not world.alarms, "until its node's timeout it may work"
        world.wait(14, each=keeper.guard)
    return world


def beat_dead() -> Watched:
    world = begun(people=nobody).run()
    assert isinstance(world, Watched)
    world.beat_ticks = False
    world.wait(14)
    return world


def queue_full_and_no_worker() -> Watched:
    world = begun(workers=("control",))
    world.wait(14)
    return world


def busy_control_worker_that_hangs() -> Watched:
    world = Watched(busy=2)
    world.signs_of_life()
    poll(world.house, ITEM.repo)
    world.wait(14)
    return world


def state_damaged_and_no_sweep() -> Watched:
    world = begun()
    world.store.run(ITEM).state = replace(world.store.run(ITEM).state, text="{}")  # type: ignore[type-var]
    world.wait(14)
    return world


def redis_read_only() -> Watched:
    class Refusing(MemoryPulse):
        refuses = False

        def _refuse(self, *_: object, **__: object) -> None:
            if self.refuses:
                text = "Redis cannot be used: READONLY You can't write against a read only replica."
                raise DependencyUnavailable(text, category=FailureCategory.SERVICE_UNAVAILABLE, retry_after_s=5.0)

        def worked(self, sign: WorkerSign) -> None:
            self._refuse()
            super().worked(sign)

        def vitals(self) -> Vitals:
            return replace(super().vitals(), unfit="Redis is a read-only replica" if self.refuses else "")

        def first_to_say(self, alert: object) -> bool:
            self._refuse()
            return True

    world = Watched(people=nobody)
    refusing = Refusing(world.clock, world.queue)
    world.pulse, world.plug = refusing, lambda ports: replace(ports, pulse=refusing)
    world.house = world.new_house()
    world.run()
    refusing.refuses, world.beat_ticks = True, False
    world.wait(14)
    return world


WEDGES: list[tuple[str, Callable[[], Watched], AlertKind, str, str]] = [
    ("a message was lost and nobody sweeps", message_lost_and_no_sweep, AlertKind.WORK_WAITS, str(ITEM), "intake"),
    (
        "a worker is alive and takes nothing",
        worker_alive_doing_nothing,
        AlertKind.QUEUE_UNCONSUMED,
        "queue llm",
        "llm@here takes none",
    ),
    (
        "a worker holds an attempt and never ends",
        worker_holds_an_attempt_for_ever,
        AlertKind.ATTEMPT_OVERDUE,
        str(ITEM),
        "beyond its node's timeout",
    ),
    ("beat is dead", beat_dead, AlertKind.BEAT_SILENT, "beat", "nothing is polled"),
    (
        "a queue fills and nobody consumes it",
        queue_full_and_no_worker,
        AlertKind.QUEUE_WITHOUT_WORKER,
        "queue llm",
        "no worker",
    ),
    (
        "control hangs in a task",
        busy_control_worker_that_hangs,
        AlertKind.QUEUE_UNCONSUMED,
        "queue control",
        "takes none",
    ),
    (
        "the state in Redis is damaged and nobody sweeps",
        state_damaged_and_no_sweep,
        AlertKind.STATE_UNREADABLE,
        str(ITEM),
        "cannot be read",
    ),
    ("Redis takes no writes", redis_read_only, AlertKind.REDIS_UNFIT, "redis", "read"),
]


@pytest.mark.parametrize(("why", "make", "kind", "about", "reason"), WEDGES, ids=[row[0] for row in WEDGES])
def test_a_wedge_is_said_within_a_quarter_of_an_hour(
    why: str, make: Callable[[], Watched], kind: AlertKind, about: str, reason: str
) -> None:
    world = make()
    said = [alert for alert in world.alarms if alert.kind is kind and alert.about == about]
    assert said, f"{why}: {[one.line() for one in world.alarms]}"
    assert reason in said[0].reason
    shown = [line for line in world.shown() if line.startswith(f"ALERT {about}: ")]
    assert shown, "whoever looks sees it too"
    assert said[0].since < world.clock.now()


def test_an_alert_is_said_once_an_hour() -> None:
    world = message_lost_and_no_sweep()
    first = len(world.alarms)
    world.wait(30)
    assert len([one for one in world.alarms if one.kind is AlertKind.WORK_WAITS]) == first == 1
    world.wait(40)
    assert len([one for one in world.alarms if one.kind is AlertKind.WORK_WAITS]) == 2


def test_a_dead_letter_is_an_alert_after_an_hour() -> None:
    world = Watched()
    told = {"payload_hash": "4f5e", "why": "no JSON", "kind": "DecodeError", "owner": "here", "now": world.clock.now()}
    put_message_aside(world.letters, **told, report=world.house.report)
    assert raise_alerts(lookout_of(world.house), world.alarms.append) == ()
    world.clock.advance(3601)
    [alert] = raise_alerts(lookout_of(world.house), world.alarms.append)
    [letter] = world.letters.open()
    assert (alert.kind, alert.about, concerns(alert, str(ITEM))) == (AlertKind.DEAD_LETTER_OLD, letter.key, True)


# -- what is no wedge -------------------------------------------------------------------------------------------------


def test_an_undisturbed_run_raises_no_alert() -> None:
    world = Watched().run()
    assert world.state.status is RunStatus.COMPLETED
    assert world.alarms == []


def test_a_run_that_waits_for_a_person_for_days_raises_no_alert() -> None:
    world = Watched(people=nobody).run()
    world.go_on_for(timedelta(days=3))
    assert world.state.wait is not None
    assert world.state.wait.reason is WaitReason.APPROVAL
    assert world.alarms == []
    world.people = merge_gates
    assert world.run().state.status is RunStatus.COMPLETED


def test_a_run_that_waits_for_a_rate_limit_raises_no_alert() -> None:
    tries: list[int] = []

    def limited(_request: object) -> bool:
        tries.append(1)
        return len(tries) <= 2

    error = RateLimited("slow down", kind="tokens", retry_after_s=3600.0)
    world = Watched(rules=[only("architecture", error, when=limited), *good_answers()])
    world.run()
    assert world.state.wait is not None
    assert world.state.wait.reason is WaitReason.RATE_LIMIT
    world.go_on_for(timedelta(hours=3))
    world.run()
    assert tries
    assert world.state.status is RunStatus.COMPLETED
    assert world.alarms == []


def test_a_run_that_a_person_holds_raises_no_alert() -> None:
    world = begun()
    world.queue.waiting.clear()
    world.person.label(ITEM.number, "cogworks:hold")
    world.step()
    loaded = world.house.ports.projection.load(ITEM)
    assert loaded is not None
    assert loaded.facts[HELD]
    world.wait(120)
    assert world.alarms == []
    world.person.unlabel(ITEM.number, "cogworks:hold")
    assert world.run().state.status is RunStatus.COMPLETED


# -- the sweep --------------------------------------------------------------------------------------------------------


def test_one_broken_run_does_not_keep_the_sweep_from_the_others() -> None:
    """A state that cannot be read is built anew from GitHub, and the runs beside it are swept as ever."""
    world = Watched(people=nobody).run()
    other = Item(ITEM.repo, type(ITEM.number)(99))
    world.house.ports.projection.save(other, state="{", seq=1, fence=1, open_run=True)
    world.clock.advance(600)

    found = sweep(world.house)

    assert set(found.stepped) == {ITEM, other}
    assert any("built anew from GitHub" in text for _, text in world.log)
    assert world.house.ports.projection.load(other) is None


def test_a_damaged_projection_is_rebuilt_and_the_run_goes_on() -> None:
    world = begun()
    world.drain()
    world.store.run(ITEM).state = replace(world.store.run(ITEM).state, text="{}")  # type: ignore[type-var]
    assert world.run().state.status is RunStatus.COMPLETED


def test_a_lost_fan_in_is_repaired_and_counted() -> None:
    """RB-28: every member has ended, and the step that should follow them never came."""
    world = begun()
    message = world.queue.take()
    assert message is not None
    world.handle(message)
    world.queue.waiting.clear()
    world.clock.advance(120)
    assert sweep(world.house).chords_repaired == 1
    assert ("metric", "chords repaired: 1") in world.log
    assert world.run().state.status is RunStatus.COMPLETED


def test_after_redis_was_emptied_runs_with_node_labels_are_found_again_though_there_is_no_room() -> None:
    world = Watched(people=nobody).run()
    assert any(label.startswith("cogworks:node:") for label in world.labels_now())
    world.lose_redis()
    world.house = replace(world.house, max_active_runs=1)
    for number in (71, 72):
        world.house.ports.projection.save(
            Item(ITEM.repo, type(ITEM.number)(number)), state="{}", seq=1, fence=1, open_run=True
        )
    assert ITEM in poll(world.house, ITEM.repo).enqueued, "it runs already and takes nobody's place"
