"""Read what people asked by labels beyond trigger and cancel: restart, once more, release of a hold (GH-08, GH-14)."""

from collections.abc import Mapping

from cogworks.engine import events as told
from cogworks.engine.comments import state_key
from cogworks.engine.observing import Scene
from cogworks.model.errors import NotFound
from cogworks.model.github import IssueEvent
from cogworks.model.state import RunState, RunStatus
from cogworks.policy.labels import RESTART

LABELLED, LOOKED = "labelled", "looked"
"""Facts: the newest trigger that a person set while a run is there, and the newest that a step has looked for."""


def label_unread(facts: Mapping[str, str], *, read_to: int = 0) -> bool:
    """Tell whether a label was noted that no step has looked for."""
    return int(facts.get(LABELLED) or 0) > max(read_to, int(facts.get(LOOKED) or 0))


def asked_by_label(scene: Scene, state: RunState) -> tuple[told.Single, ...]:
    """Return what people asked by labels that no step has acted on; one thing at a time."""
    if state.status is RunStatus.HELD:
        return _hold_label_gone(scene, state)
    if RESTART in scene.issue.labels and scene.issue.open:
        return (told.Restart(by="the restart label", by_label=True),)
    if state.queued and not state.status.open:
        return (told.QueueDue(),)
    return _labelled(scene, state)


def _labelled(scene: Scene, state: RunState) -> tuple[told.Single, ...]:
    """Return what the trigger asks for that was put on while a run is there: only its event tells of it."""
    if not label_unread(scene.found.facts, read_to=state.cursor.event_id):
        return ()
    event = _newest_trigger(scene, state)
    if event is None or _began_it(scene, state, event):
        scene.ports.projection.note(state.item, {LOOKED: scene.found.facts.get(LABELLED, "")})
        return ()
    return (told.Retriggered(by=event.actor, event_id=event.id, after_stop=_after_stop(state, event)),)


def _after_stop(state: RunState, event: IssueEvent) -> bool:
    """Tell whether a trigger came after the run had stopped, by the time of its event (GH-08)."""
    stopped = state.failure.at if state.failure is not None else state.written_at
    return not state.status.open and (stopped is None or event.at >= stopped)


def _newest_trigger(scene: Scene, state: RunState) -> IssueEvent | None:
    """Return the last time that a person put the trigger on, if that came after what was acted on."""
    own, trigger = scene.github.contents.login(), scene.config.config.labels.trigger
    found = (
        event
        for event in scene.github.issues.events(state.repo)
        if (event.issue, event.kind, event.label) == (state.work_item, "labeled", trigger)
        and not event.actor_is_bot
        and event.actor != own
        and event.id > state.cursor.event_id
    )
    return max(found, key=lambda event: event.id, default=None)


def _began_it(scene: Scene, state: RunState, event: IssueEvent) -> bool:
    """Tell whether a trigger is older than the run, by GitHub's own clock: then it is the one that began it."""
    comment_id = scene.found.facts.get(f"comment:{state_key(state.run_id)}", "")
    if not comment_id.isdecimal():
        return True
    try:
        return event.at <= scene.github.comments.get(state.repo, int(comment_id)).created_at
    except NotFound:
        return True


def _hold_label_gone(scene: Scene, state: RunState) -> tuple[told.Single, ...]:
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
