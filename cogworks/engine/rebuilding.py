"""A run whose state is lost or cannot be trusted, rebuilt from what else GitHub holds of it (GH-20).

Every recorded attempt says with which state it began. The newest of these, with the outcomes recorded since folded in
as usual, is where the run stands; answers of people and labels are then read from the world like in any step. What
has no record is pending or at work again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from cogworks.engine import effects as do
from cogworks.engine.comments import failure_key
from cogworks.engine.decide import decide
from cogworks.engine.entries import Entry, entries_of, entries_on
from cogworks.engine.events import NodeEnded
from cogworks.engine.house import House
from cogworks.engine.journal import Journal
from cogworks.engine.loading import Found, load_state, own_comments
from cogworks.engine.observing import results_of
from cogworks.engine.run_config import RunConfig
from cogworks.engine.settling import Decision
from cogworks.model.github import Comment, Issue
from cogworks.model.ids import Item, RunId
from cogworks.model.state import NodeStatus, RunState
from cogworks.pages.markers import read_mark
from cogworks.pages.node_comment import KIND
from cogworks.pages.pull_page import branch_name
from cogworks.pages.state_comment import read_state_mark
from cogworks.policy.labels import NODE_FAILED, NODE_PREFIX
from cogworks.policy.restarts import next_run_id
from cogworks.ports.git import Git
from cogworks.ports.github import GitHub

_MOST_RESTARTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """What our comments tell of the newest run: its id, their kinds and keys, and how far its state had come.

    ``first`` is the first of them that names the run: what people said before it was said to the run before.
    """

    run_id: RunId | None
    said: frozenset[str]
    seq: int
    fence: int
    first: int


def find_run(house: House, github: GitHub, item: Item, issue: Issue, *, rebuild: bool) -> Found:
    """Return the state of ``item``; where it is missing beside traces of a run, or on ``rebuild``, rebuilt."""
    if not rebuild:
        found = load_state(house.ports.projection, github, item)
        if found.state is not None or not (found.traces or _labelled(issue)):
            return found
    traces = traces_in(own_comments(github, item))
    house.ports.git.fetch(item.repo)
    state = _newest(house.ports.git, item, traces)
    if state is not None:
        state = replace(state, seq=max(state.seq, traces.seq), fence=max(state.fence, traces.fence))
        house.log("state_write", f"{item}: rebuilding the state of run {state.run_id} from the journal")
    house.ports.projection.forget(item)
    return Found(state=state, facts={}, projected=False, run_id=traces.run_id, said=traces.said)


def _labelled(issue: Issue) -> bool:
    """Tell whether a label of ours says that a run got somewhere; a refused start leaves only the failed one."""
    return any(label.startswith(NODE_PREFIX) and label != NODE_FAILED for label in issue.labels)


def traces_in(comments: Sequence[Comment]) -> Traces:
    """Return what ``comments``, all ours, tell of the newest run that has a node comment."""
    audits = [found.fields for one in comments if (found := read_mark(one.body, KIND)) is not None]
    run = next((fields["run"] for fields in reversed(audits) if fields.get("kind") == "node" and fields["run"]), None)
    heads = [found.fields for one in comments if (found := read_state_mark(one.body)) is not None]
    return Traces(
        run_id=None if run is None else RunId(run),
        said=frozenset(
            fields.get(name, "")
            for fields in audits
            for name in ("kind", "key")
            if run is not None and fields.get("run") == run
        ),
        seq=_highest(heads, "seq"),
        fence=_highest(heads, "fence"),
        first=min((one.id for one in comments if run is not None and run == _run_in(one)), default=0),
    )


def _run_in(comment: Comment) -> str | None:
    found = read_mark(comment.body, KIND) or read_state_mark(comment.body)
    return None if found is None else found.fields.get("run")


def _highest(heads: Iterable[Mapping[str, str]], name: str) -> int:
    return max((int(fields[name]) for fields in heads if fields.get(name, "").isdigit()), default=0)


def _newest(git: Git, item: Item, traces: Traces) -> RunState | None:
    """Return the state with which the latest recorded attempt began: of the run that comments name, else the last.

    A restarted run that has recorded nothing yet follows from the one whose place it takes.
    """
    branches = [branch_name(item.number, restart, "audit") for restart in range(_MOST_RESTARTS)]
    found = [one.began_with for name in branches for one in entries_on(git, item.repo, name)]
    began = [one for one in found if one is not None]
    states = [one for one in began if traces.run_id in (None, one.run_id)]
    if states or traces.run_id is None:
        return _last(states)
    old = _last([one for one in began if next_run_id(one) == traces.run_id])
    if old is None:
        return None
    cursor = replace(old.cursor, comment_id=max(old.cursor.comment_id, traces.first))
    return replace(old, superseded_by=traces.run_id, cursor=cursor)


def _last(states: Sequence[RunState]) -> RunState | None:
    return max(states, key=lambda one: (one.restart_no, one.seq), default=None)


def caught_up(house: House, state: RunState, config: RunConfig, *, said: frozenset[str]) -> Decision:
    """Return the rebuilt state with every outcome folded in that was recorded since, and what is to be shown.

    What was said is not said again, and nothing is started: the step that follows starts what has no owner.
    """
    effects: list[do.Effect] = []
    entries = entries_of(house.ports.git, state)
    while (entry := _next(state, entries)) is not None:
        graph = config.graph(state.pipeline)
        journal = Journal(git=house.ports.git, projection=house.ports.projection, state=state, graph=graph)
        results = results_of(state, journal, graph, entry.ref)
        event = NodeEnded(ref=entry.ref, attempt=entry.attempt, outcome=entry.outcome, results=results)
        decision = decide(state, event, graph, config, house.ports.clock.now())
        state = decision.state
        effects += [effect for effect in decision.effects if not _done_with(effect, state, said)]
    return Decision(state=state, effects=(do.WriteState(), do.SetLabels(), *effects))


def just_over(state: RunState, said: frozenset[str]) -> bool:
    """Tell whether a rebuilt run is over without anybody having been told: nobody can have let it go on since."""
    return not state.status.open and state.failure is not None and failure_key(state, state.failure) not in said


def _next(state: RunState, entries: Sequence[Entry]) -> Entry | None:
    """Return the recorded outcome that ``state`` waits for; of several the one that ended first."""
    due = [entry for entry in entries if _awaited(state, entry)]
    return min(due, key=lambda one: (str(one.outcome.ended_at), str(one.ref)), default=None)


def _awaited(state: RunState, entry: Entry) -> bool:
    if entry.ref.swi is not None and all(swi.ordinal != entry.ref.swi for swi in state.sub_work_items):
        return False
    at = state.node(entry.ref)
    active = at.status is NodeStatus.ACTIVE and at.attempts == entry.attempt
    return active or entry.attempt in at.uncharged


def _done_with(effect: do.Effect, state: RunState, said: frozenset[str]) -> bool:
    match effect:
        case do.StartNodes() | do.StopWork() | do.CleanUp():
            return True
        case do.PostFailure(failure=failure):
            return failure_key(state, failure) in said
        case do.PostNotice(kind=kind):
            return kind in said
        case _:
            return False
