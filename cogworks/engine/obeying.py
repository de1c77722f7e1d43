"""What the commands of one comment lead to: each is refused with a reason, answered, or becomes an event (GH-10).

Judged by the state as written, so that a crash between an effect and the state's write leads to the same again.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from cogworks.engine import effects as do
from cogworks.engine import events as told
from cogworks.engine.progress import at_work
from cogworks.engine.regenerate import with_dependents
from cogworks.engine.run_config import RunConfig
from cogworks.engine.settling import Decision
from cogworks.graph.definition import Graph
from cogworks.model.commands import SHORTEST_JUSTIFICATION, Command, Misunderstood
from cogworks.model.errors import FailureCategory
from cogworks.model.ids import END_TO_END, NodeId, NodeRef, SwiOrdinal
from cogworks.model.state import NodeStatus, RunState, RunStatus, WaitReason
from cogworks.pages.command_page import help_page, refused, reply_text, shown, status_page
from cogworks.policy.labels import STOPPED
from cogworks.policy.secrets import redact

Then = Callable[[RunState, told.Single], Decision]
_EDITED = "the comment was edited before it was read, and edits do nothing: please say it in a new comment"
_LONGEST_NOTE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One command before its judge."""

    state: RunState
    event: told.Spoken
    order: told.Order
    command: Command
    graph: Graph
    config: RunConfig

    @property
    def held(self) -> bool:
        return self.state.status is RunStatus.HELD or self.event.held_by_hand

    @property
    def where(self) -> str:
        return f"comment:{self.event.comment_id}"

    @property
    def note(self) -> str:
        return redact(self.command.note)[:_LONGEST_NOTE]


def spoken(state: RunState, event: told.Spoken, graph: Graph, config: RunConfig, then: Then) -> Decision:
    """Return what all commands of a comment come to, in their order; ``then`` decides on the event that one means."""
    effects: list[do.Effect] = []
    lines: list[str] = []
    thumbs: dict[str, do.Effect] = {}
    for order in event.orders:
        meant = _meant(state, event, order, graph, config)
        if isinstance(meant, _No):
            thumbs["-1"] = do.React(comment_id=event.comment_id, kind="-1")
            lines.append(refused(order.said, meant.why))
            continue
        thumbs["+1"] = do.React(comment_id=event.comment_id, kind="+1")
        if isinstance(meant, str):
            lines.append(meant)
            continue
        if order.rebuilt:
            lines.append(_REBUILT)
        decided = then(state, meant)
        state, effects = decided.state, [*effects, _audit(event, order), *decided.effects]
    if lines and not event.answered:
        text = reply_text(event.by, lines)
        effects.append(do.Reply(issue=event.issue, comment_id=event.comment_id, text=text))
    cursor = replace(state.cursor, comment_id=max(state.cursor.comment_id, event.comment_id))
    return Decision(state=replace(state, cursor=cursor), effects=(*thumbs.values(), *effects, do.WriteState()))


def _audit(event: told.Spoken, order: told.Order) -> do.Note:
    """Return the audit record of a command that acts: who, where, when, what (GH-13)."""
    assert isinstance(order.said, Command)
    said = " ".join(part for part in (shown(order.said), order.said.note) if part)
    message = f"{event.by} commanded in comment {event.comment_id} at {event.at.isoformat()}: {redact(said)}"
    return do.Note(action="commanded", message=message, by=event.by)


@dataclass(frozen=True, slots=True)
class _No:
    why: str


def _meant(
    state: RunState, event: told.Spoken, order: told.Order, graph: Graph, config: RunConfig
) -> told.Single | str | _No:
    """Return the event that a command means, the text that answers it, or why it is refused."""
    said = order.said
    if order.denied:
        return _No(order.denied)
    if isinstance(said, Misunderstood):
        return _No(said.why)
    if event.edited:
        return _No(_EDITED)
    if said.word == "help":
        return help_page()
    if said.word == "status":
        return status_page(state)
    case = _Case(state=state, event=event, order=order, command=said, graph=graph, config=config)
    return _JUDGES[said.word](case)


