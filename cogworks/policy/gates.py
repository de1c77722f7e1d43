"""Who must say yes: gates of nodes and what counts as an answer (ENG-38 to ENG-40, GH-51)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cogworks.graph.definition import Graph, Node
from cogworks.graph.walk import boundary_nodes
from cogworks.model.github import Pull, Review
from cogworks.model.state import ItemClass


class Answer(StrEnum):
    """What people said at a gate."""

    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateAnswer:
    """An answer with who gave it and where it can be seen."""

    answer: Answer
    by: str = ""
    ref: str = ""


def needs_person(node: Node, *, graph: Graph, item_class: ItemClass) -> bool:
    """Tell whether a person must approve the output of ``node`` (ENG-39, first rule that applies)."""
    if item_class is ItemClass.SAFETY_CRITICAL and node.safety_gate:
        return True
    if node.gate is not None:
        return node.gate == "human-gated"
    return node.id in boundary_nodes(graph, item_class)


def answer_of(pull: Pull, reviews: Sequence[Review], *, can_write: Callable[[str], bool], own_login: str) -> GateAnswer:
    """Return what people said about ``pull``: merged or approved, closed unmerged, or nothing yet."""
    if pull.merged:
        return GateAnswer(answer=Answer.APPROVED, by=pull.merged_by or "", ref=f"pr:{pull.number} merged")
    if not pull.open:
        return GateAnswer(answer=Answer.REJECTED, ref=f"pr:{pull.number} closed unmerged")
    approver = _approver(reviews, can_write=can_write, own_login=own_login)
    if approver:
        return GateAnswer(answer=Answer.APPROVED, by=approver, ref=f"pr:{pull.number} approved")
    return GateAnswer(answer=Answer.WAITING)


def _approver(reviews: Sequence[Review], *, can_write: Callable[[str], bool], own_login: str) -> str | None:
    """Return who approves when nobody with write access stands against it; the latest review per person counts."""
    latest: dict[str, Review] = {}
    for review in reviews:
        if review.state in ("APPROVED", "CHANGES_REQUESTED", "DISMISSED") and review.author != own_login:
            latest[review.author] = review
    standing = [r for r in latest.values() if r.state != "DISMISSED" and not r.author_is_bot and can_write(r.author)]
    if any(r.state == "CHANGES_REQUESTED" for r in standing):
        return None
    return next((r.author for r in standing if r.state == "APPROVED"), None)
