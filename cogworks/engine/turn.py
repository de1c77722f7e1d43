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
from cogworks.engine.comments import CommentBook, notice
from cogworks.engine.configuring import default_branch, labels_at, read_config, read_constitution, read_first_config
from cogworks.engine.decide import decide
from cogworks.engine.effects import Effect
from cogworks.engine.entries import entries_of
from cogworks.engine.house import House
from cogworks.engine.journal import Journal
from cogworks.engine.labelling import ensure_labels, prepare_labels
from cogworks.engine.loading import HELD, Found, dispatched_before_loss
from cogworks.engine.observing import Scene
from cogworks.engine.patience import patiently
from cogworks.engine.perform import Performer
from cogworks.engine.progress import at_work
from cogworks.engine.rebuilding import caught_up, find_run, just_over
from cogworks.engine.run_config import RunConfig
from cogworks.engine.settling import Decision
from cogworks.model.audit import trace_of
from cogworks.model.config import Labels
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
from cogworks.model.json_value import sha256_text
from cogworks.model.state import NodeStatus, RunState, state_to_json
from cogworks.pages.quoting import inert
from cogworks.pages.state_comment import StateUnreadable
from cogworks.policy.labels import NODE_FAILED, runnable
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
    """What a step did; ``error`` explains a refusal to start."""

    result: StepResult
    state: RunState | None = None
    error: CogWorksError | None = None


def patient_step(house: House, item: Item, *, hint: str, rebuild: bool = False) -> StepReport:
    """Take a step, trying again what failed in passing; what no repetition helps is reported, not raised.

    Such are an outside party that stays away, and a GitHub that refuses: a locked conversation, a repository that is
    gone, rights that were taken. The sweep looks again after a while (X-04).
    """
    try:
        return patiently(
            lambda: step(house, item, hint=hint, rebuild=rebuild), clock=house.ports.clock, ids=house.ports.ids
        )
    except (DependencyUnavailable, StaleFence) as error:
        house.log("task", f"step ({hint}) of {item} gave up: {error.code}: {error.message}")
        return StepReport(result=StepResult.UNAVAILABLE, error=error)
    except GitHubError as error:
        house.log("task", f"step ({hint}) of {item} was refused: {error.code}: {error.message}")
        return StepReport(result=StepResult.REFUSED, error=error)


def step(house: House, item: Item, *, hint: str, rebuild: bool = False) -> StepReport:
    """Take one step for ``item``; ``hint`` says why in the log and has no other meaning.

    ``rebuild``: whatever the state comment says, the state is rebuilt from the rest of GitHub first (GH-20).
    """
    while True:
        lease = house.ports.leases.take_step(item)
        if lease is None:
            return StepReport(result=StepResult.HELD)
        try:
            with house.within(step_id=house.ports.ids.uuid()), house.ports.leases.keep_step(lease) as keeper:
                report = _step(house, item, lease, keeper, hint, rebuild=rebuild)
        finally:
            called = house.ports.leases.end_step(lease)
        if not called:
            return report
        rebuild = False


def _step(house: House, item: Item, lease: StepLease, keeper: Keeper, hint: str, *, rebuild: bool) -> StepReport:
    """Look before anything starts, in the order of ENG-29: configuration, hold, rules; then observe and decide."""
    house = _guarded(house, keeper)
    github = house.ports.github
    issue = github.issues.get(item.repo, item.number)
    found = Found(state=None, facts={}, projected=False)
    try:
        found = find_run(house, github, item, issue, rebuild=rebuild)
        config = _config_for(house, github, item.repo, found)
        if config.config.labels.hold in issue.labels:
            house.log("safety_event", f"{item} is on hold: human review required")
            _note_hold(house, found, item, held=True)
            return StepReport(result=StepResult.NOTHING, state=found.state)
        if found.state is None and not _called_for(issue, config.config.labels):
            return StepReport(result=StepResult.NOTHING)
        _note_hold(house, found, item, held=False)
        broken = _broken_rules(house, github, item.repo, config)
        if found.state is None and broken is not None:
            raise broken
    except (ConfigError, PolicyViolation, StateUnreadable) as error:
        return _refuse(house, github, item, issue, found, error)
    begin = _begin(house, item, issue, config, found)
    state = begin.state
    fence = max(lease.fence, state.fence + 1)
    try:
        with house.within(run_id=state.run_id, trace_id=trace_of(state.run_id), fencing_token=fence):
            house.log("task", f"step ({hint}) at {state.status}, seq {state.seq}")
            return _advance(house, github, issue, found, config, begin, fence, broken)
    except StateUnreadable as error:
        return _refuse(house, github, item, issue, found, error)


