"""GitHub, split by verb group; routes and returns are those of 30 section 12.

Every verb raises the GitHub leaves of the error tree and nothing else. Verbs that change something first call the
guard given to ``guarded_by``, so a worker that lost its lease writes nothing (RUN-10). No verb merges, approves,
closes or deletes: GH-03 holds because there is nothing to call.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal, Protocol, Self

from cogworks.model.github import (
    Comment,
    Issue,
    IssueEvent,
    Label,
    Limits,
    LineComment,
    Milestone,
    Permission,
    Pull,
    Repo,
    Review,
)
from cogworks.model.ids import IssueNumber, PullNumber, RepoName, Sha

Guard = Callable[[], None]


class Issues(Protocol):
    """Issues, sub-issues and dependencies."""

    def get(self, repo: RepoName, number: IssueNumber) -> Issue: ...
    def find(self, repo: RepoName, *, labels: Sequence[str], milestone: int | None = None) -> tuple[Issue, ...]:
        """Return the open issues that carry all ``labels``; pull requests are dropped."""
        ...

    def create(
        self, repo: RepoName, *, title: str, body: str, labels: Sequence[str], milestone: int | None
    ) -> Issue: ...
    def sub_issues(self, repo: RepoName, number: IssueNumber) -> tuple[Issue, ...]: ...
    def add_sub_issue(self, repo: RepoName, number: IssueNumber, *, child_id: int) -> None: ...
    def blocked_by(self, repo: RepoName, number: IssueNumber) -> tuple[Issue, ...]: ...
    def add_blocked_by(self, repo: RepoName, number: IssueNumber, *, blocker_id: int) -> None: ...
    def milestones(self, repo: RepoName) -> tuple[Milestone, ...]: ...
    def events(self, repo: RepoName) -> tuple[IssueEvent, ...]:
        """Return the newest page of the repository's issue events, newest first."""
        ...


class Labels(Protocol):
    """Labels of a repository and of its issues."""

    def list(self, repo: RepoName) -> tuple[Label, ...]: ...
    def create(self, repo: RepoName, label: Label) -> None: ...
    def add(self, repo: RepoName, number: IssueNumber, names: Sequence[str]) -> None:
        """Add all ``names`` in one request."""
        ...

    def remove(self, repo: RepoName, number: IssueNumber, name: str) -> None:
        """Remove one label; an absent one is fine."""
        ...


class Comments(Protocol):
    """Comments on issues and pull requests."""

    def list(self, repo: RepoName, number: IssueNumber) -> tuple[Comment, ...]: ...
    def get(self, repo: RepoName, comment_id: int) -> Comment: ...
    def recent(self, repo: RepoName, *, since: datetime | None) -> tuple[Comment, ...]:
        """Return comments of the whole repository changed at or after ``since``."""
        ...

    def create(self, repo: RepoName, number: IssueNumber, body: str) -> Comment: ...
    def update(self, repo: RepoName, comment_id: int, body: str) -> Comment: ...
    def react(self, repo: RepoName, comment_id: int, kind: Literal["+1", "-1"]) -> None: ...


class Pulls(Protocol):
    """Pull requests and their reviews."""

    def find(self, repo: RepoName, *, head: str) -> tuple[Pull, ...]:
        """Return pull requests from branch ``head``, in any state, newest first."""
        ...

    def get(self, repo: RepoName, number: PullNumber) -> Pull: ...
    def create(self, repo: RepoName, *, title: str, body: str, head: str, base: str) -> Pull: ...
    def update_body(self, repo: RepoName, number: PullNumber, body: str) -> None: ...
    def reviews(self, repo: RepoName, number: PullNumber) -> tuple[Review, ...]: ...
    def comment_review(
        self, repo: RepoName, number: PullNumber, *, sha: Sha, body: str, comments: Sequence[LineComment]
    ) -> None:
        """Post one review with event ``COMMENT``; the event is fixed."""
        ...

    def of_commit(self, repo: RepoName, sha: Sha) -> tuple[Pull, ...]: ...


class Contents(Protocol):
    """The repository, its people, files and refs."""

    def repo(self, repo: RepoName) -> Repo: ...
    def login(self) -> str:
        """Return the login that the token acts as."""
        ...

    def permission(self, repo: RepoName, login: str) -> Permission: ...
    def missing_rights(self, repo: RepoName) -> tuple[str, ...]:
        """Return which rights to issues and pull requests the token lacks, such as ``pull requests: write``."""
        ...

    def limits(self) -> Limits: ...
    def file(self, repo: RepoName, path: str, *, ref: str) -> bytes | None: ...
    def branch(self, repo: RepoName, name: str) -> Sha | None: ...
    def last_commit(self, repo: RepoName, path: str, *, ref: str) -> Sha | None:
        """Return the last commit at or before ``ref`` that touched ``path``."""
        ...


class GitHub(Protocol):
    """All verb groups of one token."""

    @property
    def issues(self) -> Issues: ...
    @property
    def labels(self) -> Labels: ...
    @property
    def comments(self) -> Comments: ...
    @property
    def pulls(self) -> Pulls: ...
    @property
    def contents(self) -> Contents: ...
    def guarded_by(self, guard: Guard) -> Self:
        """Return the same GitHub whose every write first calls ``guard``, which raises to forbid it."""
        ...
