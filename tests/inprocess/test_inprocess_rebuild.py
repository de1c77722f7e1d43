"""A state that is gone or cannot be trusted is rebuilt from what else GitHub holds (GH-17, GH-19, GH-20, ENG-23)."""

from collections.abc import Callable
from typing import cast

import pytest
from answers import body, finding, good_answers, only, reviewed, turns, writing
from planted import PASSING as SERVICE
from planted import failing, in_turn
from world import ITEM, NUMBER, World, merge_gates, nobody

from cogworks.engine.turn import patient_step
from cogworks.model.errors import FailureCategory
from cogworks.model.json_value import sha256_text
from cogworks.model.state import RunStatus


def two() -> World:
    return World(rules=good_answers(2, depends_on={2: [1]}), text=body(2))


def mended() -> World:
    """A failing test, then a blocking finding, then all is well."""
    rules = [
        only("code_generation", writing("mean", text=f"X = {n}\n"), attempt=n, when=lambda r: turns(r) == 0)
        for n in range(1, 5)
    ]
    disagrees = only("review", reviewed("mean", finding("mean", "blocking", "wrong")), purpose="review", attempt=1)
    simulate = in_turn(failing("assert"), SERVICE["simulate"])
    return World(rules=[disagrees, *rules, *good_answers()], services={"simulate": simulate})


def rejected() -> World:
    """A review that never agrees: the run is escalated."""
    rules = [
        only("code_generation", writing("mean", text=f"X = {n}\n"), attempt=n, when=lambda r: turns(r) == 0)
        for n in range(1, 6)
    ]
    bad = reviewed("mean", finding("mean", "blocking", "wrong"))
    return World(rules=[only("review", bad, purpose="review"), *rules, *good_answers()])


STORIES: dict[str, Callable[[], World]] = {"two": two, "mended": mended, "rejected": rejected}


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, World]:
    return {name: make().run() for name, make in STORIES.items()}


def state_comments(world: World) -> list[int]:
    return [one.id for one in world.comments() if "cogworks:state v1" in one.body and one.author == "cogworks"]


def delete_state(world: World) -> None:
    for number in state_comments(world):
        world.person.delete_comment(number)


def rest_of(world: World) -> str:
    """Everything that people see but the state comment: it changes by being rebuilt."""
    told = [one.body for one in world.comments() if "cogworks:state v1" not in one.body]
    issues = [(one.number, one.open, one.labels) for one in world.repo.issues.values()]
    return repr((told, issues, sorted(world.repo.branches.items())))


def seen(world: World) -> dict[str, object]:
    """What people see in the end; how many steps it took, which records of steps are named after, is no matter."""
    picture = world.picture()
    branches = cast(dict[str, list[str]], picture["branches"])
    audit = [path for path in branches["cogworks/1/audit"] if not path.startswith("steps/")]
    return {**picture, "branches": {**branches, "cogworks/1/audit": audit}}


def whole(world: World, calm: World) -> None:
    """The run ended as an undisturbed one does: nothing doubled, nothing paid twice, every sum equal."""
    assert seen(world) == seen(calm)
    assert world.state.cost == calm.state.cost
    assert len(world.llm.requests) == len(calm.llm.requests)
    assert world.ledger.show(ITEM).committed.microusd == world.state.cost.microusd


LOSSES = [
    pytest.param(False, id="the state comment alone"),
    pytest.param(True, id="the state comment and Redis"),
]


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("redis", LOSSES)
def test_a_state_lost_whenever_something_happened_is_rebuilt(
    story: str, redis: bool, undisturbed: dict[str, World]
) -> None:
    world, last = STORIES[story](), [""]

    def lose(now: World) -> None:
        if rest_of(now) != last[0] and now.repo.branches.get("cogworks/1/audit"):
            delete_state(now)
            if redis:
                now.lose_redis()
            last[0] = rest_of(now)

    world.run(hours=12, between=lose)
    patient_step(world.house, ITEM, hint="test", rebuild=not redis)
    world.run()

    whole(world, undisturbed[story])


@pytest.mark.parametrize("number", [1, 2, 3, 5, 8, 13, 21, 34])
def test_a_state_and_redis_lost_once_are_rebuilt_and_shown(number: int, undisturbed: dict[str, World]) -> None:
    world, steps = two(), [0]

    def lose_once(now: World) -> None:
        steps[0] += 1
        if steps[0] == number:
            delete_state(now)
            now.lose_redis()

    world.run(between=lose_once)
    world.step()

    whole(world, undisturbed["two"])
    assert len(state_comments(world)) == 1


def test_a_state_lost_while_a_gate_waits_keeps_waiting_for_the_same_answer() -> None:
    world = World(people=nobody).run()
    before = world.state
    delete_state(world)
    world.lose_redis()
    world.run()

    assert world.state.status is RunStatus.WAITING
    assert world.state.nodes == {
        node: at if node != "architecture" else world.state.nodes[node] for node, at in before.nodes.items()
    }
    assert world.state.nodes["architecture"].status == before.nodes["architecture"].status
    assert world.state.cost == before.cost
    assert world.kinds().count("gate") == 1


