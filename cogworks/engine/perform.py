"""Perform effects, in order: GitHub first, Redis second, messages last (RUN-08). The only place that changes things."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from cogworks.engine import effects as do
from cogworks.engine.answering import answer
from cogworks.engine.comments import CommentBook, gate_key, notice, state_key, write_pages
from cogworks.engine.journal import Journal, summary_key
from cogworks.engine.labelling import set_labels, set_swi_labels
from cogworks.engine.letters import Report, post_failure
from cogworks.engine.loading import RIDING, dispatched_at, state_on_github, time_limit, unjournalled
from cogworks.engine.looking import unreconciled
from cogworks.engine.parts import remember_parts
from cogworks.engine.recording import Happened, transitions
from cogworks.engine.run_config import RunConfig, node_of
from cogworks.graph.definition import Graph
from cogworks.model.audit import Actor, event_as_value, new_event
from cogworks.model.errors import NotFound, StaleFence
from cogworks.model.github import Issue
from cogworks.model.ids import AttemptKey, IssueNumber, NodeRef
from cogworks.model.json_value import compact
from cogworks.model.state import RunState, state_to_json
from cogworks.pages.cost_report import cost_report, render_markdown
from cogworks.pages.gate_comment import render_budget, render_gate
from cogworks.pages.node_comment import comment_key, render_node
from cogworks.pages.state_comment import read_state, read_state_mark, render_state
from cogworks.pages.summary import render_summary
from cogworks.policy.labels import NODE_FAILED
from cogworks.ports.bundle import Ports
from cogworks.ports.github import GitHub

Log = Callable[[str, str], None]
_LLM_QUEUE, _TOOL_QUEUE = "llm", "tool"
_NOTED: Mapping[do.NoteAction, tuple[str, str]] = {
    "changed": ("task", "run.changed_by_people"),
    "commanded": ("gate", "gate.commanded"),
    "edge_eval": ("edge_eval", "run.edge_evaluated"),
    "illegal": ("state_write", "run.refused"),
    "late": ("node_end", "attempt.late"),
    "released": ("safety_event", "safety.hold_released"),
    "replayed": ("dlq", "attempt.replayed"),
    "restart": ("task", "run.restart_asked"),
    "safety_raised": ("safety_event", "safety.raised_by_people"),
}
"""What each note is called in the log, and in the audit trail."""
_ONCE = (do.StopWork, do.WriteState, do.SetLabels, do.StartNodes)


@dataclass(slots=True, kw_only=True)
class Performer:
    """Performs the effects of one step. ``github`` and ``ports.git`` are guarded by the step's lease.

    ``anew``: the state was rebuilt, and takes the place of whatever its comment says.
    """

    ports: Ports
    github: GitHub
    config: RunConfig
    book: CommentBook
    journal: Journal
    issue: Issue
    fence: int
    actor: Actor
    log: Log
    facts: Mapping[str, str]
    report: Report
    kept: dict[str, str] = field(default_factory=dict)
    anew: bool = False

    def perform(self, before: RunState, state: RunState, effects: Sequence[do.Effect], *, graph: Graph) -> RunState:
        """Perform ``effects``, which lead from ``before`` to ``state``, and return the state as written."""
        first_write = state.seq == 0
        if any(isinstance(effect, do.WriteState) for effect in effects):
            state = replace(state, seq=state.seq + 1, fence=self.fence, written_at=self.ports.clock.now())
            self._refuse_newer(state)
        self.journal = replace(self.journal, state=state, graph=graph)
        for one in transitions(before, state):
            self._keep(state, one)
        for effect in _merged(effects, first_write=first_write):
            self._one(state, effect, graph)
        return state

    def _one(self, state: RunState, effect: do.Effect, graph: Graph) -> None:
        match effect:
            case do.WriteState():
                self._write_state(state, graph)
            case do.SetLabels() | do.MarkFailed() | do.RelabelSwi():
                self._relabel(state, effect)
            case do.StartNodes():
                self._start(state, effect, graph)
            case do.StopWork():
                self.ports.leases.stop(state.item, reason=effect.reason)
            case do.CleanUp():
                self.ports.leases.stop(state.item, reason="ended")
                self.ports.git.remove_checkouts(state.repo, prefix=state.run_id)
            case do.Note():
                self._note(state, effect)
            case do.React() | do.Reply() | do.ChangeLabels():
                answer(self.github, self.book.item, effect, run_id=state.run_id, issue=self.issue)
            case _:
                self._post(state, effect, graph)

    def _note(self, state: RunState, effect: do.Note) -> None:
        action, kind = _NOTED[effect.action]
        self.log(action, effect.message)
        by = Actor(kind="human", name=effect.by) if effect.by else None
        self._keep(state, Happened(kind=kind, payload={"message": effect.message}, actor=by))

    def _post(self, state: RunState, effect: do.Post, graph: Graph) -> None:
        match effect:
            case do.PostEntry(ref=ref):
                self.book.post_once(comment_key(state, ref), render_node(state, graph, ref, (), output=""))
            case do.PostGate(ref=ref):
                key, text = gate_key(state, ref), _gate_text(state, ref, graph)
                self.book.post_once(key, notice(key, "gate", text, run=state.run_id))
            case do.PostBudget(level=level):
                if level >= 75:
                    self._notice(state, f"budget/{level}", "budget", render_budget(state, level))
                self.log("ledger", f"{level} % of the budget is used")
            case do.PostNotice(kind=kind, text=text):
                self._notice(state, f"{kind}/{state.seq}", kind, text)
            case do.PostSuperseded():
                self._supersede(state, effect)
            case _:
                self._post_ending(state, effect, graph)

    def _post_ending(self, state: RunState, effect: do.Ending, graph: Graph) -> None:
        match effect:
            case do.PostFailure(failure=failure):
                post_failure(self.ports, self.github, self.book, self.journal, state, failure, self.report)
            case do.PostCost():
                lost = unreconciled(self.ports.ledger, state)
                report = render_markdown(cost_report(state, graph, unreconciled=lost))
                key = f"{state.item}/{state.run_id}/cost"
                self.book.put(key, notice(key, "cost", report, run=state.run_id))
            case do.PostSummary(outcome=outcome):
                text = render_summary(
                    state, outcome=outcome, matrix=state.traceability, check=None, ended=self.journal.all_outcomes()
                )
                key = summary_key(state)
                self.book.put(key, notice(key, "summary", text, run=state.run_id))
            case _:
                assert_never(effect)

    def _notice(self, state: RunState, name: str, kind: str, text: str) -> None:
        key = f"{state.item}/{state.run_id}/{name}"
        self.book.post_once(key, notice(key, kind, text, run=state.run_id))

    def _supersede(self, state: RunState, effect: do.PostSuperseded) -> None:
        """Say at a pull request, once each time, that what it holds is worked on again."""
        key, number = f"{state.item}/{state.run_id}/superseded/{state.seq}", IssueNumber(effect.pull)
        own = self.github.contents.login()
        said = (one.body for one in self.github.comments.list(state.repo, number) if one.author == own)
        if not any(key in body for body in said):
            text = f"Superseded: the work goes back to `{effect.target}`. This stays open until people decide on it.\n"
            self.github.comments.create(state.repo, number, notice(key, "scope", text, run=state.run_id))

    def _write_state(self, state: RunState, graph: Graph) -> None:
        """Write the snapshot, then the projection."""
        is_last = bool(self._riding()) and (not state.status.open or state.superseded_by is not None)
        if is_last:
            self.journal.push_last([json.loads(text) for text in self._riding().values()])
        write_pages(self.book, state, render_state(state, graph))
        self._project(state)
        if is_last:
            self.ports.projection.note(state.item, dict.fromkeys(self._riding(), ""))
        remember_parts(self.ports.projection, state, self.facts)

    def _refuse_newer(self, state: RunState) -> None:
        """Raise StaleFence when the state comment is ahead of us, before anything is written (GH-19).

        The projection then knows what it says. A comment that was edited by hand is not overwritten either:
        StateUnreadable says what is wrong with it (GH-20).
        """
        known = None if self.anew else self.book.find(state_key(state.run_id))
        if known is None:
            return
        try:
            body = self.github.comments.get(state.repo, known).body
        except NotFound:
            return  # a person deleted it: nobody wrote anything newer there, and it is made anew
        head = read_state_mark(body)
        fields = head.fields if head else {}
        theirs = read_state(body) if fields.get("parts") == "1" else state_on_github(self.github, state.item)
        fence, seq = int(fields.get("fence") or 0), int(fields.get("seq") or 0)
        if fence > state.fence or seq >= state.seq:
            if theirs is not None:
                self._project(theirs)
            message = f"state comment has fence {fence}, seq {seq}; ours is {state.fence}, {state.seq}"
            self.log("state_write", f"state_conflict: {message}")
            raise StaleFence(message)

    def _project(self, state: RunState) -> None:
        self.ports.projection.save(
            state.item, state=state_to_json(state), seq=state.seq, fence=state.fence, open_run=state.status.open
        )

    def _keep(self, state: RunState, happened: Happened) -> None:
        """Keep an event for the audit branch: it rides with the next attempt's push, or a run's last step (GH-22).

        A step that is repeated finds the same number free, so that what it did is told once.
        """
        event = new_event(
            happened.kind,
            happened.payload,
            at=self.ports.clock.now(),
            unique=self.ports.ids.uuid(),
            repo=state.repo,
            run_id=state.run_id,
            actor=happened.actor or self.actor,
        )
        fact = {f"{RIDING}{state.seq}:{len(self.kept) + 1}": compact(event_as_value(event))}
        self.kept |= fact
        self.ports.projection.note(state.item, fact)

    def _riding(self) -> dict[str, str]:
        """Return the events of steps that no push has carried yet, oldest first."""
        noted = {name: text for name, text in self.facts.items() if name.startswith(RIDING) and text}
        return {**noted, **self.kept}

    def _set_labels(self, state: RunState) -> None:
        names = self.config.config.labels
        set_labels(self.github, names, state, self.issue)
        for swi in state.sub_work_items:
            fact = f"swi-label:{swi.ordinal}"
            if self.facts.get(fact) != swi.status:
                have = self.github.issues.get(state.repo, swi.issue).labels
                set_swi_labels(self.github, names, state.repo, swi, have=frozenset(have))
                self.facts = {**self.facts, fact: str(swi.status)}
                self.ports.projection.note(state.item, {fact: str(swi.status)})

    def _relabel(self, state: RunState, effect: do.SetLabels | do.Labelling) -> None:
        match effect:
            case do.SetLabels():
                self._set_labels(state)
            case do.MarkFailed():
                self.github.labels.add(state.repo, state.work_item, [NODE_FAILED])
            case do.RelabelSwi(ordinal=ordinal):
                self.facts = {**self.facts, f"swi-label:{ordinal}": ""}

    def _start(self, state: RunState, effect: do.StartNodes, graph: Graph) -> None:
        item = state.item
        keys = [AttemptKey(item, state.run_id, ref, attempt) for ref, attempt in effect.starts]
        self.ports.projection.note(item, {unjournalled(key): "" for key in keys})
        now = self.ports.clock.now().isoformat()
        limits = {time_limit(key): str(node_of(graph, key.ref).timeout_s) for key in keys}
        self.ports.projection.note(item, {**{dispatched_at(key): now for key in keys}, **limits})
        queues = [
            (ref, attempt, _LLM_QUEUE if node_of(graph, ref).type == "llm" else _TOOL_QUEUE)
            for ref, attempt in effect.starts
        ]
        for ref, attempt, _ in queues:
            self.log("node_start", f"{ref} attempt {attempt}")
        self.ports.queue.run_nodes(item, queues)


def _merged(effects: Sequence[do.Effect], *, first_write: bool) -> list[do.Effect]:
    """Return ``effects`` in the order that survives a crash: comments and labels, the state, then what follows it.

    Until the state is written, the next step decides the same again and finds what was posted, so nothing that people
    should see is ever lost. Only a run's first write comes before all else: comments carry its run id.
    """
    posts: list[do.Effect] = [e for e in dict.fromkeys(effects) if not isinstance(e, (*_ONCE, do.CleanUp))]
    labels, state = _first(effects, do.SetLabels), _first(effects, do.WriteState)
    shown = [*state, *posts, *labels] if first_write else [*posts, *labels, *state]
    starts = tuple(dict.fromkeys(start for e in effects if isinstance(e, do.StartNodes) for start in e.starts))
    after: list[do.Effect] = [*_first(effects, do.CleanUp), *([do.StartNodes(starts=starts)] if starts else [])]
    return [*_first(effects, do.StopWork), *shown, *after]


def _first(effects: Sequence[do.Effect], kind: type[do.Effect]) -> list[do.Effect]:
    return [next(e for e in effects if isinstance(e, kind))] if any(isinstance(e, kind) for e in effects) else []


def _gate_text(state: RunState, ref: NodeRef, graph: Graph) -> str:
    slots = node_of(graph, ref).outputs
    artifacts = (state.artifact(slot, swi=ref.swi) for slot in slots)
    pull = next((one.ref for one in artifacts if one is not None and one.kind == "pr"), None)
    return render_gate(state, ref, pull=pull)
