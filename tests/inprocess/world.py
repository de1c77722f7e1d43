"""A whole CogWorks in one process: the real engine and nodes on memory twins, with time and people in our hands.

A journey plants a repository, says what model, services and people do, and runs until nothing moves any more. What it
asserts on is what people can see: issues, labels, comments, pull requests, branches, and how often a model was asked.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from importlib.resources import files as resources

from answers import TASK, body, good_answers
from planted import FILES, PASSING

from cogworks.adapters.memory_clock import CountingIds, VirtualClock
from cogworks.adapters.memory_dead_letters import MemoryDeadLetters
from cogworks.adapters.memory_forge import MemoryForge, MemoryRepo, PlantedIssue
from cogworks.adapters.memory_git import MemoryGit
from cogworks.adapters.memory_github import MemoryGitHub
from cogworks.adapters.memory_ledger import MemoryLedger
from cogworks.adapters.memory_llm import Rule, ScriptedLlm
from cogworks.adapters.memory_people import MemoryPerson
from cogworks.adapters.memory_permits import MemoryPermits
from cogworks.adapters.memory_pulse import MemoryPulse
from cogworks.adapters.memory_queue import RecordingQueue, Sent, SentNode
from cogworks.adapters.memory_quota import MemoryQuota
from cogworks.adapters.memory_runtime import MemoryLeases, MemoryMemo, MemoryProjection, MemoryStore
from cogworks.adapters.memory_services import Handler, MemoryServices
from cogworks.bootstrap import default_pipeline, shipped_templates
from cogworks.engine.attempt import run_attempt
from cogworks.engine.configuring import Shipped
from cogworks.engine.house import House
from cogworks.engine.polling import poll
from cogworks.engine.recover import sweep
from cogworks.engine.turn import StepReport, patient_step
from cogworks.model.audit import Actor
from cogworks.model.dead_letter import DeadLetter
from cogworks.model.github import Comment, Issue, Pull
from cogworks.model.ids import IssueNumber, Item, PullNumber, RepoName, Sha
from cogworks.model.llm import LlmRequest
from cogworks.model.pulse import Alert
from cogworks.model.state import RunState
from cogworks.pages.markers import read_mark
from cogworks.pages.state_comment import read_state, read_state_mark
from cogworks.policy.known_models import parse_known_models
from cogworks.ports.bundle import Ports

REPO = RepoName("acme/calc")
NUMBER = IssueNumber(1)
ITEM = Item(REPO, NUMBER)
MARIA = "maria"


class Stuck(AssertionError):
    """The run neither ended nor waits for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A comment of CogWorks, by its mark."""

    kind: str
    key: str
    node: str
    swi: str
    result: str
    text: str


@dataclass(kw_only=True)
class World:
    """Everything outside CogWorks, and the loop that lets it work."""

    rules: Sequence[Rule] = field(default_factory=good_answers)
    files: Mapping[str, bytes | None] = field(default_factory=dict)
    title: str = TASK
    text: str = body(1)
    labels: tuple[str, ...] = ("cogworks:run",)
    services: Mapping[str, Handler] = field(default_factory=dict)
    people: "Callable[[World], bool] | None" = None
    twice: bool = False
    plug: Callable[[Ports], Ports] = lambda ports: ports

    def __post_init__(self) -> None:
        self.clock, self.ids, self.queue = VirtualClock(), CountingIds(), RecordingQueue()
        self.forge = MemoryForge(now=self.clock.now)
        kept = {path: data for path, data in {**FILES, **self.files}.items() if data is not None}
        issue = PlantedIssue(title=self.title, body=self.text, labels=self.labels)
        self.forge.add_repo(REPO, files=kept, issues=[issue])
        self.store, self.memo = MemoryStore(self.clock), MemoryMemo()
        self.ledger, self.llm = MemoryLedger(self.clock), ScriptedLlm(self.rules)
        self.permits, self.quota = MemoryPermits(self.clock), MemoryQuota(self.clock)
        self.service = MemoryServices({"python": {**PASSING, **self.services}})
        self.git = MemoryGit(self.forge)
        self.letters, self.reports = MemoryDeadLetters(), list[DeadLetter]()
        self.log: list[tuple[str, str]] = []
        self.pulse = MemoryPulse(self.clock, self.queue)
        self.alarms: list[Alert] = []
        self.people = merge_gates if self.people is None else self.people
        self.house = self.new_house()

    def new_house(self) -> House:
        """A fresh process: nothing in memory but what the outside holds."""
        ports = Ports(
            github=MemoryGitHub(self.forge),
            git=self.git,
            llm=self.llm,
            permits=self.permits,
            quota=self.quota,
            services=self.service,
            leases=MemoryLeases(self.store),
            projection=MemoryProjection(self.store),
            memo=self.memo,
            ledger=self.ledger,
            dead_letters=self.letters,
            queue=self.queue,
            pulse=self.pulse,
            clock=self.clock,
            ids=self.ids,
        )
        return House(
            ports=self.plug(ports),
            shipped=_SHIPPED,
            templates=_TEMPLATES,
            actor=Actor(kind="worker", name="here"),
            patience_s=180.0,
            max_active_runs=20,
            log=lambda action, message: self.log.append((action, message)),
            alarm=self.alarms.append,
            report=self._report,
            within=lambda **_: nullcontext(),
        )

    # -- letting it work ----------------------------------------------------------------------------------------------

    def run(self, *, hours: float = 3.0, between: "Callable[[World], None] | None" = None) -> "World":
        """Work until nothing has moved for longer than any lease, settling or redelivery takes."""
        end, still_s = self.clock.monotonic() + hours * 3600, 0.0
        while still_s < _STILL_S:
            before = self.fingerprint()
            self.drain(between=between)
            self._upkeep()
            worked = bool(self.queue.waiting)
            self.drain(between=between)
            moved = self.people is not None and self.people(self)
            still_s = 0.0 if moved or (worked and before != self.fingerprint()) else still_s + _TICK_S
            self.clock.advance(_TICK_S)
            if self.clock.monotonic() > end:
                raise Stuck(f"still moving after {hours} hours: {self.labels_now()}")
        return self

    def drain(self, *, between: "Callable[[World], None] | None" = None) -> None:
        """Handle every message; with ``twice`` each is delivered twice."""
        for _ in range(_MANY):
            message = self.queue.take()
            if message is None:
                return
            for _ in range(2 if self.twice else 1):
                self.handle(message)
                self.clock.advance(0.1)
            if between is not None:
                between(self)
        raise Stuck(f"more than {_MANY} messages in a row: {[text for _, text in self.log[-6:]]}")

    def handle(self, message: Sent) -> None:
        """Do what the tasks of a worker do with a message."""
        if isinstance(message, SentNode):
            run_attempt(self.house, message.item, message.ref, message.attempt)
            if message.announce:
                self.house.ports.queue.step(message.item, hint="member")
        else:
            patient_step(self.house, message.item, hint=message.hint)

    def step(self) -> StepReport:
        return patient_step(self.house, ITEM, hint="test")

    def _report(self, letter: DeadLetter) -> str:
        self.reports.append(letter)
        return f"event-{len(self.reports)}"

    def _upkeep(self) -> None:
        poll(self.house, REPO)
        sweep(self.house)

    def lose_redis(self) -> None:
        """Redis comes back empty: projection, leases, ledger, memo and broker are gone."""
        self.store.wipe()
        self.memo.wipe()
        self.ledger.wipe()
        self.permits.wipe()
        self.quota.wipe()
        self.letters.wipe()
        self.queue.waiting.clear()
        self.pulse.wipe()

    # -- what people see ----------------------------------------------------------------------------------------------

    @property
    def repo(self) -> MemoryRepo:
        return self.forge.repo(REPO)

    @property
    def person(self) -> MemoryPerson:
        return MemoryPerson(self.forge, REPO, login=MARIA)

    def issue(self, number: int = NUMBER) -> Issue:
        return self.repo.issues[IssueNumber(number)]

    def labels_now(self, number: int = NUMBER) -> set[str]:
        return set(self.issue(number).labels)

    def comments(self, number: int = NUMBER) -> tuple[Comment, ...]:
        return tuple(one for one in self.repo.comments.values() if one.issue == number)

    def notes(self, kind: str, node: str | None = None) -> list[Note]:
        """CogWorks' comments of ``kind`` on the work item, oldest first."""
        found = [_note(one.body) for one in self.comments() if one.author == "cogworks"]
        return [one for one in found if one and one.kind == kind and node in (None, one.node)]

    def note(self, kind: str, node: str | None = None) -> str:
        """The text of the one comment of ``kind``."""
        found = self.notes(kind, node)
        assert len(found) == 1, f"{len(found)} comments of kind {kind}: {self.kinds()}"
        return found[0].text

    def kinds(self) -> list[str]:
        found = [_note(one.body) for one in self.comments()]
        return sorted(one.kind for one in found if one)

    @property
    def state(self) -> RunState:
        """The state as the comment of the newest run shows it."""
        return self.states[-1]

    @property
    def states(self) -> list[RunState]:
        """The states of all runs, oldest first; each has one comment."""
        found = [read_state(one.body) for one in self.comments() if read_state_mark(one.body)]
        assert found, "no state comment"
        assert len({one.run_id for one in found}) == len(found), f"{len(found)} state comments"
        return found

    def swis(self) -> list[Issue]:
        return [self.issue(number) for number in self.repo.children[NUMBER]]

    def pulls(self) -> list[Pull]:
        """Our pull requests, oldest first."""
        found = [self.repo.pull(number, operation="test") for number in self.repo.pulls]
        return [pull for pull in found if pull.author == "cogworks"]

    def pull(self, slug: str) -> Pull:
        return next(pull for pull in self.pulls() if pull.head == f"cogworks/1/{slug}")

    def content(self, ref: str) -> Mapping[str, bytes]:
        commit = self.repo.commits.get(self.repo.branches.get(ref, Sha(ref)))
        assert commit is not None, ref
        return commit.files

    def asked(self, node: str | None = None, *, purpose: str | None = None, swi: int | None = None) -> list[LlmRequest]:
        """The requests that a model got."""
        return [
            one
            for one in self.llm.requests
            if node in (None, one.identity.node)
            and purpose in (None, one.identity.purpose)
            and swi in (None, one.identity.sub_work_item)
        ]

    def fingerprint(self) -> str:
        """Changes whenever something that people see changes."""
        return repr(
            (
                [(i.number, i.open, i.labels, i.body) for i in self.repo.issues.values()],
                [one.body for one in self.repo.comments.values()],
                sorted(self.repo.branches.items()),
                {number: len(found) for number, found in self.repo.reviews.items()},
            )
        )

    def picture(self) -> dict[str, object]:
        """What people see in the end, without the figures that time and repetition may change."""
        run_ids = {one for comment in self.repo.comments.values() for one in _RUN_ID.findall(comment.body)}

        def plain(text: str) -> str:
            for run_id in run_ids:
                text = text.replace(run_id, "RUN")
            return text

        marks = [_note(one.body) for one in self.comments() if one.author == "cogworks"]
        branches = {
            name: sorted(self.content(sha))
            if name.endswith("/audit")
            else {path: data for path, data in self.content(sha).items() if path.startswith(("src", "tests"))}
            for name, sha in self.repo.branches.items()
        }
        state = self.state
        return {
            "issues": [
                (i.number, i.title, i.open, sorted(i.labels), i.author, i.is_pull) for i in self.repo.issues.values()
            ],
            "notes": sorted((plain(one.key), one.kind, one.result) for one in marks if one),
            "others": sum(one is None for one in marks),
            "pulls": [(p.number, p.title, p.head, p.base, p.open, p.merged) for p in self.pulls()],
            "reviews": {number: [r.state for r in found] for number, found in self.repo.reviews.items() if found},
            "children": dict(self.repo.children),
            "blockers": {number: found for number, found in self.repo.blockers.items() if found},
            "branches": branches,
            "status": (state.status, state.failure.category if state.failure else None),
            "nodes": {node: (at.status, at.attempts, at.retries, at.reworks) for node, at in state.nodes.items()},
            "swis": [
                (
                    swi.status,
                    swi.pr,
                    {node: (at.status, at.attempts, at.retries, at.reworks) for node, at in swi.nodes.items()},
                )
                for swi in state.sub_work_items
            ],
            "traceability": state.traceability,
            "gates": [(gate.node, gate.decision, gate.by) for gate in state.gates],
        }


