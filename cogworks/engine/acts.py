"""What people did on GitHub that the step function is told of (30 section 11). Each was read from the world."""

from collections.abc import Sequence
from dataclasses import dataclass

from cogworks.engine.events import Event, NodeEnded
from cogworks.model.ids import NodeRef, PullNumber, Sha, SwiOrdinal

Ended = tuple[NodeEnded, ...]
"""Outcomes that came in meanwhile for what an act undoes: their work counts no more, their cost does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsChanged:
    """Somebody else changed our node labels: nobody can tell any more where the run stands (X-02)."""

    by: str
    expected: tuple[str, ...]
    found: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyRaised:
    """Somebody put the safety label on the work item: the item counts as safety-affecting from here on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextEdited:
    """Title or text of the issue changed; ``gives_orders`` names what the new text tries, when it tries something."""

    text_sha: str
    gives_orders: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwiRegenerate:
    """A person wants a sub-work-item made anew: with it goes everything that builds on it (ENG-37).

    ``closed`` is the pull request that was closed unmerged, when that is how the person said so.
    """

    ordinal: SwiOrdinal
    findings: tuple[str, ...] = ()
    by: str = ""
    closed: PullNumber | None = None
    ended: Ended = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SwiMerged:
    """A person merged the pull request of a sub-work-item (GH-37)."""

    ordinal: SwiOrdinal
    by: str
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SwiClosed:
    """A person closed the issue of a sub-work-item without merging anything."""

    ordinal: SwiOrdinal
    ended: Ended = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SwiWaitsFor:
    """People made a sub-work-item wait for others of the plan, besides those that it waits for already (GH-33)."""

    ordinal: SwiOrdinal
    others: tuple[SwiOrdinal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchMoved:
    """Somebody pushed to the branch of a sub-work-item before its pull request: that counts, and is reviewed."""

    ordinal: SwiOrdinal
    head: Sha
    ended: Ended = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchGone:
    """Somebody deleted the branch that a node had made, and nothing of it is merged: the node has to work again."""

    ref: NodeRef
    closed: PullNumber | None = None
    ended: Ended = ()


OfSwi = SwiRegenerate | SwiMerged | SwiClosed | SwiWaitsFor | BranchMoved | BranchGone
"""Acts on what belongs to one sub-work-item, or on a node's branch."""

Act = LabelsChanged | SafetyRaised | TextEdited | OfSwi
"""Everything that people do and that no other event tells of."""

Happening = Event | Act
"""What the step function can be told."""


def undone_by(acts: Sequence[Happening]) -> frozenset[NodeRef]:
    """Return the instances whose outcome an act took along: it is not to be told a second time."""
    takers = (SwiRegenerate, SwiClosed, BranchMoved, BranchGone)
    return frozenset(ended.ref for act in acts if isinstance(act, takers) for ended in act.ended)
