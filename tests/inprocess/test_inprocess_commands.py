"""What people command by comment: answers at gates without a pull request, and going on after a failure (GH-10)."""

import pytest
from answers import good_answers, intake, only
from world import NUMBER, World, close_gates

from cogworks.adapters.memory_people import MemoryPerson
from cogworks.model.state import NodeStatus, RunStatus
from cogworks.policy.commands import Command, commands_in


def waiting_at_review() -> World:
    """Return a safety-affecting run whose review waits for a person."""
    return World(rules=[only("intake", intake(safety_affecting=True)), *good_answers()]).run()


def test_a_comment_approves_a_gate_that_no_pull_request_stands_for() -> None:
    world = waiting_at_review()
    world.person.comment(NUMBER, "Read it twice.\n\n/cogworks approve review swi 1 looks right")
    world.run()

    assert world.state.status is RunStatus.COMPLETED
    gate = world.state.gates[-1]
    assert (gate.node, gate.swi, gate.decision, gate.by) == ("review", 1, "approved", "maria")


@pytest.mark.parametrize(
    ("login", "text", "why"),
    [
        ("stranger", "/cogworks approve review swi 1", "no write access"),
        ("maria", "/cogworks approve review", "another instance: the gate is the SWI's"),
        ("maria", "/cogworks approve architecture", "another node"),
        ("maria", "> /cogworks approve review swi 1", "a quotation"),
        ("maria", "```\n/cogworks approve review swi 1\n```", "code"),
        ("maria", "/cogworks reject review swi 1", "a rejection needs a reason"),
    ],
)
def test_what_is_no_answer_leaves_the_gate_waiting(login: str, text: str, why: str) -> None:
    world = waiting_at_review()
    MemoryPerson(world.forge, world.repo.name, login=login).comment(NUMBER, text)
    world.run()

    assert world.state.sub_work_items[0].nodes["review"].status is NodeStatus.AWAITING_APPROVAL, why


def test_a_comment_rejects_with_a_reason() -> None:
    world = waiting_at_review()
    world.person.comment(NUMBER, "/cogworks reject review swi 1 the rounding is wrong")
    world.run()

    assert world.state.status is RunStatus.FAILED
    assert not [pull for pull in world.pulls() if pull.head.endswith("swi-1")]


def test_a_failed_run_goes_on_when_told_and_an_old_word_does_not_count_again() -> None:
    world = World(people=close_gates).run()
    assert world.state.status is RunStatus.FAILED
    attempts = world.state.nodes["architecture"].attempts
    world.person.comment(NUMBER, "/cogworks run")
    world.run()

    assert world.state.nodes["architecture"].attempts == attempts + 1
    assert world.state.status is RunStatus.FAILED, "its pull request is still closed"
    assert len(world.notes("failure")) == 2


@pytest.mark.parametrize(
    ("body", "commands", "why"),
    [
        ("/cogworks run", (Command(word="run"),), "the plain form"),
        ("please /cogworks run", (), "not at the start of a line"),
        (
            "/cogworks approve planning fine by me",
            (Command(word="approve", node="planning", note="fine by me"),),
            "a note",
        ),
        ("/cogworks run\n/cogworks run", (Command(word="run"),) * 2, "two lines, two commands"),
        ("\n".join(["/cogworks run"] * 9), (Command(word="run"),) * 5, "at most five"),
        ("/cogworks dance", (), "unknown"),
    ],
)
def test_commands_are_lines_of_their_own(body: str, commands: tuple[Command, ...], why: str) -> None:
    assert commands_in(body) == commands, why
