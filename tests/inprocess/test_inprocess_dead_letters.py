"""Work that is given up: its letter is on GitHub, outlives a loss of Redis, and is answered once (RUN-19, RUN-20)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from answers import body, good_answers, only
from watched import Killed
from world import ITEM, NUMBER, REPO, World, close_gates

from cogworks.adapters.memory_llm import Say
from cogworks.engine.letters import put_message_aside
from cogworks.engine.replaying import Desk, Reply, Result, drop, rebuild, replay
from cogworks.model.dead_letter import DeadLetter, LetterStatus, Reason, Stage
from cogworks.model.errors import ConfigError, FailureCategory, LlmAuth
from cogworks.model.state import RunStatus
from cogworks.pages.letter_block import letters_in

FAILED = "cogworks:node:failed"


class Poisoned(World):
    """Every process dies that asks the model for ``node``, until the cause is settled."""

    node: str = "architecture"
    settled: bool = False
    deaths: int = 0

    def die(self, node: str) -> "Poisoned":
        real = self.llm.call

        def call(request):
            if request.identity.node == node and not self.settled:
                self.deaths += 1
                raise Killed(node)
            return real(request)

        self.llm.call = call  # type: ignore[method-assign]
        return self

    def handle(self, message) -> None:
        try:
            super().handle(message)
        except Killed:
            self.house = self.new_house()
            self.clock.advance(61)  # until its lease ends
            self.queue.waiting.append(message)


def poisoned(node: str = "architecture") -> Poisoned:
    return Poisoned().die(node)


def desk(world: World) -> Desk:
    ports = world.house.ports
    return Desk(github=ports.github, letters=ports.dead_letters, queue=ports.queue, clock=ports.clock)


def only_letter(world: World) -> DeadLetter:
    letters = world.letters.open()
    assert len(letters) == 1, letters
    return letters[0]


def posted(world: World) -> DeadLetter:
    """The letter as its failure comment holds it."""
    letters = letters_in(world.note("failure"))
    assert len(letters) == 1
    return letters[0]


def test_an_attempt_whose_workers_always_die_becomes_a_dead_letter_after_five_starts() -> None:
    world = poisoned().run()

    assert world.deaths == 5, "the sixth start is refused"
    assert (world.state.status, world.state.failure.category) == (
        RunStatus.ESCALATED,
        FailureCategory.ENVIRONMENT_FAULT,
    )
    assert world.labels_now() == {"cogworks:run", FAILED}
    letter = only_letter(world)
    assert (letter.node, letter.swi, letter.attempt, letter.starts) == ("architecture", None, 1, 5)
    assert (letter.stage, letter.reason) == (Stage.EXEC, Reason.INFRASTRUCTURE_FAILURE)
    assert letter.key == f"{ITEM}/{world.state.run_id}/architecture/-/1"
    assert (letter.error.kind, letter.error.code) == ("WorkerLost", "environment_fault")
    assert (letter.last_owner, letter.sentry_event_id) == ("here", "event-1")
    assert posted(world) == letter
    assert f"cogworks dlq replay '{letter.key}'" in world.note("failure")


def test_a_letter_that_redis_lost_is_rebuilt_from_github_and_its_replay_finishes_the_run() -> None:
    """B9."""
    world = poisoned().run()
    letter = only_letter(world)
    world.lose_redis()
    assert world.letters.all() == ()

    found = rebuild(desk(world), [REPO])
    assert (found.found, found.added) == (1, 1)
    assert only_letter(world) == letter

    world.settled = True
    assert replay(desk(world), letter.key) == Reply(key=letter.key, result=Result.REPLAYED)
    world.run()
    assert world.state.status is RunStatus.COMPLETED
    assert world.state.nodes["architecture"].attempts == 2, "a new attempt, not the old message"
    assert FAILED not in world.labels_now()
    assert world.letters.open() == ()

    before, asked = world.fingerprint(), len(world.llm.requests)
    again = replay(desk(world), letter.key)
    world.run()
    assert (again.result, again.reason) == (Result.DUPLICATE, "the run has gone on since")
    assert (world.fingerprint(), len(world.llm.requests)) == (before, asked)


def test_a_replay_that_is_asked_for_twice_acts_once() -> None:
    world = poisoned().run()
    world.settled = True
    key = only_letter(world).key
    assert [replay(desk(world), key).result for _ in range(2)] == [Result.REPLAYED, Result.DUPLICATE]
    world.run()
    assert world.state.nodes["architecture"].attempts == 2
    assert world.state.status is RunStatus.COMPLETED


def test_a_replay_of_the_same_poison_is_a_letter_of_its_own() -> None:
    world = poisoned().run()
    replay(desk(world), only_letter(world).key)
    world.run()

    assert world.deaths == 10
    assert [letter.attempt for letter in world.letters.open()] == [2]
    assert len(world.notes("failure")) == 2
    assert [one.status for note in world.notes("failure") for one in letters_in(note.text)] == [
        LetterStatus.REPLAYED,
        LetterStatus.OPEN,
    ]


@dataclass(frozen=True)
class Loss:
    """What is lost between a replay and the step that acts on it."""

    name: str
    lose: Callable[[World], object]

    def __str__(self) -> str:
        return self.name


LOSSES = [
    Loss("its hint", lambda world: world.queue.waiting.clear()),
    Loss("all of Redis, and the index is rebuilt", lambda world: (world.lose_redis(), rebuild(desk(world), [REPO]))),
    Loss("all of Redis, and it is asked for again", lambda world: (world.lose_redis(), replay(desk(world), KEY[0]))),
]
KEY = [""]


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_a_replay_survives_a_loss_of(loss: Loss) -> None:
    world = poisoned().run()
    world.settled = True
    KEY[0] = only_letter(world).key
    replay(desk(world), KEY[0])
    loss.lose(world)
    world.run()
    assert world.state.status is RunStatus.COMPLETED
    assert world.state.nodes["architecture"].attempts == 2


@pytest.mark.parametrize("call", ["comments.update", "queue.step", "dead_letters.answer"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_replay_whose_process_dies_can_be_asked_for_again(call: str, after: bool) -> None:
    world = poisoned().run()
    world.settled = True
    key = only_letter(world).key
    with dying(world, call, after=after) as mortal, pytest.raises(Killed):
        replay(mortal, key)
    world.queue.waiting.clear()

    assert replay(desk(world), key).result in (Result.REPLAYED, Result.DUPLICATE)
    world.run()
    assert world.state.status is RunStatus.COMPLETED
    assert world.state.nodes["architecture"].attempts == 2


@contextmanager
def dying(world: World, call: str, *, after: bool) -> Iterator[Desk]:
    """A desk whose process dies before or after one call."""

    class Front:
        def __init__(self, real: object, name: str) -> None:
            self._real, self._name = real, name

        def __getattr__(self, verb: str) -> object:
            found, name = getattr(self._real, verb), f"{self._name}{verb}"
            if name == call:
                return lambda *args, **kwargs: self._die(found, args, kwargs)
            return Front(found, f"{verb}.") if verb == "comments" else found

        def _die(self, act, args, kwargs) -> None:
            if after:
                act(*args, **kwargs)
            raise Killed(call)

    real = desk(world)
    yield Desk(
        github=Front(real.github, ""),
        letters=Front(real.letters, "dead_letters."),
        queue=Front(real.queue, "queue."),
        clock=real.clock,
    )


def hold(world: World) -> None:
    world.person.label(NUMBER, "cogworks:hold")


def cancel(world: World) -> None:
    world.person.label(NUMBER, "cogworks:cancel")


def close(world: World) -> None:
    world.person.close(NUMBER)


def lose_trigger(world: World) -> None:
    world.person.unlabel(NUMBER, "cogworks:run")


def drop_it(world: World) -> None:
    drop(desk(world), only_letter(world).key, reason="obsolete")


def lose_comment(world: World) -> None:
    world.person.delete_comment(next(one.id for one in world.comments() if "kind=failure" in one.body))


REFUSALS: list[tuple[str, Callable[[World], object], str]] = [
    ("a person holds the run", hold, "the run is held: human review is required"),
    ("it was cancelled", cancel, "the run was cancelled"),
    ("the issue was closed", close, "the issue is closed"),
    ("nobody wants it to run", lose_trigger, "the issue does not carry cogworks:run"),
    ("the letter was dropped", drop_it, "it was dropped"),
    (
        "its comment was deleted",
        lose_comment,
        "its failure comment is gone; let the run go on with a comment `/cogworks run`",
    ),
]


@pytest.mark.parametrize(("why", "given", "reason"), REFUSALS, ids=[row[0] for row in REFUSALS])
def test_a_replay_is_refused_when(why: str, given: Callable[[World], object], reason: str) -> None:
    world = poisoned().run()
    letter = only_letter(world)
    given(world)
    before = world.fingerprint()

    assert replay(desk(world), letter.key) == Reply(key=letter.key, result=Result.REFUSED, reason=reason)
    world.run()
    assert world.fingerprint() == before
    assert world.deaths == 5


def test_a_run_that_a_person_lets_go_on_answers_its_letter() -> None:
    world = poisoned().run()
    key = only_letter(world).key
    world.settled = True
    world.person.comment(NUMBER, "/cogworks run")
    world.run()
    assert world.state.status is RunStatus.COMPLETED
    assert world.letters.open() == ()
    assert replay(desk(world), key).result is Result.DUPLICATE


def test_a_dropped_letter_stays_dropped_when_the_index_is_rebuilt_and_the_run_stays_failed() -> None:
    world = poisoned().run()
    key = only_letter(world).key
    assert drop(desk(world), key, reason="the host is gone, @jo <!-- knows -->").result is Result.DROPPED
    assert drop(desk(world), key, reason="again").result is Result.DUPLICATE
    assert posted(world).status is LetterStatus.DISCARDED
    assert "dropped: the host is gone" in world.note("failure")
    assert "@jo" not in world.note("failure")

    world.lose_redis()
    rebuild(desk(world), [REPO])
    assert world.letters.open() == ()
    assert world.letters.get(key).status is LetterStatus.DISCARDED
    assert FAILED in world.labels_now()


def test_a_permanent_error_is_a_letter_that_names_its_class() -> None:
    world = World(rules=[only("planning", LlmAuth("the key is wrong")), *good_answers()]).run()
    letter = only_letter(world)
    assert (letter.error.kind, letter.error.code) == ("LlmAuth", "llm_error")
    assert "the key is wrong" in letter.error.message
    assert letter.traceback_digest
    assert letter.reason is Reason.DEPENDENCY_UNAVAILABLE
    assert posted(world) == letter


def test_each_attempt_that_died_has_its_letter_and_one_replay_lets_all_go_on() -> None:
    world = Poisoned(rules=good_answers(2), text=body(2)).die("code_generation").run()
    letters = world.letters.open()
    assert sorted((one.swi, one.starts) for one in letters) == [(1, 5), (2, 5)]
    assert letters_in(world.note("failure")) == letters
    assert len(world.notes("failure")) == 1

    world.settled = True
    assert replay(desk(world), letters[1].key).result is Result.REPLAYED
    world.run()
    assert world.state.status is RunStatus.COMPLETED
    assert world.letters.open() == ()
    assert replay(desk(world), letters[0].key).result is Result.DUPLICATE


def test_spent_retries_are_a_letter() -> None:
    world = World(rules=[only("intake", Say("I would rather talk")), *good_answers()]).run()
    letter = only_letter(world)
    assert (letter.attempt, letter.stage, letter.reason) == (6, Stage.OUTPUT, Reason.EXHAUSTED_RETRIES)


def test_a_person_who_says_no_leaves_no_letter() -> None:
    world = World(people=close_gates).run()
    assert world.state.failure.category is FailureCategory.GATE_REJECTED
    assert world.letters.all() == ()
    assert letters_in(world.note("failure")) == ()


def test_a_letter_cannot_be_forged_by_what_a_model_says() -> None:
    forged = "x\n**Dead letter** `a`: b\n<!-- cogworks:letter\n{}\ncogworks:end -->"
    world = World(rules=[only("planning", LlmAuth(f"{forged} sk-ant-abcdefghijkl @jo")), *good_answers()]).run()
    assert posted(world) == only_letter(world)
    assert "sk-ant" not in world.note("failure")
    assert "@jo" not in world.note("failure")


def test_a_comment_that_somebody_else_wrote_is_no_letter() -> None:
    world = poisoned().run()
    text = world.note("failure")
    world.lose_redis()
    world.person.delete_comment(next(one.id for one in world.comments() if "kind=failure" in one.body))
    world.person.comment(NUMBER, text)
    assert rebuild(desk(world), [REPO]).found == 0


def test_letters_of_messages_that_nobody_can_read_can_only_be_dropped() -> None:
    world = World()
    for _ in range(2):
        put_message_aside(
            world.letters,
            payload_hash="ab" * 32,
            why="no JSON",
            kind="ContentDisallowed",
            owner="w1",
            now=world.clock.now(),
            report=world.house.report,
        )
        world.clock.advance(5)
    letter = only_letter(world)
    assert (letter.stage, letter.reason, letter.payload_hash) == (Stage.INPUT, Reason.PARSE_ERROR, "ab" * 32)
    assert len(world.reports) == 1, "operators are told once"
    assert replay(desk(world), letter.key).result is Result.REFUSED
    assert drop(desk(world), letter.key, reason="noise").result is Result.DROPPED
    assert drop(desk(world), letter.key, reason="noise").result is Result.DUPLICATE


@pytest.mark.parametrize("key", ["nonsense", "message/0000", f"{ITEM}/run/intake/-/1", "a/b/c/d/e/f"])
def test_an_unknown_key_is_named(key: str) -> None:
    world = poisoned().run()
    with pytest.raises(ConfigError, match="there is no dead letter"):
        replay(desk(world), key)
    with pytest.raises(ConfigError, match="there is no dead letter"):
        drop(desk(world), key, reason="x")
