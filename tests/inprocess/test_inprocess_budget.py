"""Money is exact: ledger, journal, state, comment and bill agree, whatever Redis loses (RUN-14 to RUN-18, CST-02)."""

from collections.abc import Callable
from importlib.resources import files as resources

import pytest
from answers import aligned, missing, only
from metered import Meter, metered
from planted import config
from world import ITEM, NUMBER, World, merge_gates, nobody

from cogworks.adapters.memory_llm import Rule, Say
from cogworks.adapters.memory_queue import SentNode
from cogworks.engine.looking import unreconciled
from cogworks.model.errors import FailureCategory, LlmTransient
from cogworks.model.state import Cost, RunState, RunStatus

_SHIPPED = (resources("cogworks.graph") / "default.toml").read_text()
PARALLEL = {
    ".cogworks/pipeline.toml": _SHIPPED.replace("[pipeline]", "[pipeline]\nmax_parallel_sub_work_items = 2", 1).encode()
}
"""The shipped pipeline, two sub-work-items at a time."""


def sums(state: RunState) -> Cost:
    return Cost(microusd=state.cost.microusd, tokens=state.cost.tokens)


def agree(world: World, meter: Meter) -> None:
    """Everybody says what the bill says."""
    view = world.ledger.show(ITEM)
    assert view.committed == meter.delivered, "the ledger"
    assert sums(world.state) == meter.delivered, "the state"
    assert view.by_node == {node: paid for node, paid in world.state.cost.by_node.items() if paid}
    assert view.reserved == Cost()
    assert view.unreconciled == world.state.cost.unreconciled


@pytest.mark.parametrize("number", range(1, 14))
def test_redis_emptied_while_a_call_is_under_way_leaves_every_sum_as_it_was(number: int) -> None:
    """Its owner lives: it sends its calls again, and starts the ledger from the journal before its next call."""
    meter = Meter()
    world = metered(meter)
    meter.during = lambda now: world.lose_redis() if now == number else None
    world.run()

    assert world.state.status is RunStatus.COMPLETED
    assert meter.calls == 13, "an owner never pays twice for what it heard"
    agree(world, meter)


def test_redis_emptied_at_every_call_leaves_every_sum_as_it_was() -> None:
    meter = Meter()
    world = metered(meter, parts=2)
    meter.during = lambda _now: world.lose_redis()
    world.run(hours=24)

    assert world.state.status is RunStatus.COMPLETED
    agree(world, meter)


@pytest.mark.parametrize("wiped", ["before", "within", "after"])
def test_redis_emptied_between_the_calls_of_two_owners_counts_both_once(wiped: str) -> None:
    """While the first part's code is written, the whole second attempt happens."""
    meter = Meter()
    world = metered(meter, parts=2, files=PARALLEL)
    seen: list[str] = []

    def during(number: int) -> None:
        requests = world.llm.requests[-1].identity
        if seen == ["second"] and wiped == "within":
            seen.append("wiped")
            world.lose_redis()
        if seen or requests.node != "code_generation":
            return
        other = next((one for one in world.queue.waiting if isinstance(one, SentNode)), None)
        assert other is not None, "both parts were started together"
        world.queue.waiting.remove(other)
        if wiped == "before":
            world.lose_redis()
        seen.append("second")
        world.handle(other)
        if wiped == "after":
            world.lose_redis()

    meter.during = during
    world.run()

    assert seen[0] == "second"
    assert world.state.status is RunStatus.COMPLETED
    agree(world, meter)


@pytest.mark.parametrize("emptied", [False, True])
def test_a_call_that_is_cut_off_is_listed_as_unreconciled_for_good(emptied: bool) -> None:
    """RUN-17: the same call is sent again; what the first may have cost counts, and survives Redis."""
    meter = Meter(cut=[3])
    world = metered(meter)
    meter.during = lambda now: world.lose_redis() if emptied and now in (3, 5) else None
    world.run()

    assert world.state.status is RunStatus.COMPLETED
    agree(world, meter)
    lost = world.state.cost.unreconciled
    assert lost.microusd > 0
    assert "Unreconciled" in world.note("cost")
    world.lose_redis()
    world.step()
    assert unreconciled(world.ledger, world.state) == lost


