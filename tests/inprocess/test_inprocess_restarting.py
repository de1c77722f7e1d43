"""Going on, beginning anew, being triggered twice (ENG-43 to ENG-45)."""

import random
from collections.abc import Callable
from importlib.resources import files

import pytest
from answers import body, good_answers, intake, only
from mortal import Death, Mortal, deaths
from speaking import LONG, at_spec, cancelled, completed, failed, held, replies, say, thumbs
from world import ITEM, NUMBER, World, merge_gates, nobody

from cogworks.adapters.memory_llm import Say
from cogworks.engine.polling import poll
from cogworks.model.errors import FailureCategory
from cogworks.model.llm import LlmRequest
from cogworks.model.state import RunStatus, SwiStatus

RESTART = "cogworks:restart"
Act = Callable[[World], object]


def by_comment(world: World) -> None:
    say(world, "/cogworks restart", run=False)


def by_label(world: World) -> None:
    world.person.label(NUMBER, RESTART)


def low_risk(**fields: object) -> World:
    """A run that meets no gate, so that nobody is needed."""
    rules = [only("intake", intake(task_type="documentation")), *good_answers()]
    return World(rules=rules, people=nobody, **fields)  # type: ignore[arg-type]


WAYS = [pytest.param(by_comment, id="by comment"), pytest.param(by_label, id="by label")]


@pytest.mark.parametrize("act", WAYS)
@pytest.mark.parametrize("make", [completed, failed, cancelled, at_spec], ids=lambda one: one.__name__)
def test_a_restart_is_a_new_run_and_the_old_one_stays_to_be_read(make: Callable[[], World], act: Act) -> None:
    world = make()
    old, spent = world.state, len(world.asked("intake"))
    world.people = merge_gates
    act(world)
    world.run()

    new = world.state
    assert [one.run_id for one in world.states] == [old.run_id, new.run_id]
    assert world.states[0].superseded_by == new.run_id
    assert new.restart_no == 1
    assert len(world.asked("intake")) == spent + 1
    assert world.labels_now() >= {"cogworks:run"}
    assert not world.labels_now() & {RESTART, "cogworks:cancel"}
    assert any(pull.head == "cogworks/1/r1/spec" for pull in world.pulls())
    assert "superseded by run" in next(one.body for one in world.comments() if "cogworks:state" in one.body)
    if make is not failed:
        assert new.status is RunStatus.COMPLETED
    assert world.ledger.show(ITEM).committed.microusd == new.cost.microusd, "the new run has a budget of its own"


def test_what_a_restart_leaves_behind_stays_open_and_says_so() -> None:
    world = low_risk().run()
    pulls = [pull for pull in world.pulls() if pull.open]
    swi = world.swis()[0].number
    say(world, "/cogworks restart")

    for pull in pulls:
        assert world.repo.pull(pull.number, operation="test").open
        assert len([one for one in world.comments(pull.number) if "Superseded" in one.body]) == 1
    assert world.issue(swi).open
    assert "cogworks:status:superseded" in world.labels_now(swi)
    assert "cogworks:status:pr-open" not in world.labels_now(swi)
    assert len([one for one in world.comments(swi) if "Superseded" in one.body]) == 1
    assert world.state.sub_work_items[0].issue != swi
    assert world.state.sub_work_items[0].status is SwiStatus.PR_OPEN


@pytest.mark.parametrize("act", WAYS)
def test_no_restart_while_a_node_is_at_work(act: Act) -> None:
    world = low_risk()
    done: list[bool] = []

    def between(now: World) -> None:
        if not done and any("architecture attempt" in text for kind, text in now.log if kind == "node_start"):
            done.append(True)
            act(now)
            poll(now.house, now.repo.name)
            now.step()

    world.run(between=between)
    assert done
    assert len(world.states) == 1
    assert world.state.status is RunStatus.COMPLETED
    assert RESTART not in world.labels_now()
    said = [*replies(world), *(one.text for one in world.notes("duplicate"))]
    assert [("is at work: cancel first" in text) for text in said] == [True]


def test_no_restart_while_the_item_is_held() -> None:
    world = held()
    by_label(world)
    comment = say(world, "/cogworks restart")

    assert thumbs(world, comment) == ["-1"]
    assert len(world.states) == 1
    say(world, f"/cogworks release-hold {LONG}")
    assert world.state.status is RunStatus.HELD


def test_two_restarts_are_two_runs() -> None:
    world = low_risk().run()
    say(world, "/cogworks restart")
    say(world, "/cogworks restart")

    assert [one.restart_no for one in world.states] == [0, 1, 2]
    assert {pull.head for pull in world.pulls()} >= {"cogworks/1/spec", "cogworks/1/r1/spec", "cogworks/1/r2/spec"}