def _run(case: _Case) -> told.Single | str | _No:
    state, flags = case.state, case.command.flags
    if case.held:
        return _No("the item is on hold")
    if not case.event.issue_open:
        return _No("the issue is closed")
    if state.status is RunStatus.COMPLETED:
        return _No(f"run {state.run_id} is completed; `/cogworks restart` begins a new one")
    if "--rebuild-state" in flags and not case.order.rebuilt:
        return _No("the state can be read, so there is nothing to rebuild")
    if state.status not in STOPPED:
        return _REBUILT if "--rebuild-state" in flags else _duplicate(case)
    changed = case.order.new_graph
    if changed is not None and "--accept-graph" not in flags:
        return _No(_CHANGED)
    if changed is not None and changed.problem:
        return _No(changed.problem)
    return told.Resume(new_graph=changed)


_REBUILT = "The state was rebuilt from what else this repository holds of the run; it goes on."
_CHANGED = (
    "the pipeline file was changed since the run began: `/cogworks run --accept-graph` goes on with the new one, "
    "`/cogworks restart` begins anew"
)


def _duplicate(case: _Case) -> told.Single | _No:
    """Judge a trigger by command while a run is under way (ENG-45)."""
    state = case.state
    if case.config.pipeline.on_duplicate_trigger == "reject" or state.queued:
        return _No(f"run {state.run_id} is under way" + (", and one trigger waits already" if state.queued else ""))
    return told.Retriggered(by=case.event.by, event_id=0)


def _restart(case: _Case) -> told.Single | _No:
    why = cannot_restart(case.state, held=case.held)
    if not case.event.issue_open:
        return _No("the issue is closed")
    return _No(why) if why else told.Restart(by=case.event.by)


def cannot_restart(state: RunState, *, held: bool) -> str:
    """Return why no new run can take the place of this one now, or nothing (ENG-44)."""
    if held:
        return "the item is on hold"
    active = at_work(state, NodeStatus.ACTIVE)
    return f"{active[0]} is at work: cancel first" if active and state.status.open else ""


def _cancel(case: _Case) -> told.Single | _No:
    if not case.state.status.open:
        return _No("there is nothing to cancel")
    said = f"{case.event.by} said so" + (f": {case.note}" if case.note else "")
    return told.Cancel(reason=said, ended=case.order.ended)


def _gate(case: _Case) -> NodeRef | _No:
    """Return the gate that a command names; without a name the only one that waits (GH-12)."""
    waiting = [ref for ref in at_work(case.state, NodeStatus.AWAITING_APPROVAL) if ref.node != END_TO_END]
    if case.held or not case.state.status.open:
        return _No("the item is on hold" if case.held else "the run is not under way")
    if not case.command.node and len(waiting) == 1:
        return waiting[0]
    swi = None if case.command.swi is None else SwiOrdinal(case.command.swi)
    ref = NodeRef(NodeId(case.command.node), swi)
    if ref in waiting:
        return ref
    names = ", ".join(one.node if one.swi is None else f"{one.node} swi {one.swi}" for one in waiting)
    return _No(f"no such gate waits; these do: {names}" if names else "no gate waits")


def _approve(case: _Case) -> told.Single | _No:
    ref, order = _gate(case), case.order
    if isinstance(ref, _No):
        return ref
    return told.GateApproved(
        ref=ref, by=case.event.by, where=case.where, head=order.head, results=order.results, note=case.note
    )


def _reject(case: _Case) -> told.Single | _No:
    ref = _gate(case)
    if isinstance(ref, _No):
        return ref
    return told.GateRejected(ref=ref, by=case.event.by, where=case.where, note=case.note)