@pytest.mark.parametrize("emptied", [False, True])
def test_what_an_attempt_paid_before_its_provider_went_away_counts_once(emptied: bool) -> None:
    """Its first call is paid, its second finds nobody; it waits, and perhaps Redis forgets answer and ledger."""
    meter = Meter()
    world = metered(meter)

    def during(number: int) -> None:
        if number in (3, 4):
            raise LlmTransient("overloaded", kind="overloaded", retry_after_s=120)

    def wipe(now: World) -> None:
        if emptied and meter.calls == 3 and now.state.status is RunStatus.WAITING:
            now.lose_redis()

    meter.during = during
    world.run(between=wipe)

    assert world.state.status is RunStatus.COMPLETED
    assert meter.calls == (16 if emptied else 15)
    agree(world, meter)


def test_what_a_cancelled_attempt_paid_is_in_the_books() -> None:
    """ENG-42: the call in flight finishes and is charged."""
    meter = Meter()
    world = metered(meter)

    def during(number: int) -> None:
        if number == 4:
            world.person.label(NUMBER, "cogworks:cancel")
            world.step()

    meter.during = during
    world.run()

    assert world.state.status is RunStatus.CANCELLED
    assert meter.calls == 4, "no later call"
    agree(world, meter)
    assert world.note("cost").count("Total") == 1
    assert f"{meter.delivered.tokens:,}" in world.note("cost")
    world.person.unlabel(NUMBER, "cogworks:cancel")
    world.run()
    assert world.state.status is RunStatus.COMPLETED
    agree(world, meter)


ENDS: dict[str, Callable[[World], object]] = {
    "completed": lambda world: world.run(),
    "failed": lambda world: world.run(),
    "escalated": lambda world: world.run(),
    "cancelled": lambda world: (stop_at_gate(world), world.person.close(NUMBER), world.run()),
    "halted": lambda world: (stop_at_gate(world), world.person.push("main", {RULES: None}), merge(world), world.run()),
}
RULES = ".cogworks/constitutional-rules.md"


def stop_at_gate(world: World) -> None:
    world.people = nobody
    world.run()


def merge(world: World) -> None:
    world.people = merge_gates


@pytest.mark.parametrize("end", ENDS)
def test_a_run_ends_with_a_cost_report_however_it_ends(end: str) -> None:
    meter = Meter()
    rules: dict[str, list[Rule]] = {
        "failed": [only("architecture", aligned(0.5, missing("the mean")), purpose="alignment")],
        "escalated": [only("intake", Say("I would rather talk"))],
    }
    world = metered(meter, rules=rules.get(end, []))
    ENDS[end](world)

    assert world.state.status == ("failed" if end == "halted" else end)
    assert world.kinds().count("cost") == 1
    assert f"| **Total** | {meter.delivered.tokens:,} |" in world.note("cost")
    agree(world, meter)


@pytest.mark.parametrize("pipeline", [pytest.param({}, id="in series"), pytest.param(PARALLEL, id="in parallel")])
@pytest.mark.parametrize("emptied", [False, True])
def test_each_cost_alert_is_given_once_also_when_redis_was_emptied(pipeline: dict[str, bytes], emptied: bool) -> None:
    """CST-02: at 50 % in the log, at 75 and 90 % in a comment; the call that could pass the rest is never sent."""
    free = Meter()
    total = sums(metered(free, parts=3, files=pipeline).run().state).tokens
    meter = Meter()
    limit = f"[budgets]\npipeline_max_tokens = {total + 1}\n"
    world = metered(meter, parts=3, files={**pipeline, **config(limit)})
    if emptied:
        meter.during = lambda _now: world.lose_redis()
    world.run(hours=24)

    told = [text for _, text in world.log if "of the budget is used" in text]
    given = [level for level in (50, 75, 90) if f"{level} % of the budget is used" in told]
    assert [told.count(f"{level} % of the budget is used") for level in given] == [1] * len(given)
    assert 50 in given
    assert world.state.failure is not None
    assert world.state.failure.category is FailureCategory.BUDGET_EXCEEDED
    assert world.state.cost.tokens <= total + 1
    assert sorted(note.key.rsplit("/", 1)[1] for note in world.notes("budget")) == [
        str(level) for level in given if level >= 75
    ]
    agree(world, meter)
    assert world.kinds().count("cost") == world.kinds().count("failure") == 1