def test_a_restart_label_where_nothing_ran_yet_begins_a_run() -> None:
    world = low_risk(labels=())
    by_label(world)
    world.step()
    world.run()

    assert [one.restart_no for one in world.states] == [0]
    assert world.state.status is RunStatus.COMPLETED
    assert RESTART not in world.labels_now()


class MortalRestart(Mortal):
    """A world in which a process dies after the first run was completed."""

    def prepared(self, death: Death | None, act: Act) -> "MortalRestart":
        self.run()
        self.die(death)
        act(self)
        return self


def mortal() -> MortalRestart:
    rules = [only("intake", intake(task_type="documentation")), *good_answers()]
    return MortalRestart(rules=rules, people=nobody)


def plain_picture(world: World) -> dict[str, object]:
    """What people see, with the reactions and replies that commands got."""
    return {
        **world.picture(),
        "runs": [(one.restart_no, one.status, one.superseded_by is not None) for one in world.states],
        "thumbs": [found for found in world.repo.reactions.values() if found],
        "replies": len(replies(world)),
        "labels": [sorted(issue.labels) for issue in world.repo.issues.values()],
        "said": sorted(len(world.comments(number)) for number in world.repo.issues if number != NUMBER),
    }


@pytest.mark.parametrize("act", WAYS)
def test_wherever_a_process_dies_a_restart_is_one_new_run(act: Act) -> None:
    reference = mortal().prepared(None, act)
    reference.run()
    picture = plain_picture(reference)
    assert picture["runs"] == [(0, RunStatus.RUNNING, True), (1, RunStatus.COMPLETED, False)]
    # The restart itself is at the beginning; the run that follows is like any other.
    early = reference.fate.calls[:90]

    wrong = {}
    chosen = random.Random(20261126)
    for number in sorted(chosen.sample(range(len(early)), 10)):
        death = Death(number, chosen.random() < 0.5, chosen.random() < 0.5)
        world = mortal().prepared(death, act)
        world.run()
        assert world.fate.dead, f"{death} never came"
        if plain_picture(world) != picture:
            found = plain_picture(world)
            wrong[f"{early[number]}: {death}"] = [name for name in picture if found[name] != picture[name]]
    assert wrong == {}


COMMANDS = ["/cogworks cancel enough", "/cogworks approve architecture\n/cogworks dance", "/cogworks status"]


@pytest.mark.parametrize("text", COMMANDS)
def test_wherever_a_process_dies_a_command_acts_once(text: str) -> None:
    """Before or after reaction, reply, labels and state."""

    def told(death: Death | None) -> MortalRestart:
        return MortalRestart(people=nobody).prepared(death, lambda now: say(now, text, run=False))

    reference = told(None)
    reference.run()
    picture = plain_picture(reference)

    wrong = {}
    for death in deaths(min(len(reference.fate.calls), 60), 8):
        world = told(death)
        world.run()
        if plain_picture(world) != picture:
            found = plain_picture(world)
            wrong[f"{reference.fate.calls[death.number]}: {death}"] = [n for n in picture if found[n] != picture[n]]
    assert wrong == {}


# -- triggered twice (ENG-45) -----------------------------------------------------------------------------------------


def retrigger(world: World) -> None:
    world.person.unlabel(NUMBER, "cogworks:run")
    world.person.label(NUMBER, "cogworks:run")


def queueing() -> World:
    text = _pipeline().replace(b"[pipeline]", b'[pipeline]\non_duplicate_trigger = "queue"')
    return World(files={".cogworks/pipeline.toml": text}, people=nobody)


def _pipeline() -> bytes:
    return (files("cogworks.graph") / "default.toml").read_bytes()


def test_a_trigger_while_running_is_rejected_in_one_comment_that_names_the_run() -> None:
    world = at_spec()
    retrigger(world)
    world.run()

    assert world.state.status is RunStatus.WAITING
    assert world.state.run_id in world.note("duplicate")


def test_the_trigger_that_began_a_run_is_no_duplicate_when_it_is_seen_late() -> None:
    world = World(people=nobody)
    world.step()
    world.run()

    assert world.notes("duplicate") == []


