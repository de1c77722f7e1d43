"""When people act in a run, what they do, and how one looks at what came of it."""

from collections.abc import Callable
from importlib.resources import files as resources

from answers import body, good_answers, only
from world import NUMBER, REPO, World, nobody

from cogworks.adapters.memory_llm import Rule, Say, ScriptedLlm
from cogworks.engine.polling import poll
from cogworks.model.errors import FailureCategory
from cogworks.model.github import Milestone
from cogworks.model.ids import IssueNumber
from cogworks.model.llm import LlmRequest
from cogworks.model.state import NodeStatus, RunStatus
from cogworks.pages.state_comment import read_state_mark

Act = Callable[[World], object]
RUN, CANCEL, FAILED = "cogworks:run", "cogworks:cancel", "cogworks:node:failed"
SPEC = "docs/cogworks/1/spec.md"


def three(depends_on: dict[int, list[int]] | None = None) -> World:
    return World(rules=good_answers(3, depends_on={2: [1], 3: [2]} if depends_on is None else depends_on), text=body(3))


def at(node: str, act: Act) -> Callable[[World], World]:
    """Let a person act once, when ``node`` has started; a poll comes by before anything else happens."""

    def run(world: World) -> World:
        done: list[str] = []

        def between(now: World) -> None:
            if not done and any(a == "node_start" and text.startswith(f"{node} attempt 1") for a, text in now.log):
                done.append(node)
                act(now)
                poll(now.house, REPO)

        world.run(between=between)
        assert done, f"{node} never started"
        return world

    return run


def waiting(act: Act) -> Callable[[World], World]:
    """Let a person act once, when the specification waits for its answer."""

    def run(world: World) -> World:
        people, world.people = world.people, nobody
        world.run()
        act(world)
        world.people = people
        return world.run()

    return run


def ended(*acts: Act) -> Callable[[World], World]:
    """Let a person act when the run has ended, each time until nothing moves any more."""

    def run(world: World) -> World:
        world.run()
        for act in acts:
            act(world)
            world.run()
        return world

    return run


def number_of(world: World, swi: int) -> IssueNumber:
    return world.swis()[swi - 1].number


def node(world: World, name: str, swi: int | None = None) -> NodeStatus:
    nodes = world.state.nodes if swi is None else world.state.sub_work_items[swi - 1].nodes
    return nodes[name].status  # type: ignore[index]


def statuses(world: World) -> list[str]:
    return [str(swi.status) for swi in world.state.sub_work_items]


def status_labels(world: World) -> list[set[str]]:
    return [{one for one in issue.labels if one.startswith("cogworks:status:")} for issue in world.swis()]


def stopped(world: World) -> FailureCategory | None:
    return world.state.failure.category if world.state.failure else None


def attempts(world: World, name: str, swi: int | None = None) -> int:
    nodes = world.state.nodes if swi is None else world.state.sub_work_items[swi - 1].nodes
    return nodes[name].attempts  # type: ignore[index]


def done(world: World) -> tuple[object, object]:
    return world.state.status, RunStatus.COMPLETED


def safe(world: World) -> set[str]:
    return world.labels_now() & {"cogworks:safety-critical"}


def nonsense(name: str, *, until: int) -> Rule:
    return only(name, Say("no"), when=lambda r: r.identity.attempt <= until)


def put_back(world: World, label: str) -> bool:
    kinds = [(e.kind, e.actor) for e in world.repo.events if e.label == label and e.issue == NUMBER]
    taken = kinds.index(("unlabeled", "maria"))
    return ("labeled", "cogworks") in kinds[taken:]


def edit_state(world: World) -> None:
    found = next(one for one in world.comments() if read_state_mark(one.body))
    world.person.edit_comment(found.id, found.body.replace('"run_id":', '"RIGGED":"","run_id":'))


def say_more(world: World, text: str) -> None:
    old = world.content("cogworks/1/spec")[SPEC].decode()
    world.person.push("cogworks/1/spec", {SPEC: old.replace("mean exists", f"mean exists {text}").encode()})


def clash(world: World) -> World:
    """A person pushes while the model is at it."""

    def push(request: LlmRequest) -> bool:
        if request.identity.node == "code_generation" and "cogworks/1/swi-1" not in world.repo.branches:
            world.person.push("cogworks/1/swi-1", {"src/calc/mean.py": b"X = 1\n"})
        return False

    world.llm = ScriptedLlm([Rule(when=push, replies=[Say("")]), *world.rules])
    world.house = world.new_house()
    return world.run()


def reject(world: World, slug: str, text: str) -> None:
    number = world.pull(slug).number
    world.person.request_changes(number, text)
    world.person.close(IssueNumber(number))


def first_again(world: World) -> LlmRequest:
    return next(r for r in world.asked("code_generation", purpose="generate", swi=1) if r.identity.attempt == 2)


def clutter(world: World) -> None:
    mine = world.person.open_issue("Something else")
    world.person.attach(NUMBER, child=mine.number)
    world.person.label(NUMBER, "bug")
    world.person.comment(NUMBER, "Nice!")


def order(world: World) -> list[int]:
    found = [int(r.identity.sub_work_item or 0) for r in world.asked("code_generation", purpose="generate")]
    return list(dict.fromkeys(found))


def with_milestone(world: World) -> World:
    world.repo.milestones.append(Milestone(number=1, title="v2"))
    return world


def other_pipeline(world: World) -> None:
    text = (resources("cogworks.graph") / "default.toml").read_bytes()
    world.person.push("main", {".cogworks/pipeline.toml": text})
