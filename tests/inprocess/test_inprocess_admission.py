"""Who may begin, in which order, and what the others are told (20 section 11)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from planted import config
from world import ITEM, REPO, World

from cogworks.adapters.memory_queue import SentStep
from cogworks.engine.polling import poll
from cogworks.model.ids import IssueNumber, Item
from cogworks.model.llm import RateLimits

ROOM_HERE = "as many as engine.max_active_runs allows"


def world_of(*titles: str, **options: object) -> World:
    """A world whose first issue is not triggered, with further issues, from 3 on, that wait for their trigger."""
    world = World(labels=(), **options)  # type: ignore[arg-type]
    for title in titles:
        world.person.open_issue(title, body=world.text)
    return world


def begin(world: World) -> list[int]:
    """Poll once and let those that were admitted begin; return their numbers."""
    before = len(world.queue.sent)
    poll(world.house, REPO)
    sent = world.queue.sent[before:]
    world.drain()
    return [one.item.number for one in sent if isinstance(one, SentStep) and one.hint == "triggered"]


def waiting(world: World) -> dict[int, str]:
    return {item.number: why for item, why in world.pulse.vitals().waiting.items()}


def trigger(world: World, *numbers: int) -> None:
    for number in numbers:
        world.person.label(IssueNumber(number), "cogworks:run")
        world.clock.advance(60)


def test_the_oldest_trigger_begins_first_and_the_others_are_told_why_not() -> None:
    world = world_of("two", "three", "four", "five")
    trigger(world, 6, 4, 5, 3)
    assert begin(world) == [6, 4, 5]
    assert waiting(world) == {3: f"3 runs are open in this repository, {ROOM_HERE}"}


def test_what_was_labelled_before_the_newest_page_of_events_is_ordered_by_number() -> None:
    world = world_of("two", "three", "four", "five")
    trigger(world, 6, 5)
    world.repo.events.clear()
    trigger(world, 3, 4)
    assert begin(world) == [5, 6, 3]


def test_the_configuration_of_the_repository_says_how_many() -> None:
    world = world_of("two", "three", files=config("[engine]\nmax_active_runs = 1\n"))
    trigger(world, 3)
    assert begin(world) == [3], "its first step reads the configuration"
    trigger(world, 4)
    assert begin(world) == []
    assert waiting(world) == {4: f"1 runs are open in this repository, {ROOM_HERE}"}


def test_the_operator_says_how_many_in_all() -> None:
    world = world_of("two", "three")
    world.house = replace(world.house, max_active_runs=1)
    trigger(world, 4, 3)
    assert begin(world) == [4]
    assert "COGWORKS_MAX_ACTIVE_RUNS" in waiting(world)[3]


def test_an_item_that_others_block_is_passed_over_until_they_are_closed() -> None:
    world = world_of("two", "three", "four", "five", "six")
    world.repo.blockers[IssueNumber(3)] += [IssueNumber(1), IssueNumber(7)]
    trigger(world, 3, 4, 5, 6)
    assert begin(world) == [4, 5, 6], "it takes nobody's room"
    assert waiting(world) == {3: "blocked by #1, #7"}
    for number in (4, 5, 6):
        world.person.close(IssueNumber(number))
    world.run()
    assert begin(world) == []
    assert waiting(world) == {3: "blocked by #1, #7"}
    world.person.close(IssueNumber(1))
    assert begin(world) == []
    assert waiting(world) == {3: "blocked by #7"}
    world.person.close(IssueNumber(7))
    assert begin(world) == [3]
    assert waiting(world) == {}


def test_below_the_floor_nothing_begins_and_what_runs_goes_on() -> None:
    world = world_of("two", "three")
    trigger(world, 3)
    assert begin(world) == [3]
    ends = {"requests": world.clock.now() + timedelta(hours=1)}
    world.permits.answered("call", RateLimits(remaining={"requests": 5}, limit={"requests": 50}, reset_at=ends))
    trigger(world, 4)
    assert begin(world) == []
    assert waiting(world) == {4: "the model provider's rate limit: 5 of 50 requests are left"}
    world.run()
    assert "cogworks:node:spec_review" in world.labels_now(3) or len(world.comments(3)) > 3, "what runs goes on"
    world.clock.advance(3600)
    assert begin(world) == [4]


def block(world: World) -> None:
    world.repo.blockers[IssueNumber(3)].append(IssueNumber(1))
    trigger(world, 3)


ASKED: list[tuple[str, Callable[[World], object], int]] = [
    ("nothing waits", lambda _: None, 0),
    ("the list says that nobody blocks it", lambda world: trigger(world, 3), 0),
    ("somebody blocks it", block, 1),
]


@pytest.mark.parametrize(("why", "given", "asked"), ASKED, ids=[row[0] for row in ASKED])
def test_a_poll_asks_for_blockers_of_candidates_alone(why: str, given: Callable[[World], object], asked: int) -> None:
    world = world_of("two")
    given(world)
    calls: list[IssueNumber] = []
    issues = world.house.ports.github.issues
    real = issues.blocked_by

    def blocked_by(repo: object, number: IssueNumber) -> object:
        calls.append(number)
        return real(REPO, number)

    issues.blocked_by = blocked_by  # type: ignore[method-assign,assignment]
    poll(world.house, REPO)
    assert len(calls) == asked, why


def test_an_item_that_waits_is_no_run_yet() -> None:
    world = world_of("two", "three")
    world.house = replace(world.house, max_active_runs=1)
    trigger(world, 3, 4)
    begin(world)
    assert Item(REPO, IssueNumber(4)) not in world.house.ports.projection.known()
    assert ITEM not in world.house.ports.projection.known()
