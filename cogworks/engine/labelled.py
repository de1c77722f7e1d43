"""Read what people asked by labels beyond trigger and cancel: restart, once more, release of a hold (GH-08, GH-14)."""

from collections.abc import Mapping

from cogworks.engine import events as told
from cogworks.engine.comments import state_key
from cogworks.engine.hearing import pull_of
from cogworks.engine.observing import Scene
from cogworks.model.errors import NotFound
from cogworks.model.github import IssueEvent
from cogworks.model.state import RunState, RunStatus
from cogworks.policy.labels import PENDING_SWI, RESTART

LABELLED, LOOKED = "labelled", "looked"
"""Facts: the newest label event of a person that asks for something, and the newest that a step has looked for."""


def label_unread(facts: Mapping[str, str], *, read_to: int = 0) -> bool:
    """Tell whether a label was noted that no step has looked for."""
    return int(facts.get(LABELLED) or 0) > max(read_to, int(facts.get(LOOKED) or 0))


def asked_by_label(scene: Scene, state: RunState) -> tuple[told.Event, ...]:
    """Return what people asked by labels that no step has acted on; one thing at a time."""
    if state.status is RunStatus.HELD:
        return _hold_label_gone(scene, state)
    if RESTART in scene.issue.labels and scene.issue.open:
        return (told.Restart(by="the restart label", by_label=True),)
    if state.queued and not state.status.open:
        return (told.QueueDue(),)
    late = scene.overtaken(state) if state.status is RunStatus.CANCELLED else ()
    if late:
        return (told.LateCost(ended=late),)
    return _labelled(scene, state)


def _labelled(scene: Scene, state: RunState) -> tuple[told.Event, ...]:
    """Return what labels ask for that leave no trace on the issue but an event, oldest first."""
    if not label_unread(scene.found.facts, read_to=state.cursor.event_id):
        return ()
    asked = (_meaning(scene, state, event) for event in _newest(scene, state))
    found = tuple(one for one in asked if one is not None)
    if not found:
        scene.ports.projection.note(state.item, {LOOKED: scene.found.facts.get(LABELLED, "")})
    return found


def _meaning(scene: Scene, state: RunState, event: IssueEvent) -> told.Event | None:
    names = scene.config.config.labels
    if event.issue == state.work_item and event.label == names.trigger and not _began_it(scene, state, event):
        return told.Retriggered(by=event.actor, event_id=event.id, after_stop=_after_stop(state, event))
    swi = next((one for one in state.sub_work_items if one.issue == event.issue), None)
    if swi is None or event.label != PENDING_SWI:
        return None
    merged, remarks = pull_of(scene.github, state.repo, swi)
    where = f"label:{event.id}"
    return told.Regenerate(swi=swi.ordinal, by=event.actor, where=where, text=remarks, merged=merged, event_id=event.id)


def _after_stop(state: RunState, event: IssueEvent) -> bool:
    """Tell whether a trigger came after the run had stopped, by the time of its event (GH-08)."""
    stopped = state.failure.at if state.failure is not None else state.written_at
    return not state.status.open and (stopped is None or event.at >= stopped)


def _newest(scene: Scene, state: RunState) -> list[IssueEvent]:
    """Return the labels that people set since the last that was acted on; the newest of each label and issue."""
    own = scene.github.contents.login()
    found: dict[tuple[int, str | None], IssueEvent] = {}
    for event in sorted(scene.github.issues.events(state.repo), key=lambda one: one.id):
        if event.kind == "labeled" and not event.actor_is_bot and event.actor != own:
            found[event.issue, event.label] = event
    newer = (event for event in found.values() if event.id > state.cursor.event_id)
    return sorted(newer, key=lambda event: event.id)


def _began_it(scene: Scene, state: RunState, event: IssueEvent) -> bool:
    """Tell whether a trigger is older than the run, by GitHub's own clock: then it is the one that began it."""
    comment_id = scene.found.facts.get(f"comment:{state_key(state.run_id)}", "")
    if not comment_id.isdecimal():
        return True
    try:
        return event.at <= scene.github.comments.get(state.repo, int(comment_id)).created_at
    except NotFound:
        return True


def _hold_label_gone(scene: Scene, state: RunState) -> tuple[told.Event, ...]:
    """Say who took the hold label away from a held run, if it is gone (GH-14)."""
    hold = scene.config.config.labels.hold
    if hold in scene.issue.labels:
        return ()
    where = (state.work_item, hold)
    changes = (one for one in scene.github.issues.events(state.repo) if (one.issue, one.label) == where)
    newest = max(changes, key=lambda one: one.id, default=None)
    if newest is not None and newest.kind == "labeled":
        return ()  # events lag behind: who took it away is known a little later
    own = scene.github.contents.login()
    by_person = newest is not None and not newest.actor_is_bot and newest.actor != own
    return (told.HoldLabelGone(by_person=newest.actor if newest is not None and by_person else ""),)