def _begin(house: House, item: Item, issue: Issue, config: RunConfig, found: Found) -> Decision:
    """Return the state that this step begins with: as found, caught up with the journal, or that of a new run."""
    if found.state is None:
        run_id = found.run_id or RunId(house.ports.ids.uuid())
        return Decision(state=new_run(item, issue, config, run_id=run_id), effects=())
    if found.said is not None:
        return caught_up(house, found.state, config, said=found.said)
    return Decision(state=found.state, effects=())


def _guarded(house: House, keeper: Keeper) -> House:
    """Return ``house`` whose every write to GitHub, by request or push, first asks whether the step is still ours."""
    github, git = house.ports.github.guarded_by(keeper.guard), house.ports.git.guarded_by(keeper.guard)
    return replace(house, ports=replace(house.ports, github=github, git=git))


def _note_hold(house: House, found: Found, item: Item, *, held: bool) -> None:
    """Tell those who watch that a run stands still because a person wants it."""
    if found.projected and bool(found.facts.get(HELD)) != held:
        house.ports.projection.note(item, {HELD: "yes" if held else ""})


def _called_for(issue: Issue, names: Labels) -> bool:
    """Tell whether an issue without a run asks for one; a pull request never does."""
    return issue.open and not issue.is_pull and runnable(frozenset(issue.labels), names)


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
    begin: Decision,
    fence: int,
    broken: PolicyViolation | None,
) -> StepReport:
    """Decide and perform until the world holds nothing new."""
    ports, state = house.ports, begin.state
    ports.quota.keep_floor(state.repo, config.config.github.rate_limit_floor)
    book = CommentBook(
        github=github, projection=ports.projection, item=state.item, facts=found.facts, projected=found.projected
    )
    graph = config.graph(state.pipeline)
    journal = Journal(git=ports.git, projection=ports.projection, state=state, graph=graph)
    performer = Performer(
        ports=ports,
        github=github,
        config=config,
        book=book,
        journal=journal,
        issue=issue,
        fence=fence,
        actor=house.actor,
        log=house.log,
        facts=found.facts,
        report=house.report,
        anew=found.said is not None,
    )
    if not found.projected:
        _restore(house, found, config, book, state)
    scene = Scene(
        ports=ports,
        github=github,
        issue=issue,
        found=found,
        config=config,
        shipped=house.shipped,
        patience_s=house.patience_s,
    )
    over = found.said is not None and just_over(state, found.said)
    happened = () if over else scene.events(state, journal, graph)
    if broken is not None and state.status.open:
        happened = (told.Halt(category=FailureCategory.CONSTITUTION_MISSING, message=broken.message),)
    if not happened and not begin.effects:
        return StepReport(result=StepResult.NOTHING, state=state)
    return StepReport(result=StepResult.STEPPED, state=_decide_all(house, happened, config, performer, begin))


def _decide_all(
    house: House, happened: tuple[Happening, ...], config: RunConfig, performer: Performer, begin: Decision
) -> RunState:
    """Fold ``happened`` into the state, then perform all effects together: the state is written once per step."""
    begins = [event for event in happened if isinstance(event, told.Triggered)]
    config = next((event.config for event in begins if event.config is not None), config)
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
        if not _called_for(issue, labels_at(house.ports.git, item.repo, branch=branch)):
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
