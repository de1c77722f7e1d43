"""Read the world and say what happened since the state was written. Messages are not asked: they are only hints."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from cogworks.engine import events as told
from cogworks.engine.acts import BranchGone, Happening, undone_by
from cogworks.engine.changes import Changes
from cogworks.engine.configuring import Shipped
from cogworks.engine.graph_change import new_graph
from cogworks.engine.journal import Journal
from cogworks.engine.late import late_costs
from cogworks.engine.letters import given_up
from cogworks.engine.loading import Found, dispatched_at, unjournalled
from cogworks.engine.progress import at_work
from cogworks.engine.replaying import wished_replay
from cogworks.engine.run_config import RunConfig, node_of
from cogworks.engine.swi_changes import SwiChanges
from cogworks.graph.conditions import names_used
from cogworks.graph.definition import Graph
from cogworks.graph.walk import outgoing
from cogworks.model.github import WRITERS, Issue, Pull
from cogworks.model.ids import AttemptKey, NodeId, NodeRef, PullNumber
from cogworks.model.json_value import JsonObject
from cogworks.model.outcome import Outcome, outcome_from_json
from cogworks.model.state import NodeStatus, RunState, WaitReason
from cogworks.policy.dead_letters import replay_refused
from cogworks.policy.gates import Answer, answer_of
from cogworks.policy.labels import STOPPED, resumes
from cogworks.ports.bundle import Ports
from cogworks.ports.github import GitHub


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What observation needs: ports, the issue as it is now, and the run as last written."""

    ports: Ports
    github: GitHub
    issue: Issue
    found: Found
    config: RunConfig
    shipped: Shipped
    patience_s: float
    accept_graph: bool = False

    def events(self, state: RunState, journal: Journal, graph: Graph) -> tuple[Happening, ...]:
        """Return what happened, in the order in which it is to be decided on."""
        changes, swis = self._changes(state), SwiChanges(ports=self.ports, github=self.github, found=self.found)
        stopped = self._stopped(state)
        if isinstance(stopped, told.Cancel):
            return (*late_costs(state, journal), replace(stopped, ended=self.outcomes(state, journal, graph)))
        if isinstance(stopped, told.Triggered):
            asked = replace(stopped, text_sha=changes.text_sha())
            return (*late_costs(state, journal), *swis.on_github(state, ()), *swis.moved(state), asked)
        if stopped is not None:
            return (*late_costs(state, journal), stopped)
        halt = changes.stops(state) if state.status.open else None
        return (halt,) if halt else self._moved(state, journal, graph, changes, swis)

    def _changes(self, state: RunState) -> Changes:
        return Changes(github=self.github, repo=state.repo, issue=self.issue, names=self.config.config.labels)

    def _moved(
        self, state: RunState, journal: Journal, graph: Graph, changes: Changes, swis: SwiChanges
    ) -> tuple[Happening, ...]:
        if not state.status.open:
            return (*late_costs(state, journal), *swis.on_github(state, ()))
        ended = (*late_costs(state, journal), *self._ended(state, journal, graph))
        of_swis = tuple(swis.on_github(state, [one for one in ended if isinstance(one, told.NodeEnded)]))
        undone = undone_by(of_swis)
        happened = [one for one in (*ended, *self._gates(state, journal, graph)) if one.ref not in undone]
        on_branches = swis.of_branches(state, graph, happened)
        return (*changes.on_the_way(state), *on_branches, *of_swis, *self._waits(state))

    def _stopped(self, state: RunState) -> told.Single | None:
        names = self.config.config.labels
        if not state.status.open:
            if self.accept_graph and self.issue.open and state.status in STOPPED:
                return self._accepted(state)
            goes_on = self.issue.open and resumes(state.status, frozenset(self.issue.labels), names)
            return self._resumed(state) if goes_on else self._replayed(state)
        if not self.issue.open:
            return told.Cancel(reason="aborted, the issue was closed")
        if names.cancel in self.issue.labels:
            return told.Cancel(reason="the cancel label was set")
        if names.trigger not in self.issue.labels:
            return told.Cancel(reason="the trigger label was removed")
        return None if state.nodes else told.Triggered()

    def _accepted(self, state: RunState) -> told.Single:
        """Say that a person lets a stopped run go on with the pipeline file as it is now, if that is possible."""
        changed = new_graph(self.ports.git, self.github, self.ports.projection, state, shipped=self.shipped)
        if changed is not None and changed.problem:
            return told.GraphChanged(new_graph=changed)
        return told.Resume(new_graph=changed)

    def _resumed(self, state: RunState) -> told.Single:
        """Say that a stopped run is to go on, unless its pipeline file was changed meanwhile (ENG-07)."""
        changed = new_graph(self.ports.git, self.github, self.ports.projection, state, shipped=self.shipped)
        if changed is not None:
            return told.GraphChanged(new_graph=changed)
        newest = max((one.id for one in self.github.issues.events(state.repo)), default=0)
        return told.Triggered(event_id=newest)

    def outcomes(self, state: RunState, journal: Journal, graph: Graph) -> tuple[told.NodeEnded, ...]:
        """Return the attempts at work that came to an outcome meanwhile."""
        return tuple(one for one in self._ended(state, journal, graph) if isinstance(one, told.NodeEnded))

    def _replayed(self, state: RunState) -> told.Replayed | None:
        """Say that a dead letter of a failed run was replayed, while nothing speaks against it."""
        if state.failure is None or replay_refused(state, self.issue, self.config.config.labels):
            return None
        letter = wished_replay(self.github, state)
        return told.Replayed(ref=letter.ref, attempt=letter.attempt) if letter and letter.ref else None

    def _ended(self, state: RunState, journal: Journal, graph: Graph) -> Iterable[told.NodeEnded | told.LeaseStale]:
        live = None
        for ref in at_work(state, NodeStatus.ACTIVE):
            attempt = state.node(ref).attempts
            key = AttemptKey(state.item, state.run_id, ref, attempt)
            outcome = self._recorded(key)
            if outcome is not None:
                results = results_of(state, journal, graph, ref)
                yield told.NodeEnded(ref=ref, attempt=attempt, outcome=outcome, results=results)
                continue
            live = self.ports.leases.live(state.item) if live is None else live
            if str(key) in live:
                continue
            starts = self.ports.leases.starts(key)
            if starts.spent:
                yield told.NodeEnded(ref=ref, attempt=attempt, outcome=given_up(starts))
            elif self._overdue(key):
                yield told.LeaseStale(ref=ref)

    def _recorded(self, key: AttemptKey) -> Outcome | None:
        """Return the outcome of an attempt once its journal entry is complete.

        The projection is told last, so what it holds is on GitHub too; an attempt whose owner died before that is
        taken again and finds its own records there. One that ended waiting is noted in the projection alone.
        """
        noted = self.ports.projection.outcome(key) or self.found.facts.get(unjournalled(key))
        return outcome_from_json(noted) if noted else None

    def _overdue(self, key: AttemptKey) -> bool:
        """Tell whether an attempt without owner was dispatched so long ago that its message must be lost."""
        sent = self.found.facts.get(dispatched_at(key))
        if not sent:
            return True
        return (self.ports.clock.now() - datetime.fromisoformat(sent)).total_seconds() > self.patience_s

    def _gates(
        self, state: RunState, journal: Journal, graph: Graph
    ) -> Iterable[told.GateApproved | told.GateRejected | BranchGone]:
        for ref in at_work(state, NodeStatus.AWAITING_APPROVAL):
            pull = self.pull(state, ref, graph)
            if pull is None:
                continue  # only a command can answer
            reviews = self.github.pulls.reviews(state.repo, pull.number) if pull.open else ()
            answer = answer_of(
                pull, reviews, can_write=partial(self._can_write, state), own_login=self.github.contents.login()
            )
            if answer.answer is Answer.APPROVED:
                results = results_of(state, journal, graph, ref)
                yield told.GateApproved(
                    ref=ref, by=answer.by, where=answer.ref, head=str(pull.head_sha), results=results
                )
            elif answer.answer is Answer.REJECTED and self._branch_is_gone(state, pull):
                yield BranchGone(ref=ref, closed=pull.number)
            elif answer.answer is Answer.REJECTED:
                yield told.GateRejected(ref=ref, by=answer.by, where=answer.ref)

    def pull(self, state: RunState, ref: NodeRef, graph: Graph) -> Pull | None:
        """Return the pull request that stands for the gate of ``ref``, if one does."""
        for slot in node_of(graph, ref).outputs:
            artifact = state.artifact(slot, swi=ref.swi)
            if artifact is not None and artifact.kind == "pr":
                return self.github.pulls.get(state.repo, PullNumber(int(artifact.ref)))
        return None

    def _branch_is_gone(self, state: RunState, pull: Pull) -> bool:
        """Tell whether a pull request is closed because its branch was deleted: nobody said no to it."""
        self.ports.git.fetch(state.repo)
        return self.ports.git.branch_head(state.repo, pull.head) is None

    def _can_write(self, state: RunState, login: str) -> bool:
        return self.github.contents.permission(state.repo, login) in WRITERS

    def _waits(self, state: RunState) -> Iterable[told.Event]:
        wait = state.wait
        if wait is None or wait.reason in (WaitReason.APPROVAL, WaitReason.CLARIFICATION):
            return
        if wait.until is None or wait.until <= self.ports.clock.now():
            yield told.WaitOver()


def results_of(state: RunState, journal: Journal, graph: Graph, ref: NodeRef) -> dict[str, JsonObject]:
    """Return the outputs that conditions on the edges of ``ref`` may name, this node's own included."""
    names = {ref.node} | {name for edge in outgoing(graph, ref.node) for name in names_used(edge.when)}
    results: dict[str, JsonObject] = {}
    for name in names & set(graph.nodes):
        one = NodeRef(NodeId(name), ref.swi if graph.nodes[NodeId(name)].per_swi else None)
        ended = journal.history(one, through=state.node(one).attempts)
        if ended and ended[-1][1].output is not None:
            results[name] = ended[-1][1].output
    return results