def test_a_queued_trigger_waits_for_the_end_and_a_second_one_is_rejected() -> None:
    world = queueing().run()
    retrigger(world)
    world.run()
    assert world.state.queued == "maria"
    assert world.notes("duplicate") == []
    comment = say(world, "/cogworks run")
    assert thumbs(world, comment) == ["-1"]

    world.people = merge_gates
    world.run()
    assert [one.restart_no for one in world.states] == [0, 1]
    assert world.state.status is RunStatus.COMPLETED
    assert world.state.queued == ""


def test_the_trigger_put_on_again_after_a_stop_is_enough_to_go_on() -> None:
    """GH-08: the machine's cancel label need not be taken away by hand."""
    world = at_spec()
    world.person.unlabel(NUMBER, "cogworks:run")
    world.run()
    assert world.state.status is RunStatus.CANCELLED
    world.people = merge_gates
    world.person.label(NUMBER, "cogworks:run")
    world.run()

    assert world.state.status is RunStatus.COMPLETED
    assert "cogworks:cancel" not in world.labels_now()
    assert world.notes("duplicate") == []


# -- another pipeline file (ENG-07) -----------------------------------------------------------------------------------


def changed(world: World, text: bytes) -> World:
    world.person.push("main", {".cogworks/pipeline.toml": text})
    return world


def test_a_changed_pipeline_file_stops_a_resume_until_a_person_accepts_it() -> None:
    world = changed(failed(), _pipeline().replace(b"[pipeline]", b"# changed\n[pipeline]"))
    world.person.unlabel(NUMBER, "cogworks:node:failed")
    world.run()
    assert (world.state.status, world.state.failure and world.state.failure.category) == (
        RunStatus.ESCALATED,
        FailureCategory.GRAPH_CHANGED,
    )
    assert "cogworks:node:failed" in world.labels_now()
    refused = say(world, "/cogworks run")
    assert thumbs(world, refused) == ["-1"]
    assert "--accept-graph" in replies(world)[0]

    old = world.state.graph_hash
    say(world, "/cogworks run --accept-graph")
    assert world.state.status is RunStatus.COMPLETED
    assert world.state.graph_hash != old


def test_a_pipeline_that_lacks_what_was_done_is_not_accepted() -> None:
    text = _pipeline()
    for name in (b"id", b"from", b"to"):
        text = text.replace(name + b'="architecture"', name + b'="design"')
    world = changed(failed(), text)
    comment = say(world, "/cogworks run --accept-graph")

    assert thumbs(world, comment) == ["-1"]
    assert "has no node architecture" in replies(world)[0]
    assert world.state.status is RunStatus.ESCALATED


# -- cancel (ENG-42) --------------------------------------------------------------------------------------------------


def test_cancel_by_command_during_two_nodes_charges_both_and_starts_no_more() -> None:
    """X-67."""
    pipeline = _pipeline().replace(b"[pipeline]", b"[pipeline]\nmax_parallel_sub_work_items = 3")
    rules = [only("intake", intake(task_type="documentation")), *good_answers(3)]
    world = World(rules=rules, text=body(3), files={".cogworks/pipeline.toml": pipeline}, people=nobody)
    done: list[int] = []

    def between(now: World) -> None:
        ended = [text for kind, text in now.log if kind == "node_end" and "code_generation" in text]
        if not done and ended:
            done.append(len(now.llm.requests))
            say(now, "/cogworks cancel enough", run=False)
            poll(now.house, now.repo.name)
            now.step()

    world.run(between=between)
    assert done, "no code was written"
    assert world.state.status is RunStatus.CANCELLED
    assert len(world.llm.requests) == done[0]
    assert "cogworks:cancel" in world.labels_now()
    assert "enough" in world.note("summary")
    assert world.ledger.show(ITEM).committed.microusd == world.state.cost.microusd
    assert not world.git._trees


def test_a_call_in_flight_when_the_run_is_cancelled_is_charged_though_its_work_counts_no_more() -> None:
    """ENG-42: the command is acted on while the model is thinking."""
    done: list[bool] = []

    def cancel_meanwhile(request: LlmRequest) -> bool:
        if not done and request.identity.node == "architecture":
            done.append(True)
            say(world, "/cogworks cancel", run=False)
            poll(world.house, world.repo.name)
            world.step()
        return False

    world = World(rules=[only("architecture", Say("never"), when=cancel_meanwhile), *good_answers()])
    world.run()

    assert done
    assert world.state.status is RunStatus.CANCELLED
    assert len(world.asked("architecture")) == 1, "no later call"
    assert world.state.nodes["architecture"].cost.microusd > 0
    assert world.ledger.show(ITEM).committed.microusd == world.state.cost.microusd
    assert "cogworks/1/spec" not in world.repo.branches
    assert len(world.notes("summary")) == 1
