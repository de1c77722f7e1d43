"""Identifiers: each is its own type, parsed once at the boundary (ENG-01)."""

import re
from dataclasses import dataclass
from typing import NewType
from urllib.parse import urlsplit

from cogworks.model.errors import ConfigError, Problem

RepoName = NewType("RepoName", str)
IssueNumber = NewType("IssueNumber", int)
SwiOrdinal = NewType("SwiOrdinal", int)
PullNumber = NewType("PullNumber", int)
NodeId = NewType("NodeId", str)
EdgeId = NewType("EdgeId", str)
Slot = NewType("Slot", str)
RunId = NewType("RunId", str)
Sha = NewType("Sha", str)

END_TO_END = NodeId("end_to_end")
RESERVED_NODE_IDS = frozenset({"failed", "complete", END_TO_END})

_REPO = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})/[A-Za-z0-9._-]{1,100}")
_NODE = re.compile(r"[a-z][a-z0-9_]{0,35}")
_SLOT = re.compile(r"[a-z][a-z0-9_]{0,63}")
_ITEM = re.compile(rf"(?P<repo>{_REPO.pattern})(?:#|/issues/)(?P<number>\d{{1,10}})/?")


@dataclass(frozen=True, slots=True)
class Item:
    """A work item: one issue of one repository."""

    repo: RepoName
    number: IssueNumber

    def __str__(self) -> str:
        return f"{self.repo}#{self.number}"


@dataclass(frozen=True, slots=True)
class NodeRef:
    """One instance of a node: of the work item, or of one sub-work-item."""

    node: NodeId
    swi: SwiOrdinal | None = None

    def __str__(self) -> str:
        return self.node if self.swi is None else f"{self.node}/{self.swi}"


@dataclass(frozen=True, slots=True)
class AttemptKey:
    """Idempotency key of one attempt (RUN-06); its text names the attempt everywhere."""

    item: Item
    run_id: RunId
    ref: NodeRef
    attempt: int

    def __str__(self) -> str:
        swi = "-" if self.ref.swi is None else str(self.ref.swi)
        return f"{self.item}/{self.run_id}/{self.ref.node}/{swi}/{self.attempt}"


def parse_repo(text: str, *, file: str = "command line", field: str = "repo") -> RepoName:
    """Return the repository that ``text`` names as ``owner/name``; raise ConfigError otherwise."""
    if not _REPO.fullmatch(text):
        raise _refused(file, field, text, "owner/name")
    return RepoName(text)


def parse_item(text: str, *, file: str = "command line", field: str = "issue") -> Item:
    """Return the work item that ``text`` names as ``owner/name#42`` or as an issue URL."""
    tail = urlsplit(text).path.lstrip("/") if "://" in text else text
    found = _ITEM.fullmatch(tail)
    if not found or int(found["number"]) < 1:
        raise _refused(file, field, text, "owner/name#42 or the URL of an issue, number 1 or more")
    return Item(RepoName(found["repo"]), IssueNumber(int(found["number"])))


def is_slot(text: str) -> bool:
    """Tell whether ``text`` can name a slot or an edge."""
    return _SLOT.fullmatch(text) is not None


def is_node_id(text: str) -> bool:
    """Tell whether ``text`` has the form of a node id; reserved names have it too."""
    return _NODE.fullmatch(text) is not None


def _refused(file: str, field: str, value: str, allowed: str) -> ConfigError:
    problem = Problem(code="out_of_range", file=file, field=field, message=f"{value!r} is not valid", allowed=allowed)
    return ConfigError(problems=(problem,))
