"""Read the world and say what happened since the state was written. Messages are not asked: they are only hints."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from cogworks.engine import events as told
from cogworks.engine.asking import commands_since
from cogworks.engine.comments import gate_key
from cogworks.engine.journal import Journal
from cogworks.engine.late import late_costs
from cogworks.engine.loading import Found, unjournalled
from cogworks.engine.progress import at_work
from cogworks.engine.run_config import RunConfig
from cogworks.graph.conditions import names_used
from cogworks.graph.definition import Graph
from cogworks.graph.walk import outgoing
from cogworks.model.github import WRITERS, Issue, Pull
from cogworks.model.ids import AttemptKey, NodeId, NodeRef, PullNumber
from cogworks.model.json_value import JsonObject
from cogworks.model.outcome import Outcome, outcome_from_json
from cogworks.model.state import NodeStatus, RunState, WaitReason
from cogworks.policy.gates import Answer, answer_of
from cogworks.policy.labels import resumes
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
    patience_s: float

    def events(self, state: RunState, journal: Journal, graph: Graph) -> tuple[told.Event, ...]:
        """Return what happened, in the order in which it is to be decided on."""
        stopped = self._stopped(state)
        if isinstance(stopped, told.Cancel):
            ended = self._ended(state, journal, graph)
            outcomes = [one for one in ended if isinstance(one, told.NodeEnded)]
            late = tuple(one for one in outcomes if one.attempt in state.node(one.ref).uncharged)
            return (*late, replace(stopped, ended=tuple(one for one in outcomes if one not in late)))
        if stopped:
            return (*late_costs(state, journal), stopped)
        return (*self._ended(state, journal, graph), *self._gates(state, journal, graph), *self._waits(state))

    def _stopped(self, state: RunState) -> told.Event | None:
        names = self.config.config.labels
        if not state.status.open:
            goes_on = self.issue.open and resumes(state.status, frozenset(self.issue.labels), names)
            return told.Triggered() if goes_on or self._told_to_run(state) else None
        if not self.issue.open:
            return told.Cancel(reason="the issue was closed")
        if names.cancel in self.issue.labels:
            return told.Cancel(reason="the cancel label was set")
        if names.trigger not in self.issue.labels:
            return told.Cancel(reason="the trigger label was removed")
        return None if state.nodes else told.Triggered()

    def _told_to_run(self, state: RunState) -> bool:
        """Tell whether a person commanded a failed run to go on, after its last failure was reported."""
        names = self.config.config.labels
        if state.failure is None or not self.issue.open or names.trigger not in self.issue.labels:
            return False
        return any(one.command.word == "run" for one in commands_since(self.github, state, kind="failure"))

    def _ended(self, state: RunState, journal: Journal, graph: Graph) -> Iterable[told.Event]:
        yield from late_costs(state, journal)
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
            pull = self._pull(state, ref, graph)
            if pull is None:
                yield from self._commanded(state, ref, journal, graph)
                continue
            reviews = self.github.pulls.reviews(state.repo, pull.number) if pull.open else ()
            answer = answer_of(
                pull, reviews, can_write=partial(self._can_write, state), own_login=self.github.contents.login()
            )
            if answer.answer is Answer.APPROVED:
                results = results_of(state, journal, graph, ref)
                yield told.GateApproved(
                    ref=ref, by=answer.by, where=answer.ref, head=str(pull.head_sha), results=results
                )
            elif answer.answer is Answer.REJECTED:
                yield told.GateRejected(ref=ref, by=answer.by, where=answer.ref)

    def _commanded(self, state: RunState, ref: NodeRef, journal: Journal, graph: Graph) -> Iterable[told.Event]:
        """Say how people answered, by comment, at a gate that no pull request stands for."""
        for one in commands_since(self.github, state, kind="gate", key=gate_key(state, ref)):
            command = one.command
            if (command.node, command.swi) != (ref.node, ref.swi):
                continue
            if command.word == "approve":
                results = results_of(state, journal, graph, ref)
                yield told.GateApproved(ref=ref, by=one.by, where=one.where, results=results)
            else:
                yield told.GateRejected(ref=ref, by=one.by, where=one.where)
            return

    def _pull(self, state: RunState, ref: NodeRef, graph: Graph) -> Pull | None:
        for slot in graph.nodes[ref.node].outputs:
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