_TICK_S, _STILL_S, _MANY = 20.0, 400.0, 2000
_RUN_ID = re.compile(r"00000000-0000-4000-8000-\d{12}")


_SHIPPED = Shipped(
    default_pipeline=default_pipeline(),
    known_models=parse_known_models((resources("cogworks.policy") / "known_models.toml").read_bytes()),
    services_file=".cogworks/services.toml",
    services_text=None,
    service_tokens={},
    approval_by_merge=False,
)
_TEMPLATES = shipped_templates()


def _note(text: str) -> Note | None:
    found = read_mark(text, "audit")
    if found is None:
        return None
    said = {name: found.fields.get(name, "") for name in ("kind", "key", "node", "swi", "result")}
    return Note(**said, text=text)


# -- what people do ---------------------------------------------------------------------------------------------------


def merge_gates(world: World) -> bool:
    """A person merges each specification and interface pull request that waits; tells whether one did."""
    return _at_gates(world, lambda number: world.person.merge(number))


def approve_gates(world: World) -> bool:
    """A person approves each of them and merges none."""
    return _at_gates(world, lambda number: world.person.approve(number), once=True)


def close_gates(world: World) -> bool:
    """A person closes each of them unmerged."""
    return _at_gates(world, lambda number: world.person.close(IssueNumber(number)))


def nobody(_world: World) -> bool:
    """Nobody does anything."""
    return False


def _at_gates(world: World, act: Callable[[PullNumber], object], *, once: bool = False) -> bool:
    acted = False
    if "cogworks:awaiting-review" not in world.labels_now():
        return False
    for pull in world.pulls():
        waits = pull.open and pull.head.rsplit("/", 1)[1] in ("spec", "interfaces")
        if waits and not (once and world.repo.reviews[pull.number]):
            act(pull.number)
            acted = True
    return acted
