"""What follows when people ask for more than a trigger, a gate's answer or a cancel (ENG-28, ENG-43 to ENG-45)."""

from dataclasses import replace
from datetime import datetime
from typing import Literal, assert_never

from cogworks.engine import effects as do
from cogworks.engine import events as told
from cogworks.engine.acts import SwiRegenerate
from cogworks.engine.obeying import cannot_restart
from cogworks.engine.respond import respond
from cogworks.engine.run_config import RunConfig
from cogworks.engine.settling import Decision, settle
from cogworks.graph.definition import Graph
from cogworks.model.errors import FailureCategory
from cogworks.model.ids import NodeId
from cogworks.model.state import Failure, GateDecision, RunState, RunStatus
from cogworks.pages.quoting import inert
from cogworks.policy.classify import SCOPE_GATE
from cogworks.policy.labels import NODE_COMPLETE, NODE_FAILED, RESTART, STOPPED
from cogworks.policy.restarts import next_run_id


def wished(state: RunState, event: told.Wish, graph: Graph, config: RunConfig, now: datetime) -> Decision:
    """Return the decision for what people ask."""
    match event:
        case told.Restart() | told.Retriggered() | told.QueueDue():
            return _once_more(state, event, config)
        case told.HoldJudged() | told.HoldLabelGone():
            return _about_hold(state, event, graph, config, now)
        case told.Regenerate():
            return _regenerate(state, event, graph, config, now)
        case told.Clarified():
            return _clarified(state, event, graph, config, now)
        case told.Resume() | told.ScopeAccepted() | told.GraphChanged():
            return _stopped(state, event, config, now)
    assert_never(event)


def _once_more(state: RunState, event: told.Restart | told.Retriggered | told.QueueDue, config: RunConfig) -> Decision:
    match event:
        case told.Restart():
            return _restart(state, event, config)
        case told.Retriggered():
            return _retriggered(state, event, config)
        case told.QueueDue():
            return _queue_due(state, config)
    assert_never(event)


def _about_hold(
    state: RunState,
    event: told.HoldJudged | told.HoldLabelGone,
    graph: Graph,
    config: RunConfig,
    now: datetime,
) -> Decision:
    if isinstance(event, told.HoldJudged):
        return _hold_judged(state, event)
    return _hold_label_gone(state, event, graph, config, now)


def _stopped(
    state: RunState,
    event: told.Resume | told.ScopeAccepted | told.GraphChanged,
    config: RunConfig,
    now: datetime,
) -> Decision:
    """Return what becomes of a run that stopped."""
    match event:
        case told.Resume():
            return _resume(state, event, config)
        case told.ScopeAccepted():
            state = _recorded(state, NodeId(SCOPE_GATE), "approved", event.by, event.where, "", now)
            return Decision(state=state, effects=(_unblocked(config), do.WriteState()))
        case told.GraphChanged():
            return _graph_changed(state, event, now)
    assert_never(event)


def _unblocked(config: RunConfig, *more: str) -> do.ChangeLabels:
    """Return the labels to change so that a stopped item is runnable again (GH-08)."""
    labels = config.config.labels
    return do.ChangeLabels(add=(labels.trigger,), drop=(NODE_FAILED, labels.cancel, *more))


def _resume(state: RunState, event: told.Resume, config: RunConfig) -> Decision:
    """Make the item runnable; the step that sees it so lets the run go on at its failed and unfinished nodes."""
    if event.new_graph is not None:
        state = replace(state, config_sha=event.new_graph.config_sha, graph_hash=event.new_graph.graph_hash)
    return Decision(state=state, effects=(_unblocked(config), do.WriteState()))


def _restart(state: RunState, event: told.Restart, config: RunConfig) -> Decision:
    """Write down which run takes the place of this one: from then on every step goes on with that (ENG-44)."""
    why = cannot_restart(state, held=state.status is RunStatus.HELD)
    if why and event.by_label:
        text = f"### No restart\n{inert(why)}. Then set `{RESTART}` again.\n"
        notice = do.PostNotice(kind="duplicate", text=text)
        return Decision(state=state, effects=(notice, do.ChangeLabels(drop=(RESTART,)), do.WriteState()))
    state = replace(state, status=RunStatus.RUNNING, wait=None, queued="", superseded_by=next_run_id(state))
    return Decision(
        state=state,
        effects=(
            do.Note(action="restart", message=f"{event.by} asked for a restart as {state.superseded_by}"),
            do.StopWork(reason="restarted"),
            _unblocked(config, NODE_COMPLETE),
            do.WriteState(),
            do.CleanUp(),
        ),
    )


def _regenerate(state: RunState, event: told.Regenerate, graph: Graph, config: RunConfig, now: datetime) -> Decision:
    """Let the run go on with a sub-work-item to be made anew; whoever asked is told at once when that cannot be."""
    state = replace(state, status=RunStatus.RUNNING, failure=None, wait=None)
    act = SwiRegenerate(ordinal=event.swi, findings=event.findings, by=event.by)
    anew = respond(state, act, graph, config, now)
    return Decision(state=anew.state, effects=(_unblocked(config, NODE_COMPLETE), *anew.effects))


