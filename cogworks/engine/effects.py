"""What the step function asks for (ENG-27). Done twice, each acts once: all are looked up before they are done."""

from dataclasses import dataclass
from typing import Literal

from cogworks.model.ids import IssueNumber, NodeId, NodeRef, PullNumber, SwiOrdinal
from cogworks.model.state import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteState:
    """Write the state comment, then the projection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLabels:
    """Bring the labels of the work item and its SWIs to what the state wants."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostEntry:
    """Post the entry part of a node comment."""

    ref: NodeRef


@dataclass(frozen=True, slots=True, kw_only=True)
class PostGate:
    """Say what waits and how to answer."""

    ref: NodeRef


@dataclass(frozen=True, slots=True, kw_only=True)
class PostBudget:
    """Say that ``level`` percent of the budget is used."""

    level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PostNotice:
    """Say something once per run: ``kind`` is a comment kind of GH-21."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PostFailure:
    """Post the failure report."""

    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class PostCost:
    """Post the cost report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostSummary:
    """Post the summary of a run that did not complete; a completed one has it from the closing check."""

    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StartNodes:
    """Dispatch attempts that run together, as (node, attempt)."""

    starts: tuple[tuple[NodeRef, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StopWork:
    """Tell running attempts to stop, and let none start."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanUp:
    """Remove the run's work trees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class React:
    """Put a thumb under a person's comment."""

    comment_id: int
    kind: Literal["+1", "-1"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Answer the comment of a person on ``issue``; whoever asks for this knows that it was not answered yet."""

    issue: IssueNumber
    comment_id: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeLabels:
    """Add and drop labels that people and machine both set."""

    add: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()


NoteAction = Literal[
    "changed", "commanded", "edge_eval", "illegal", "late", "released", "replayed", "restart", "safety_raised"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something for the log and the audit trail, with no change outside; ``by`` is the person who did it."""

    action: NoteAction
    message: str
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkFailed:
    """Put the label of a failed run beside what is there, and touch no other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelabelSwi:
    """Look at the labels of a sub-work-item's issue again, for people changed them."""

    ordinal: SwiOrdinal


Labelling = MarkFailed | RelabelSwi
"""What is done to labels besides bringing them to what the state wants."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostSuperseded:
    """Say at a pull request that the work goes back to ``target``, and that it stays as it is (ENG-22)."""

    pull: PullNumber
    target: NodeId


Ending = PostFailure | PostCost | PostSummary
"""Comments of a run that ended."""

Post = PostEntry | PostGate | PostBudget | PostNotice | PostSuperseded | Ending
"""Every comment that a step can post."""

Answer = React | Reply | ChangeLabels
"""What people get for what they said."""

Effect = WriteState | SetLabels | Labelling | StartNodes | StopWork | CleanUp | Note | Answer | Post
