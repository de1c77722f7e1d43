"""What the step function can be told (ENG-28). Each is a fact read from the world, never from a message."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cogworks.model.commands import Said
from cogworks.model.errors import FailureCategory
from cogworks.model.ids import IssueNumber, NodeRef, Sha, SwiOrdinal
from cogworks.model.json_value import JsonObject
from cogworks.model.outcome import Outcome

Results = Mapping[str, JsonObject]


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggered:
    """The trigger label is on; nothing ran yet, or a stopped run is to go on.

    ``text_sha`` tells the text of the issue as it is now; ``event_id`` is the newest label event at that time: what
    came before it asks for nothing more.
    """

    text_sha: str = ""
    event_id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """A person had the dead letter of this attempt replayed."""

    ref: NodeRef
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeEnded:
    """An attempt came to an outcome. ``results`` holds earlier outputs, which edge conditions may read."""

    ref: NodeRef
    attempt: int
    outcome: Outcome
    results: Results = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateApproved:
    """A person said yes; ``head`` is the approved commit of the pull request."""

    ref: NodeRef
    by: str
    where: str
    head: str = ""
    note: str = ""
    results: Results = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRejected:
    """A person said no."""

    ref: NodeRef
    by: str
    where: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseStale:
    """An attempt has no owner and no outcome: it is taken again under the same number."""

    ref: NodeRef


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitOver:
    """The time that a run waited for has come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """A person took the trigger away, set the cancel label, or closed the issue.

    ``ended`` are the outcomes that came in meanwhile: their work counts no more, their cost does.
    """

    reason: str
    ended: tuple[NodeEnded, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """A precondition of the whole run broke: configuration, constitution, graph, state."""

    category: FailureCategory
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewGraph:
    """The pipeline file as it is now, when it is not the one that the run began with (ENG-07)."""

    config_sha: Sha
    graph_hash: str
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One command of a comment, with what has to be known of the world to judge it."""

    said: Said
    denied: str = ""
    head: str = ""
    merged: bool = False
    remarks: tuple[str, ...] = ()
    rebuilt: bool = False
    new_graph: NewGraph | None = None
    results: Results = field(default_factory=dict)
    ended: tuple[NodeEnded, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """Somebody wrote a comment with commands in it. ``answered``: it has our reply already."""

    comment_id: int
    issue: IssueNumber
    by: str
    at: datetime
    orders: tuple[Order, ...]
    answered: bool = False
    edited: bool = False
    issue_open: bool = True
    held_by_hand: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """A stopped run is to go on; with ``new_graph`` on the pipeline as it is now."""

    new_graph: NewGraph | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """A new run is to begin in the place of this one. ``by_label``: nobody waits for a reply."""

    by: str
    by_label: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Regenerate:
    """A person commanded to build a sub-work-item again; ``findings`` is what was said against what is there."""

    swi: SwiOrdinal
    by: str
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Clarified:
    """A question about the scope was answered."""

    by: str
    where: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeAccepted:
    """A person lets the run go on past the scope limit."""

    by: str
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldJudged:
    """A person said what a hold is: a false alarm, or true."""

    by: str
    text: str
    contaminated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldLabelGone:
    """The hold label of a held run was taken away; ``by_person`` is empty when a bot did it, or nobody knows who."""

    by_person: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retriggered:
    """The trigger label was put on again while a run is there; ``event_id`` is that of the label, 0 for a comment."""

    by: str
    event_id: int
    after_stop: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueDue:
    """The run ended for which a trigger has waited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphChanged:
    """A run was to go on, but its pipeline file is another one now."""

    new_graph: NewGraph


Wish = (
    Resume
    | Restart
    | Regenerate
    | Clarified
    | ScopeAccepted
    | HoldJudged
    | HoldLabelGone
    | Retriggered
    | QueueDue
    | GraphChanged
)
"""What people ask beyond triggering, answering gates and cancelling, and what follows of it."""

Single = Triggered | Replayed | NodeEnded | GateApproved | GateRejected | LeaseStale | WaitOver | Cancel | Halt | Wish
"""What one decision answers."""

Event = Single | Spoken
"""Everything that the step function is told; a comment may hold several commands, each of which is one of those."""