def _clarified(state: RunState, event: told.Clarified, graph: Graph, config: RunConfig, now: datetime) -> Decision:
    node = state.wait.node if state.wait and state.wait.node else state.failure.node if state.failure else ""
    state = _recorded(state, NodeId(node), "clarified", event.by, event.where, event.text, now)
    if not state.status.open:
        return Decision(state=state, effects=(_unblocked(config), do.WriteState()))
    return settle(replace(state, status=RunStatus.RUNNING, wait=None), graph, config, now)


def _recorded(
    state: RunState,
    node: NodeId,
    decision: Literal["approved", "clarified"],
    by: str,
    where: str,
    note: str,
    now: datetime,
) -> RunState:
    gate = GateDecision(node=node, decision=decision, by=by, at=now, ref=where, note=note)
    return replace(state, gates=(*state.gates, gate))


def _hold_judged(state: RunState, event: told.HoldJudged) -> Decision:
    if state.hold is None:
        return Decision(state=state, effects=())
    if event.contaminated:
        hold = replace(state.hold, contaminated=True, justification=event.text, released_by=event.by)
    else:
        hold = replace(state.hold, justification=event.text, released_by=event.by)
    return Decision(state=replace(state, hold=hold), effects=(do.WriteState(),))


def _hold_label_gone(
    state: RunState, event: told.HoldLabelGone, graph: Graph, config: RunConfig, now: datetime
) -> Decision:
    """Go on only when a person justified the release and a person took the label away (GH-14)."""
    hold = state.hold
    if hold is None or hold.contaminated or not hold.released_by or not event.by_person:
        missing = _missing(state)
        text = f"### Still on hold\nThe hold label was put back: {missing}.\n"
        return Decision(state=state, effects=(do.PostNotice(kind="hold", text=text), do.WriteState(), do.SetLabels()))
    released = (*state.released_findings, hold.digest) if hold.digest else state.released_findings
    note = do.Note(
        action="released",
        message=f"hold released: {hold.released_by} said {hold.justification!r}, {event.by_person} removed the label",
        by=hold.released_by,
    )
    state = replace(state, status=RunStatus.RUNNING, hold=None, released_findings=released)
    settled = settle(state, graph, config, now)
    return Decision(state=settled.state, effects=(note, *settled.effects))


def _missing(state: RunState) -> str:
    if state.hold is not None and state.hold.contaminated:
        return "the item is contaminated, only a new issue can go on"
    if state.hold is None or not state.hold.released_by:
        return "first comment `/cogworks release-hold <justification>`, then take the label away"
    return "a person has to take it away, not a bot"


def _retriggered(state: RunState, event: told.Retriggered, config: RunConfig) -> Decision:
    """Say that a run is there, or let the trigger wait for its end (ENG-43, ENG-45)."""
    cursor = replace(state.cursor, event_id=max(state.cursor.event_id, event.event_id))
    state = replace(state, cursor=cursor)
    if event.after_stop and state.status in STOPPED:
        return _resume(state, told.Resume(), config)
    if state.status.open and config.pipeline.on_duplicate_trigger == "queue" and not state.queued:
        return Decision(state=replace(state, queued=event.by or "label"), effects=(do.WriteState(),))
    if state.status.open:
        text = f"### Already under way\nRun `{state.run_id}` is at work on this item; the trigger changed nothing.\n"
    else:
        text = f"### Already done\nRun `{state.run_id}` is {state.status}; `/cogworks restart` begins a new one.\n"
    return Decision(state=state, effects=(do.PostNotice(kind="duplicate", text=text), do.WriteState()))


def _queue_due(state: RunState, config: RunConfig) -> Decision:
    """Let the trigger that waited act: a completed run gets a successor, a failed one goes on."""
    by = state.queued
    state = replace(state, queued="")
    if state.status is RunStatus.COMPLETED:
        return _restart(state, told.Restart(by=by), config)
    if state.status in (RunStatus.FAILED, RunStatus.ESCALATED):
        return _resume(state, told.Resume(), config)
    return Decision(state=state, effects=(do.WriteState(),))


def _graph_changed(state: RunState, event: told.GraphChanged, now: datetime) -> Decision:
    """Hand a run whose pipeline file was changed to people (ENG-07)."""
    message = f"the pipeline file was changed since the run began (at {event.new_graph.config_sha[:12]})"
    message += f"; {event.new_graph.problem}" if event.new_graph.problem else ""
    failure = Failure(category=FailureCategory.GRAPH_CHANGED, node="run", message=message, at=now, escalated=True)
    state = replace(state, status=RunStatus.ESCALATED, failure=failure, wait=None)
    return Decision(state=state, effects=(do.WriteState(), do.SetLabels(), do.PostFailure(failure=failure)))
