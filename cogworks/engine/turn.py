"""Turn the crank once: lease, load, decide, perform, release (RUN-02).

One way, no back doors: the world is read into events, ``decide`` turns them into effects, and only ``perform``
changes anything. A step may be called at any time by anyone; when there is nothing to do, it does nothing.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from cogworks.engine import events as told
from cogworks.engine.accounting import recount
from cogworks.engine.acts import Happening
from cogworks.engine.admission import note_rules
from cogworks.engine.beginning import new_run
from cogworks.engine.calling import heed
from cogworks.engine.comments import CommentBook
from cogworks.engine.configuring import default_branch, read_config, read_constitution, read_first_config
from cogworks.engine.decide import decide
from cogworks.engine.effects import Effect
from cogworks.engine.entries import entries_of
from cogworks.engine.hearing import hear
from cogworks.engine.house import House
from cogworks.engine.journal import Journal
from cogworks.engine.labelled import asked_by_label
from cogworks.engine.labelling import prepare_labels
from cogworks.engine.loading import HELD, Found, dispatched_before_loss
from cogworks.engine.observing import Scene
from cogworks.engine.patience import patiently
from cogworks.engine.perform import Performer
from cogworks.engine.progress import at_work
from cogworks.engine.rebuilding import caught_up, find_run, just_over
from cogworks.engine.refusing import rebuild_commanded, refuse
from cogworks.engine.restarting import successor
from cogworks.engine.run_config import RunConfig
from cogworks.engine.settling import Decision
from cogworks.model.audit import trace_of
from cogworks.model.errors import (
    CogWorksError,
    ConfigError,
    DependencyUnavailable,
    FailureCategory,
    GitHubError,
    PolicyViolation,
    Problem,
    StaleFence,
)
from cogworks.model.github import Issue
from cogworks.model.ids import AttemptKey, Item, RepoName, RunId
from cogworks.model.state import Cursor, NodeStatus, RunState, state_to_json
from cogworks.pages.state_comment import StateUnreadable
from cogworks.ports.github import GitHub
from cogworks.ports.runtime import Keeper, StepLease


class StepResult(StrEnum):
    """How a step ended."""

    NOTHING = "nothing"
    STEPPED = "stepped"
    HELD = "held"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """What a step did; ``error`` explains a refusal to start, ``again`` that there may be more to do at once."""

    result: StepResult
    state: RunState | None = None
    error: CogWorksError | None = None
    again: bool = False


def patient_step(
    house: House, item: Item, *, hint: str, rebuild: bool = False, accept_graph: bool = False
) -> StepReport:
    """Take a step, trying again what failed in passing; what no repetition helps is reported, not raised.

    Such are an outside party that stays away, and a GitHub that refuses: a locked conversation, a repository that is
    gone, rights that were taken. The sweep looks again after a while (X-04).
    """
    try:
        return patiently(
            lambda: step(house, item, hint=hint, rebuild=rebuild, accept_graph=accept_graph),
            clock=house.ports.clock,
            ids=house.ports.ids,
        )
    except (DependencyUnavailable, StaleFence) as error:
        house.log("task", f"step ({hint}) of {item} gave up: {error.code}: {error.message}")
        return StepReport(result=StepResult.UNAVAILABLE, error=error)
    except GitHubError as error:
        house.log("task", f"step ({hint}) of {item} was refused: {error.code}: {error.message}")
        return StepReport(result=StepResult.REFUSED, error=error)


def step(house: House, item: Item, *, hint: str, rebuild: bool = False, accept_graph: bool = False) -> StepReport:
    """Take one step for ``item``; ``hint`` says why in the log and has no other meaning.

    ``rebuild``: whatever the state comment says, the state is rebuilt from the rest of GitHub first (GH-20).
    ``accept_graph``: a person lets a stopped run go on with its pipeline file as it is now (ENG-07).
    """
    while True:
        lease = house.ports.leases.take_step(item)
        if lease is None:
            return StepReport(result=StepResult.HELD)
        try:
            with house.within(step_id=house.ports.ids.uuid()), house.ports.leases.keep_step(lease) as keeper:
                report = _step(house, item, lease, keeper, hint, rebuild=rebuild, accept_graph=accept_graph)
        finally:
            called = house.ports.leases.end_step(lease)
        if not called and not report.again:
            return report
        # A refused step asks for another only when people commanded to rebuild what it could not read.
        rebuild, accept_graph = report.again and report.result is StepResult.REFUSED, False


def _step(
    house: House, item: Item, lease: StepLease, keeper: Keeper, hint: str, *, rebuild: bool, accept_graph: bool
) -> StepReport:
    """Look before anything starts, in the order of ENG-29: configuration, hold, rules; then observe and decide."""
    house = _guarded(house, keeper)
    github = house.ports.github
    issue = github.issues.get(item.repo, item.number)
    found, old, read_to = Found(state=None, facts={}, projected=False), None, 0
    try:
        found = find_run(house, github, item, issue, rebuild=rebuild)
        if found.state is not None and found.state.superseded_by is not None:
            old, found = found.state, replace(found, state=None, facts={}, projected=False)
        config = _config_for(house, github, item.repo, found)
        if found.state is None:
            call = heed(github, house.ports.projection, item, issue, config.config, old=old)
            if not call.starts:
                return StepReport(result=StepResult.NOTHING, state=old)
            issue, read_to = call.issue, call.read_to
        broken = _broken_rules(house, github, item.repo, config)
        if found.state is None and broken is not None:
            raise broken
    except (ConfigError, PolicyViolation, StateUnreadable) as error:
        return _refused(house, item, issue, found, error, rebuild=rebuild)
    begin, issue = _begin(house, issue, config, found, item, old=old, read_to=read_to)
    fence = max(lease.fence, begin.state.fence + 1, old.fence + 1 if old else 0)
    run = _Run(issue=issue, found=found, config=config, begin=begin, broken=broken, accept_graph=accept_graph)
    try:
        with house.within(run_id=begin.state.run_id, trace_id=trace_of(begin.state.run_id), fencing_token=fence):
            house.log("task", f"step ({hint}) at {begin.state.status}, seq {begin.state.seq}")
            return _advance(house, run, fence)
    except StateUnreadable as error:
        return _refused(house, item, issue, found, error, rebuild=rebuild)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """All that a step knows before it looks at what happened; ``broken`` is what is wrong with the rules."""

    issue: Issue
    found: Found
    config: RunConfig
    begin: Decision
    broken: PolicyViolation | None
    accept_graph: bool

    @property
    def on_hold(self) -> bool:
        return self.config.config.labels.hold in self.issue.labels


def _refused(
    house: House, item: Item, issue: Issue, found: Found, error: CogWorksError, *, rebuild: bool
) -> StepReport:
    """Say why nothing can run, and stop; unless a person commanded to rebuild the state that cannot be read."""
    if isinstance(error, StateUnreadable) and not rebuild and rebuild_commanded(house.ports.github, item):
        return StepReport(result=StepResult.REFUSED, state=found.state, error=error, again=True)
    refuse(house, item, issue, found.state, error)
    return StepReport(result=StepResult.REFUSED, state=found.state, error=error)


def _begin(
    house: House, issue: Issue, config: RunConfig, found: Found, item: Item, *, old: RunState | None, read_to: int
) -> tuple[Decision, Issue]:
    """Return the state that this step begins with, and the issue as it is then.

    That is the state as found, or caught up with the journal, or that of a new run, in the place of ``old`` if there
    was one.
    """
    github = house.ports.github
    if old is not None:
        state = successor(house, github, issue, config, old)
        return Decision(state=state, effects=()), github.issues.get(item.repo, item.number)
    if found.state is None:
        run_id = found.run_id or RunId(house.ports.ids.uuid())
        begun = new_run(item, issue, config, run_id=run_id, cursor=Cursor(comment_id=read_to))
        return Decision(state=begun, effects=()), issue
    if found.said is not None:
        return caught_up(house, found.state, config, said=found.said), issue
    return Decision(state=found.state, effects=()), issue


def _guarded(house: House, keeper: Keeper) -> House:
    """Return ``house`` whose every write to GitHub, by request or push, first asks whether the step is still ours."""
    github, git = house.ports.github.guarded_by(keeper.guard), house.ports.git.guarded_by(keeper.guard)
    return replace(house, ports=replace(house.ports, github=github, git=git))


def _note_hold(house: House, found: Found, item: Item, *, held: bool) -> None:
    """Tell those who watch that a run stands still because a person wants it."""
    if found.projected and bool(found.facts.get(HELD)) != held:
        house.ports.projection.note(item, {HELD: "yes" if held else ""})


def _broken_rules(house: House, github: GitHub, repo: RepoName, config: RunConfig) -> PolicyViolation | None:
    """Return what is wrong with the constitutional rules, or None when they stand."""
    try:
        read_constitution(
            house.ports.git, github, house.ports.projection, repo, config=config.config, shipped=house.shipped
        )
    except PolicyViolation as error:
        return error
    return None


def _advance(house: House, run: _Run, fence: int) -> StepReport:
    """Decide and perform until the world holds nothing new."""
    ports, state, found = house.ports, run.begin.state, run.found
    _note_hold(house, found, state.item, held=run.on_hold)
    if run.on_hold and found.said is not None:
        house.log("safety_event", f"{state.item} is on hold: human review required")
        return StepReport(result=StepResult.NOTHING, state=found.state)
    ports.quota.keep_floor(state.repo, run.config.config.github.rate_limit_floor)
    performer = _performer(house, run, fence)
    if not found.projected:
        _restore(house, found, run.config, performer.book, state)
    scene = Scene(
        ports=ports,
        github=ports.github,
        issue=run.issue,
        found=found,
        config=run.config,
        shipped=house.shipped,
        patience_s=house.patience_s,
        accept_graph=run.accept_graph,
    )
    asked = _asked(scene, run, performer.journal)
    happened = asked or _happened(house, scene, run, performer.journal)
    if not happened and not run.begin.effects:
        return StepReport(result=StepResult.NOTHING, state=state)
    state = _decide_all(house, happened, run.config, performer, run.begin)
    due = bool(state.queued) and not state.status.open
    made_runnable = any(isinstance(event, told.Resume) for event in happened)
    return StepReport(result=StepResult.STEPPED, state=state, again=bool(asked) or due or made_runnable)


def _performer(house: House, run: _Run, fence: int) -> Performer:
    """Return what performs the effects of this step."""
    ports, state, found = house.ports, run.begin.state, run.found
    book = CommentBook(
        github=ports.github, projection=ports.projection, item=state.item, facts=found.facts, projected=found.projected
    )
    graph = run.config.graph(state.pipeline)
    return Performer(
        ports=ports,
        github=ports.github,
        config=run.config,
        book=book,
        journal=Journal(git=ports.git, projection=ports.projection, state=state, graph=graph),
        issue=run.issue,
        fence=fence,
        actor=house.actor,
        log=house.log,
        facts=found.facts,
        report=house.report,
        anew=found.said is not None,
    )


def _asked(scene: Scene, run: _Run, journal: Journal) -> tuple[told.Event, ...]:
    """Return what people asked by comment or label. It is decided on alone: the next step looks at all else."""
    state = run.begin.state
    if state.seq == 0:
        return ()  # whoever asked for this run was answered before it began
    spoken = hear(scene, state, journal, journal.graph, held=run.on_hold)
    return spoken or (() if run.on_hold else asked_by_label(scene, state))


def _happened(house: House, scene: Scene, run: _Run, journal: Journal) -> tuple[Happening, ...]:
    state, said = run.begin.state, run.found.said
    if run.on_hold:
        house.log("safety_event", f"{state.item} is on hold: human review required")
        return ()
    if run.broken is not None and state.status.open:
        return (told.Halt(category=FailureCategory.CONSTITUTION_MISSING, message=run.broken.message),)
    if said is not None and just_over(state, said):
        return ()
    return scene.events(state, journal, journal.graph)


def _decide_all(
    house: House, happened: tuple[Happening, ...], config: RunConfig, performer: Performer, begin: Decision
) -> RunState:
    """Fold ``happened`` into the state, then perform all effects together: the state is written once per step."""
    begins = any(isinstance(event, told.Triggered) for event in happened)
    was_open = begin.state.status.open and not begins
    state, before, effects = begin.state, begin.state, list[Effect](begin.effects)
    for event in happened:
        decision = decide(state, event, config.graph(state.pipeline), config, house.ports.clock.now())
        state = decision.state
        effects += decision.effects
    if state.status.open and not was_open:
        house.ports.leases.stop(state.item, reason="")
    return performer.perform(before, state, effects, graph=config.graph(state.pipeline))


def _restore(house: House, found: Found, config: RunConfig, book: CommentBook, state: RunState) -> None:
    """Rebuild a lost projection from what GitHub holds; its state last, when all else that it needs is noted."""
    house.ports.git.fetch(state.repo)
    for key in book.restore():
        house.log("state_write", f"warning: the comment {key} was edited by somebody; the audit branch counts")
    prepare_labels(house.ports.github, config.config.labels, state.repo, config.graph(state.pipeline))
    if found.state is not None:
        house.ports.ledger.seed(state.item, recount(state, entries_of(house.ports.git, state)))
        keys = [
            AttemptKey(state.item, state.run_id, ref, state.node(ref).attempts)
            for ref in at_work(state, NodeStatus.ACTIVE)
        ]
        house.ports.projection.note(state.item, {dispatched_before_loss(key): "yes" for key in keys})
        house.ports.projection.save(
            state.item, state=state_to_json(state), seq=state.seq, fence=state.fence, open_run=state.status.open
        )


def _config_for(house: House, github: GitHub, repo: RepoName, found: Found) -> RunConfig:
    """Return the configuration of the run: as it was when it started, or as it is now for a new one."""
    git, projection = house.ports.git, house.ports.projection
    if found.state is not None:
        return read_config(git, repo, ref=found.state.config_sha, shipped=house.shipped)
    git.fetch(repo)
    branch = default_branch(github, projection, repo, anew=True)
    head = git.branch_head(repo, branch)
    if head is None:
        problem = Problem(code="missing_file", file=repo, field=branch, message="the default branch has no commit")
        raise ConfigError(problems=(problem,))
    config = read_first_config(git, repo, ref=head, shipped=house.shipped)
    note_rules(projection, repo, config.config)
    return config
