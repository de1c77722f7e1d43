"""Read the world and say what happened since the state was written. Messages are not asked: they are only hints."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from cogworks.engine import events as told
from cogworks.engine.configuring import Shipped
from cogworks.engine.graph_change import new_graph
from cogworks.engine.journal import Journal
from cogworks.engine.loading import Found, unjournalled
from cogworks.engine.progress import at_work
from cogworks.engine.run_config import RunConfig, node_of
from cogworks.graph.conditions import names_used
from cogworks.graph.definition import Graph
from cogworks.graph.walk import outgoing
from cogworks.model.github import WRITERS, Issue, Pull
from cogworks.model.ids import AttemptKey, NodeId, NodeRef, PullNumber
from cogworks.model.json_value import JsonObject
from cogworks.model.outcome import Outcome, outcome_from_json
from cogworks.model.state import NodeStatus, RunState, WaitReason
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

    def events(self, state: RunState, journal: Journal, graph: Graph) -> tuple[told.Event, ...]:
        """Return what happened, in the order in which it is to be decided on."""
        stopped = self._stopped(state)
        if isinstance(stopped, told.Cancel):
            return (replace(stopped, ended=self.outcomes(state, journal, graph)),)
        if stopped:
            return (stopped,)
        return (*self._ended(state, journal, graph), *self._gates(state, journal, graph), *self._waits(state))

    def _stopped(self, state: RunState) -> told.Event | None:
        names = self.config.config.labels
        if not state.status.open:
            if self.accept_graph and self.issue.open and state.status in STOPPED:
                return self._accepted(state)
            goes_on = self.issue.open and resumes(state.status, frozenset(self.issue.labels), names)
            return self._resumed(state) if goes_on else None
        if not self.issue.open:
            return told.Cancel(reason="the issue was closed")
        if names.cancel in self.issue.labels:
            return told.Cancel(reason="the cancel label was set")
        if names.trigger not in self.issue.labels:
            return told.Cancel(reason="the trigger label was removed")
        return None if state.nodes else told.Triggered()

    def _accepted(self, state: RunState) -> told.Event:
        """Say that a person lets a stopped run go on with the pipeline file as it is now, if that is possible."""
        changed = new_graph(self.ports.git, self.github, self.ports.projection, state, shipped=self.shipped)
        if changed is not None and changed.problem:
            return told.GraphChanged(new_graph=changed)
        return told.Resume(new_graph=changed)

    def _resumed(self, state: RunState) -> told.Event:
        """Say that a stopped run is to go on, unless its pipeline file was changed meanwhile (ENG-07)."""
        changed = new_graph(self.ports.git, self.github, self.ports.projection, state, shipped=self.shipped)
        if changed is not None:
            return told.GraphChanged(new_graph=changed)
        newest = max((one.id for one in self.github.issues.events(state.repo)), default=0)
        return told.Triggered(event_id=newest)

    def outcomes(self, state: RunState, journal: Journal, graph: Graph) -> tuple[told.NodeEnded, ...]:
        """Return the attempts at work that came to an outcome meanwhile."""
        return tuple(one for one in self._ended(state, journal, graph) if isinstance(one, told.NodeEnded))

    def overtaken(self, state: RunState) -> tuple[told.NodeEnded, ...]:
        """Return the outcomes of attempts that a cancel overtook and that nobody has booked yet (ENG-42)."""
        refs = [ref for ref in at_work(state, NodeStatus.CANCELLED) if state.node(ref).ended_at is None]
        keys = [(ref, AttemptKey(state.item, state.run_id, ref, state.node(ref).attempts)) for ref in refs]
        found = ((ref, key, self._recorded(key)) for ref, key in keys)
        return tuple(told.NodeEnded(ref=ref, attempt=key.attempt, outcome=one) for ref, key, one in found if one)

    def _ended(self, state: RunState, journal: Journal, graph: Graph) -> Iterable[told.Event]:
        live = None
        for ref in at_work(state, NodeStatus.ACTIVE):
            attempt = state.node(ref).attempts
            key = AttemptKey(state.item, state.run_id, ref, attempt)
            outcome = self._recorded(key)
            if outcome is not None:
                results = self.results(state, journal, graph, ref)
                yield told.NodeEnded(ref=ref, attempt=attempt, outcome=outcome, results=results)
                continue
            live = self.ports.leases.live(state.item) if live is None else live
            if str(key) not in live and self._overdue(key):
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
        sent = self.found.facts.get(f"sent:{key}")
        if not sent:
            return True
        return (self.ports.clock.now() - datetime.fromisoformat(sent)).total_seconds() > self.patience_s

    def _gates(self, state: RunState, journal: Journal, graph: Graph) -> Iterable[told.Event]:
        for ref in at_work(state, NodeStatus.AWAITING_APPROVAL):
            pull = self.pull(state, ref, graph)
            if pull is None:
                continue  # only a command can answer
            reviews = self.github.pulls.reviews(state.repo, pull.number) if pull.open else ()
            answer = answer_of(
                pull, reviews, can_write=partial(self._can_write, state), own_login=self.github.contents.login()
            )
            if answer.answer is Answer.APPROVED:
                results = self.results(state, journal, graph, ref)
                yield told.GateApproved(
                    ref=ref, by=answer.by, where=answer.ref, head=str(pull.head_sha), results=results
                )
            elif answer.answer is Answer.REJECTED:
                yield told.GateRejected(ref=ref, by=answer.by, where=answer.ref)

    def pull(self, state: RunState, ref: NodeRef, graph: Graph) -> Pull | None:
        """Return the pull request that stands for the gate of ``ref``, if one does."""
        for slot in node_of(graph, ref).outputs:
            artifact = state.artifact(slot, swi=ref.swi)
            if artifact is not None and artifact.kind == "pr":
                return self.github.pulls.get(state.repo, PullNumber(int(artifact.ref)))
        return None

    def _can_write(self, state: RunState, login: str) -> bool:
        return self.github.contents.permission(state.repo, login) in WRITERS

    def _waits(self, state: RunState) -> Iterable[told.Event]:
        wait = state.wait
        if wait is None or wait.reason in (WaitReason.APPROVAL, WaitReason.CLARIFICATION):
            return
        if wait.until is None or wait.until <= self.ports.clock.now():
            yield told.WaitOver()

    def results(self, state: RunState, journal: Journal, graph: Graph, ref: NodeRef) -> dict[str, JsonObject]:
        """Return the outputs that conditions on the edges of ``ref`` may name, this node's own included."""
        names = {ref.node} | {name for edge in outgoing(graph, ref.node) for name in names_used(edge.when)}
        results: dict[str, JsonObject] = {}
        for name in names & set(graph.nodes):
            one = NodeRef(NodeId(name), ref.swi if graph.nodes[NodeId(name)].per_swi else None)
            ended = journal.history(one, through=state.node(one).attempts)
            if ended and ended[-1][1].output is not None:
                results[name] = ended[-1][1].output
        return results
