"""Turn the crank once: lease, load, decide, perform, release (RUN-02).

One way, no back doors: the world is read into events, ``decide`` turns them into effects, and only ``perform``
changes anything. A step may be called at any time by anyone; when there is nothing to do, it does nothing.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from cogworks.engine import events as told
from cogworks.engine.beginning import new_run
from cogworks.engine.calling import called_for, heed
from cogworks.engine.comments import CommentBook, notice
from cogworks.engine.configuring import default_branch, labels_at, read_config, read_constitution, read_first_config
from cogworks.engine.decide import decide
from cogworks.engine.effects import Effect
from cogworks.engine.hearing import hear
from cogworks.engine.house import House
from cogworks.engine.journal import Journal
from cogworks.engine.labelled import asked_by_label
from cogworks.engine.labelling import ensure_labels, prepare_labels
from cogworks.engine.loading import Found, dispatched_before_loss, load_state
from cogworks.engine.observing import Scene
from cogworks.engine.patience import patiently
from cogworks.engine.perform import Performer
from cogworks.engine.progress import at_work
from cogworks.engine.restarting import successor
from cogworks.engine.run_config import RunConfig
from cogworks.graph.definition import Graph
from cogworks.model.audit import trace_of
from cogworks.model.config import Labels
from cogworks.model.errors import (
    CogWorksError,
    ConfigError,
    DependencyUnavailable,
    FailureCategory,
    PolicyViolation,
    Problem,
    StaleFence,
)
from cogworks.model.github import Issue
from cogworks.model.ids import AttemptKey, Item, RepoName, RunId
from cogworks.model.json_value import sha256_text
from cogworks.model.state import Cursor, NodeStatus, RunState, state_to_json
from cogworks.pages.quoting import inert
from cogworks.pages.state_comment import StateUnreadable
from cogworks.policy.labels import NODE_FAILED
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


def patient_step(house: House, item: Item, *, hint: str, accept_graph: bool = False) -> StepReport:
    """Take a step, trying again what failed in passing; an outside party that stays away is reported, not raised."""
    try:
        return patiently(
            lambda: step(house, item, hint=hint, accept_graph=accept_graph),
            clock=house.ports.clock,
            ids=house.ports.ids,
        )
    except (DependencyUnavailable, StaleFence) as error:
        house.log("task", f"step ({hint}) of {item} gave up: {error.code}: {error.message}")
        return StepReport(result=StepResult.UNAVAILABLE, error=error)


def step(house: House, item: Item, *, hint: str, accept_graph: bool = False) -> StepReport:
    """Take one step for ``item``; ``hint`` says why in the log and has no other meaning.

    ``accept_graph``: a person lets a stopped run go on with its pipeline file as it is now (ENG-07).
    """
    while True:
        lease = house.ports.leases.take_step(item)
        if lease is None:
            return StepReport(result=StepResult.HELD)
        try:
            with house.within(step_id=house.ports.ids.uuid()), house.ports.leases.keep_step(lease) as keeper:
                report = _step(house, item, lease, keeper, hint, accept_graph)
        finally:
            called = house.ports.leases.end_step(lease)
        if not called and not report.again:
            return report


def _step(house: House, item: Item, lease: StepLease, keeper: Keeper, hint: str, accept_graph: bool) -> StepReport:
    """Look before anything starts, in the order of ENG-29: configuration, hold, rules; then observe and decide."""
    house = _guarded(house, keeper)
    github = house.ports.github
    issue = github.issues.get(item.repo, item.number)
    found, old, read_to = Found(state=None, facts={}, projected=False), None, 0
    try:
        found = load_state(house.ports.projection, github, item)
        if found.state is not None and found.state.superseded_by is not None:
            old, found = found.state, Found(state=None, facts={}, projected=False)
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
        return _refuse(house, github, item, issue, found, error)
    state = found.state
    if state is None:
        state, issue = _begun(house, github, item, issue, config, old=old, read_to=read_to)
    fence = max(lease.fence, state.fence + 1, old.fence + 1 if old else 0)
    with house.within(run_id=state.run_id, trace_id=trace_of(state.run_id), fencing_token=fence):
        house.log("task", f"step ({hint}) at {state.status}, seq {state.seq}")
        return _advance(house, github, issue, found, config, state, fence, broken, accept_graph=accept_graph)


def _guarded(house: House, keeper: Keeper) -> House:
    """Return ``house`` whose every write to GitHub, by request or push, first asks whether the step is still ours."""
    github, git = house.ports.github.guarded_by(keeper.guard), house.ports.git.guarded_by(keeper.guard)
    return replace(house, ports=replace(house.ports, github=github, git=git))


def _begun(
    house: House, github: GitHub, item: Item, issue: Issue, config: RunConfig, *, old: RunState | None, read_to: int
) -> tuple[RunState, Issue]:
    """Return the state of a run that begins, in the place of ``old`` if there was one, and the issue as it is then."""
    if old is None:
        cursor = Cursor(comment_id=read_to)
        return new_run(item, issue, config, run_id=RunId(house.ports.ids.uuid()), cursor=cursor), issue
    state = successor(house, github, issue, config, old)
    return state, github.issues.get(item.repo, item.number)


def _broken_rules(house: House, github: GitHub, repo: RepoName, config: RunConfig) -> PolicyViolation | None:
    """Return what is wrong with the constitutional rules, or None when they stand."""
    try:
        read_constitution(
            house.ports.git, github, house.ports.projection, repo, config=config.config, shipped=house.shipped
        )
    except PolicyViolation as error:
        return error
    return None


def _advance(
    house: House,
    github: GitHub,
    issue: Issue,
    found: Found,
    config: RunConfig,
    state: RunState,
    fence: int,
    broken: PolicyViolation | None,
    *,
    accept_graph: bool,
) -> StepReport:
    """Decide and perform until the world holds nothing new."""
    ports = house.ports
    performer = _performer(house, github, issue, found, config, state, fence)
    journal, graph = performer.journal, performer.journal.graph
    if not found.projected:
        ports.git.fetch(state.repo)
        performer.book.restore()
        prepare_labels(github, config.config.labels, state.repo, graph)
        _restore(house, found, state)
    scene = Scene(
        ports=ports,
        github=github,
        issue=issue,
        found=found,
        config=config,
        shipped=house.shipped,
        patience_s=house.patience_s,
        accept_graph=accept_graph,
    )
    asked = _asked(scene, state, journal, graph)
    happened = asked or _happened(house, scene, state, journal, graph, broken)
    if not happened:
        return StepReport(result=StepResult.NOTHING, state=state)
    state = _decide_all(house, happened, config, performer, state)
    due = bool(state.queued) and not state.status.open
    made_runnable = any(isinstance(event, told.Resume) for event in happened)
    return StepReport(result=StepResult.STEPPED, state=state, again=bool(asked) or due or made_runnable)


def _performer(
    house: House,
    github: GitHub,
    issue: Issue,
    found: Found,
    config: RunConfig,
    state: RunState,
    fence: int,
) -> Performer:
    """Return what performs the effects of this step."""
    ports, graph = house.ports, config.graph(state.pipeline)
    book = CommentBook(
        github=github, projection=ports.projection, item=state.item, facts=found.facts, projected=found.projected
    )
    return Performer(
        ports=ports,
        github=github,
        config=config,
        book=book,
        journal=Journal(git=ports.git, projection=ports.projection, state=state, graph=graph),
        issue=issue,
        fence=fence,
        actor=house.actor,
        log=house.log,
        facts=found.facts,
    )


def _asked(scene: Scene, state: RunState, journal: Journal, graph: Graph) -> tuple[told.Event, ...]:
    """Return what people asked by comment or label. It is decided on alone: the next step looks at all else."""
    if state.seq == 0:
        return ()  # whoever asked for this run was answered before it began
    held = scene.config.config.labels.hold in scene.issue.labels
    spoken = hear(scene, state, journal, graph, held=held)
    return spoken or (() if held else asked_by_label(scene, state))


def _happened(
    house: House,
    scene: Scene,
    state: RunState,
    journal: Journal,
    graph: Graph,
    broken: PolicyViolation | None,
) -> tuple[told.Event, ...]:
    if scene.config.config.labels.hold in scene.issue.labels:
        house.log("safety_event", f"{state.item} is on hold: human review required")
        return ()
    if broken is not None and state.status.open:
        return (told.Halt(category=FailureCategory.CONSTITUTION_MISSING, message=broken.message),)
    return scene.events(state, journal, graph)


def _decide_all(
    house: House, happened: tuple[told.Event, ...], config: RunConfig, performer: Performer, state: RunState
) -> RunState:
    """Fold ``happened`` into the state, then perform all effects together: the state is written once per step."""
    before = state
    effects: list[Effect] = []
    for event in happened:
        decision = decide(state, event, config.graph(state.pipeline), config, house.ports.clock.now())
        state = decision.state
        effects += decision.effects
    begins = any(isinstance(event, told.Triggered) for event in happened)
    if begins or (state.status.open and not before.status.open):
        house.ports.leases.stop(state.item, reason="")
    return performer.perform(before, state, effects, graph=config.graph(state.pipeline))


def _restore(house: House, found: Found, state: RunState) -> None:
    """Rebuild a lost projection from the state that GitHub holds; last, when all else that it needs is noted."""
    if found.state is not None:
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
    return read_first_config(git, repo, ref=head, shipped=house.shipped)


def _complaints(error: CogWorksError) -> list[str]:
    """Return what is wrong, a line each; a finding in a file starts with its code (ENG-06)."""
    if isinstance(error, ConfigError):
        return [f"`{problem.code}` {inert(str(problem))}" for problem in error.problems]
    return [inert(line) for line in error.message.splitlines()]


def _refuse(house: House, github: GitHub, item: Item, issue: Issue, found: Found, error: CogWorksError) -> StepReport:
    """Say once on the issue why nothing can run, and stop: no call to a model was made (CFG-01, CONST-03)."""
    state = found.state
    if NODE_FAILED in issue.labels or (state is not None and not state.status.open):
        return StepReport(result=StepResult.REFUSED, state=state, error=error)
    if isinstance(error, ConfigError) and state is None:
        branch = default_branch(github, house.ports.projection, item.repo)
        if not called_for(issue, labels_at(house.ports.git, item.repo, branch=branch)):
            # Whoever asked by hand is told; on an issue that nobody labelled for us there is nothing to say.
            return StepReport(result=StepResult.REFUSED, error=error)
    book = CommentBook(github=github, projection=house.ports.projection, item=item, facts={}, projected=False)
    key = f"{item}/config/{sha256_text(error.message)[:16]}"
    lines = "\n".join(f"- {line}" for line in _complaints(error))
    text = f"### Nothing was started: `{error.category}`\n{lines}\n\nFix it, then remove `{NODE_FAILED}`.\n"
    book.post_once(key, notice(key, "config", text))
    ensure_labels(github, Labels(), item.repo, frozenset({NODE_FAILED}))
    github.labels.add(item.repo, item.number, [NODE_FAILED])
    return StepReport(result=StepResult.REFUSED, state=state, error=error)