def _scope(case: _Case) -> str:
    failure = case.state.failure
    asked = case.state.status is RunStatus.ESCALATED and failure is not None
    over = asked and failure is not None and failure.category is FailureCategory.SCOPE_THRESHOLD
    return "" if over else "no run stopped at the scope limit"


def _approve_scope(case: _Case) -> told.Single | _No:
    why = _scope(case)
    return _No(why) if why else told.ScopeAccepted(by=case.event.by, where=case.where)


def _reject_scope(case: _Case) -> told.Single | _No:
    why = _scope(case)
    said = f"{case.event.by} rejected the scope" + (f": {case.note}" if case.note else "")
    return _No(why) if why else told.Cancel(reason=said)


def _regenerate(case: _Case) -> told.Single | _No:
    assert case.command.swi is not None
    ordinal = SwiOrdinal(case.command.swi)
    why = "the item is on hold" if case.held else cannot_regenerate(case.state, ordinal, merged=case.order.merged)
    if why:
        return _No(why)
    findings = tuple(text for text in (*case.order.remarks, case.note) if text)
    return told.Regenerate(swi=ordinal, by=case.event.by, findings=findings)


def cannot_regenerate(state: RunState, ordinal: SwiOrdinal, *, merged: bool) -> str:
    """Return why a sub-work-item cannot be built again now, or nothing (ENG-37)."""
    if ordinal not in {swi.ordinal for swi in state.sub_work_items}:
        return f"there is no sub-work-item {ordinal}"
    if merged:
        return f"the pull request of sub-work-item {ordinal} is merged"
    hit = with_dependents(state, ordinal)
    busy = [ref for ref in at_work(state, NodeStatus.ACTIVE) if ref.swi in hit] if state.status.open else []
    return f"{busy[0]} is at work: wait for it, or cancel first" if busy else ""


def _clarify(case: _Case) -> told.Single | _No:
    state = case.state
    waits = state.wait is not None and state.wait.reason is WaitReason.CLARIFICATION
    asked = state.failure is not None and state.failure.category in _QUESTIONS and state.status in STOPPED
    if case.held or not (waits or asked):
        return _No("the item is on hold" if case.held else "nothing was asked")
    return told.Clarified(by=case.event.by, where=case.where, text=case.note)


_QUESTIONS = (FailureCategory.SCOPE_UNDERSPECIFIED, FailureCategory.SCOPE_AMBIGUOUS)


def _judge_hold(case: _Case) -> told.Single | _No:
    hold = case.state.hold
    if case.state.status is not RunStatus.HELD:
        return _No("CogWorks did not set a hold; one set by hand ends when a person takes the label away")
    if hold is not None and hold.contaminated:
        return _No("the item is contaminated: only a new issue can go on")
    if case.command.word == "contaminated":
        return told.HoldJudged(by=case.event.by, text=case.note, contaminated=True)
    if len(case.command.note) < SHORTEST_JUSTIFICATION:
        return _No(f"a justification has {SHORTEST_JUSTIFICATION} characters or more")
    return told.HoldJudged(by=case.event.by, text=case.note)


def _sign_off(case: _Case) -> told.Single | _No:
    ref = NodeRef(END_TO_END)
    if case.held or case.state.node(ref).status is not NodeStatus.AWAITING_APPROVAL:
        return _No("the item is on hold" if case.held else "no traceability matrix waits")
    return told.GateApproved(ref=ref, by=case.event.by, where=case.where, note=case.note)


_JUDGES: dict[str, Callable[[_Case], told.Single | str | _No]] = {
    "run": _run,
    "restart": _restart,
    "cancel": _cancel,
    "approve": _approve,
    "reject": _reject,
    "approve scope": _approve_scope,
    "reject scope": _reject_scope,
    "regenerate": _regenerate,
    "clarify": _clarify,
    "release-hold": _judge_hold,
    "contaminated": _judge_hold,
    "sign-off": _sign_off,
}
