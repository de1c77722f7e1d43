"""Find the state of a run: in the projection, else in its comment on GitHub (RUN-09, GH-17)."""

from collections.abc import Mapping
from dataclasses import dataclass

from cogworks.model.ids import AttemptKey, Item
from cogworks.model.state import RunState, state_from_json
from cogworks.pages.state_comment import read_state, read_state_mark
from cogworks.ports.github import GitHub
from cogworks.ports.runtime import ProjectedRun, Projection


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A state with the small facts noted about its run; ``projected`` says that Redis knew it."""

    state: RunState | None
    facts: Mapping[str, str]
    projected: bool


def load_state(projection: Projection, github: GitHub, item: Item) -> Found:
    """Return the newest state of ``item``; None when no run ever started.

    Raises StateUnreadable when the comment is there but was edited or damaged.
    """
    run = projection.load(item)
    state = None if run is None else readable(run)
    if run is not None and state is not None and WHOLE in run.facts:
        return Found(state=state, facts=run.facts, projected=True)
    return Found(state=state_on_github(github, item), facts={}, projected=False)


def readable(run: ProjectedRun) -> RunState | None:
    """Return the state in a projection; None when it is damaged, for then GitHub's is the one that counts."""
    try:
        return state_from_json(run.state)
    except ValueError:
        return None


def state_on_github(github: GitHub, item: Item) -> RunState | None:
    """Return the state in the newest state comment of ours; None when no run ever started."""
    own = github.contents.login()
    heads = [
        (comment.id, comment.body)
        for comment in github.comments.list(item.repo, item.number)
        if comment.author == own and read_state_mark(comment.body) is not None
    ]
    return read_state(max(heads)[1]) if heads else None


WHOLE = "whole"
"""The fact which says that the projection knows all of our comments. A state beside no such word was written by an
owner who did not notice that Redis had lost everything in between: the facts that go with it are gone."""

RIDING = "audit:"
"""Facts under this prefix are audit records of steps, which ride with the next attempt's push."""


def unjournalled(key: AttemptKey) -> str:
    """Return the fact under which an outcome is noted that no journal entry tells of: it waits, or had no owner."""
    return f"unjournalled:{key}"


def dispatched_before_loss(key: AttemptKey) -> str:
    """Return the fact which says that an attempt was under way when Redis was lost: a living owner comes first."""
    return f"before-loss:{key}"


def dispatched_at(key: AttemptKey) -> str:
    """Return the fact under which is noted when an attempt was sent to the workers last."""
    return f"sent:{key}"


def time_limit(key: AttemptKey) -> str:
    """Return the fact under which its node's timeout in seconds is noted, for those who watch and read no graph."""
    return f"timeout:{key}"


HELD = "on-hold"
"""The fact which says that a person's hold keeps the run still: nobody who watches need worry."""
