"""Redis lost, messages doubled, processes killed: what people see in the end is the same."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from answers import body, finding, good_answers, only, reviewed, turns, writing
from matrix import FORKS, plan_of, run_cells
from planted import PASSING as SERVICE
from planted import failing, in_turn
from watched import Fate, watched
from world import ITEM, NUMBER, World, nobody

from cogworks.adapters.memory_llm import Rule
from cogworks.model.errors import GitHubTransient
from cogworks.model.state import RunStatus


def one() -> World:
    return World()


def three() -> World:
    return World(rules=good_answers(3, depends_on={2: [1]}), text=body(3))


def mended() -> World:
    """A failing test, then a blocking finding, then all is well."""
    bad = reviewed("mean", finding("mean", "blocking", "wrong"))
    rules: list[Rule] = [
        only("code_generation", writing("mean", text=f"X = {n}\n"), attempt=n, when=lambda r: turns(r) == 0)
        for n in range(1, 5)
    ]
    disagrees = only("review", bad, purpose="review", attempt=1)
    simulate = in_turn(failing("assert"), SERVICE["simulate"])
    return World(rules=[disagrees, *rules, *good_answers()], services={"simulate": simulate})


def rejected() -> World:
    bad = reviewed("mean", finding("mean", "blocking", "wrong"))
    rules = [
        only("code_generation", writing("mean", text=f"X = {n}\n"), attempt=n, when=lambda r: turns(r) == 0)
        for n in range(1, 6)
    ]
    return World(rules=[only("review", bad, purpose="review"), *rules, *good_answers()])


STORIES: dict[str, Callable[[], World]] = {"one": one, "three": three, "mended": mended, "rejected": rejected}


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, World]:
    return {name: make().run() for name, make in STORIES.items()}


@pytest.mark.parametrize("story", STORIES)
def test_a_message_that_comes_twice_does_everything_once(story: str, undisturbed: dict[str, World]) -> None:
    world = STORIES[story]()
    world.twice = True
    world.run()

    assert world.picture() == undisturbed[story].picture()
    assert len(world.llm.requests) == len(undisturbed[story].llm.requests)
    assert world.state.cost == undisturbed[story].state.cost


@pytest.mark.parametrize("story", STORIES)
def test_redis_lost_whenever_something_happened_changes_nothing_that_people_see(
    story: str, undisturbed: dict[str, World]
) -> None:
    """RUN-14: all that Redis holds is rebuilt from GitHub."""
    world, seen = STORIES[story](), [""]

    def lose_if_something_happened(now: World) -> None:
        if now.fingerprint() != seen[0]:
            seen[0] = now.fingerprint()
            now.lose_redis()

    world.run(hours=12, between=lose_if_something_happened)

    assert world.picture() == undisturbed[story].picture()
    assert world.state.cost == undisturbed[story].state.cost
    assert len(world.llm.requests) == len(undisturbed[story].llm.requests)


@pytest.mark.parametrize("number", [1, 2, 3, 5, 8, 13])
def test_redis_lost_once_leaves_the_ledger_equal_to_the_journal(number: int, undisturbed: dict[str, World]) -> None:
    world, seen = World(), [0]

    def lose_once(now: World) -> None:
        seen[0] += 1
        if seen[0] == number:
            now.lose_redis()

    world.run(between=lose_once)

    assert world.picture() == undisturbed["one"].picture()
    assert world.ledger.show(ITEM).committed.microusd == world.state.cost.microusd


def test_a_fresh_process_for_every_message_changes_nothing(undisturbed: dict[str, World]) -> None:
    world = World()

    def restart(now: World) -> None:
        now.house = now.new_house()

    world.run(between=restart)

    assert world.picture() == undisturbed["one"].picture()


def test_a_step_asked_for_while_one_is_under_way_is_taken_up_by_it() -> None:
    """RUN-02: the second finds the lease held and only counts; the holder steps again."""
    world = World(people=nobody)
    lease = world.house.ports.leases.take_step(ITEM)
    assert lease is not None

    assert world.step().result == "held"
    assert world.house.ports.leases.end_step(lease), "the holder is told"
    assert world.llm.requests == []


def test_stepping_again_and_again_writes_nothing(undisturbed: dict[str, World]) -> None:
    world = World(people=nobody).run()
    before = world.fingerprint()
    for _ in range(5):
        world.step()

    assert world.fingerprint() == before


def an_escalation() -> Mapping[str, Any]:
    calm = rejected()
    return {"rules": calm.rules, "services": calm.services}


@pytest.mark.filterwarnings(FORKS)
def test_wherever_a_process_dies_on_the_way_to_an_escalation() -> None:
    """A sample; the whole matrix is that of the demo's journey."""
    plan = plan_of(an_escalation)
    assert plan.picture["status"] == ("escalated", "traversals_exhausted")

    told = run_cells(an_escalation, plan, plan.deaths()[::40])

    assert {str(one.cell): one.wrong for one in told if one.wrong} == {}


def test_a_github_that_fails_in_passing_is_tried_again_and_nothing_is_doubled(undisturbed: dict[str, World]) -> None:
    """GH-44: each tenth call to GitHub fails before it is performed, each fifteenth after."""

    @dataclass
    class Weak:
        number: int = 0

        def __call__(self, name: str) -> str:
            self.number += 1
            if not name.startswith("github.") or name.endswith(("login", "guarded_by")):
                return ""
            return "before" if self.number % 37 == 0 else "after" if self.number % 53 == 0 else ""

    class Weather(Fate):
        def meet(self, name, act):
            trouble = weak(name)
            if trouble == "before":
                raise GitHubTransient("502")
            result = act()
            if trouble == "after":
                raise GitHubTransient("connection reset")
            return result

    weak, weather = Weak(), Weather()
    world = World(plug=lambda ports: watched(ports, weather))
    real = world._upkeep

    def upkeep() -> None:
        try:
            real()
        except GitHubTransient:
            return

    world._upkeep = upkeep  # type: ignore[method-assign]
    world.run()

    assert world.picture() == undisturbed["one"].picture()


def test_a_state_comment_edited_by_hand_stops_the_run_and_nothing_is_overwritten() -> None:
    """GH-20."""
    world = World(people=nobody).run()
    comment = next(one for one in world.comments() if "cogworks:state" in one.body)
    edited = comment.body.replace('"status":"waiting"', '"status":"running"')
    assert edited != comment.body
    world.person.edit_comment(comment.id, edited)
    world.lose_redis()
    asked = len(world.llm.requests)
    world.run()

    assert next(one for one in world.comments() if one.id == comment.id).body == edited
    assert len(world.llm.requests) == asked
    assert len(world.notes("config")) == 1
    assert "check sum" in world.notes("config")[0].text


def test_a_work_tree_that_vanishes_costs_no_call_for_what_is_done() -> None:
    """X-66."""
    world = World()

    def lose_trees(now: World) -> None:
        now.git._trees.clear()

    world.run(between=lose_trees)

    assert world.state.status is RunStatus.COMPLETED
    assert len(world.llm.requests) == 13
    assert world.issue(NUMBER).open
