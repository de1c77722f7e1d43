"""What GitHub tells us, reduced to what we need."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from cogworks.model.ids import IssueNumber, PullNumber, RepoName, Sha

Permission = Literal["admin", "maintain", "write", "triage", "read", "none"]
WRITERS: frozenset[Permission] = frozenset({"admin", "maintain", "write"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Repo:
    """A repository as the token sees it."""

    name: RepoName
    default_branch: str
    can_push: bool
    can_admin: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """An issue; ``id`` is the database id that sub-issue and dependency calls want.

    ``open_blockers`` counts open issues that it waits for; None when GitHub did not say.
    """

    id: int
    number: IssueNumber
    title: str
    body: str
    open: bool
    labels: tuple[str, ...]
    author: str
    author_is_bot: bool = False
    milestone: str | None = None
    milestone_number: int | None = None
    updated_at: datetime | None = None
    is_pull: bool = False
    open_blockers: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A label of a repository."""

    name: str
    color: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A comment on an issue; ``issue`` is filled where the listing spans issues, ``edited`` once it was changed."""

    id: int
    author: str
    body: str
    created_at: datetime
    author_is_bot: bool = False
    issue: IssueNumber | None = None
    edited: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueEvent:
    """Something that happened to an issue: ``labeled``, ``unlabeled``, ``closed``, …"""

    id: int
    issue: IssueNumber
    kind: str
    actor: str
    actor_is_bot: bool
    at: datetime
    label: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """A pull request."""

    number: PullNumber
    title: str
    body: str
    open: bool
    merged: bool
    head: str
    head_sha: Sha
    base: str
    author: str
    url: str = ""
    merged_by: str | None = None
    merged_by_is_bot: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """One review of a pull request."""

    id: int
    author: str
    author_is_bot: bool
    state: Literal["APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED", "PENDING"]
    body: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineComment:
    """A review comment to post at a line of the diff."""

    path: str
    line: int
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Milestone:
    """An open milestone."""

    number: int
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The token's primary limit as GitHub last told it."""

    limit: int
    remaining: int
    reset_at: datetime