def another_version(body: str) -> str:
    """Sound in every way but its version."""
    payload = body.split("<!-- cogworks:json\n")[1].split("\ncogworks:end")[0]
    changed = payload.replace('"schema_version":"1"', '"schema_version":"2"')
    assert changed != payload
    return body.replace(payload, changed).replace(sha256_text(payload), sha256_text(changed))


DAMAGES = [
    pytest.param(lambda body: body.replace('"status":"waiting"', '"status":"running"'), id="edited by hand"),
    pytest.param(another_version, id="a version that nobody knows"),
    pytest.param(lambda body: body.split("<!-- cogworks:json")[0], id="cut off"),
    pytest.param(lambda body: body.replace("parts=1", "parts=3"), id="parts that are missing"),
]


@pytest.mark.parametrize("emptied", [False, True])
@pytest.mark.parametrize("harm", DAMAGES)
def test_a_damaged_state_stops_the_run_until_it_is_rebuilt(harm: Callable[[str], str], emptied: bool) -> None:
    """One comment says what is wrong, nothing is overwritten, and `--rebuild-state` is the way out."""
    world = World(people=nobody).run()
    cost = world.state.cost
    (number,) = state_comments(world)
    damaged = harm(next(one.body for one in world.comments() if one.id == number))
    world.person.edit_comment(number, damaged)
    if emptied:
        world.lose_redis()
    asked = len(world.llm.requests)
    world.person.merge(world.pull("spec").number)
    world.run()

    assert next(one.body for one in world.comments() if one.id == number) == damaged
    assert len(world.llm.requests) == asked, "no node runs"
    assert len(world.notes("config")) == 1

    world.house.ports.queue.waiting.clear()  # type: ignore[attr-defined]
    report = patient_step(world.house, ITEM, hint="test", rebuild=True)
    assert report.result == "stepped"
    assert world.state.cost == cost
    assert "cogworks:node:failed" not in world.labels_now()
    world.people = merge_gates
    world.run()
    assert world.state.status is RunStatus.COMPLETED
    assert len(world.llm.requests) == 13


@pytest.mark.parametrize("beside", [True, False])
def test_a_state_in_anybody_elses_comment_is_plain_text(beside: bool, undisturbed: dict[str, World]) -> None:
    """GH-17: whatever its numbers, alone or beside ours."""
    world = World(people=nobody).run()
    (number,) = state_comments(world)
    ours = next(one.body for one in world.comments() if one.id == number)
    cost = world.state.cost
    forged = ours.replace("seq=", "seq=99").replace("fence=", "fence=99").replace("running", "completed")
    world.person.comment(NUMBER, forged)
    if not beside:
        world.person.delete_comment(number)
    world.lose_redis()
    world.run()
    own = next(one.body for one in world.comments() if one.author == "cogworks" and "cogworks:state v1" in one.body)

    assert "seq=99" not in own
    assert any(one.body == forged for one in world.comments())
    assert world.house.ports.projection.load(ITEM).facts  # type: ignore[union-attr]
    assert f'"microusd":{cost.microusd}' in own


def test_a_writer_that_was_overtaken_is_refused_and_says_so() -> None:
    """GH-19."""
    world = World(people=nobody).run()
    (number,) = state_comments(world)
    body_now = next(one.body for one in world.comments() if one.id == number)
    newer = body_now.replace("fence=", "fence=99", 1)
    world.forge.repo(ITEM.repo).comments[number] = (
        world.forge.repo(ITEM.repo).comments[number].__class__(**{**_fields(world, number), "body": newer})
    )
    world.person.merge(world.pull("spec").number)
    world.step()

    assert next(one.body for one in world.comments() if one.id == number) == newer
    assert any("state_conflict" in text for _, text in world.log)


def _fields(world: World, number: int) -> dict[str, object]:
    from dataclasses import fields

    comment = world.repo.comments[number]
    return {one.name: getattr(comment, one.name) for one in fields(comment)}


def test_a_node_comment_edited_by_somebody_is_warned_of_and_the_audit_branch_counts() -> None:
    world = World(people=nobody).run()
    cost = world.state.cost
    comment = next(one for one in world.comments() if "kind=node" in one.body and "node=intake" in one.body)
    world.person.edit_comment(comment.id, comment.body.replace("cost_microusd=", "cost_microusd=9") + "\nAll free.\n")
    delete_state(world)
    world.lose_redis()
    world.run()

    assert world.state.cost == cost
    assert any("was edited by somebody" in text and "intake" in text for _, text in world.log)


def test_a_run_that_was_resumed_goes_on_after_its_state_is_lost() -> None:
    world = rejected().run()
    assert world.state.failure is not None
    assert world.state.failure.category is FailureCategory.TRAVERSALS_EXHAUSTED
    world.rules = ()
    delete_state(world)
    world.lose_redis()
    world.person.unlabel(NUMBER, "cogworks:node:failed")
    asked = len(world.llm.requests)
    world.step()

    assert world.state.status is RunStatus.RUNNING
    assert len(world.llm.requests) == asked
    assert world.kinds().count("failure") == 1, "what was said is not said again"
