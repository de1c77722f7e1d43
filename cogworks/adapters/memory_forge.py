"""A GitHub in memory: what it stores, and the rules that hold whoever acts.

``memory_github`` is the port on it, ``memory_git`` the other port, ``memory_people`` what humans do. Ids count up and
time is handed in, so that the same actions always give the same forge.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count

from cogworks.adapters.memory_commits import MemoryCommits
from cogworks.model.errors import AlreadyExists, InvalidRequest, NotFound, PermissionDenied
from cogworks.model.github import Comment, Issue, IssueEvent, Label, Milestone, Permission, Pull, Review
from cogworks.model.ids import IssueNumber, PullNumber, RepoName, Sha

MACHINE = "cogworks"
FIRST_REVIEWER = "reviewer"
BODY_LIMIT_CHARACTERS = 65_536
_MAX_CHILDREN = 100
_START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedIssue:
    """An issue that a repository begins with."""

    title: str
    body: str = ""
    author: str = "maria"
    labels: tuple[str, ...] = ()
    milestone: str | None = None


class MemoryRepo:
    """One repository; people and programs change it through the verbs, tests read the fields."""

    def __init__(self, name: RepoName, *, default_branch: str, now: Callable[[], datetime]) -> None:
        """Begin empty."""
        self.name, self.default_branch = name, default_branch
        self.commits = MemoryCommits()
        self.branches: dict[str, Sha] = {}
        self.people: dict[str, Permission] = {}
        self.labels: dict[str, Label] = {}
        self.milestones: list[Milestone] = []
        self.issues: dict[IssueNumber, Issue] = {}
        self.comments: dict[int, Comment] = {}
        self.edited_at: dict[int, datetime] = {}
        self.reactions: dict[int, list[str]] = defaultdict(list)
        self.children: dict[IssueNumber, list[IssueNumber]] = defaultdict(list)
        self.blockers: dict[IssueNumber, list[IssueNumber]] = defaultdict(list)
        self.locked: set[IssueNumber] = set()
        self.pulls: dict[PullNumber, Pull] = {}
        self.brought: dict[PullNumber, tuple[Sha, ...]] = {}
        self.reviews: dict[PullNumber, list[Review]] = defaultdict(list)
        self.events: list[IssueEvent] = []
        self._ids, self.now = count(1_000_001), now

    def new_id(self) -> int:
        """Return a database id that nothing else has."""
        return next(self._ids)

    def issue(self, number: IssueNumber, *, operation: str) -> Issue:
        """Return an issue or pull request; NotFound when there is none."""
        if number not in self.issues:
            raise NotFound("no such issue", operation=operation, target=f"{self.name}#{number}")
        return self.issues[number]

    def pull(self, number: PullNumber, *, operation: str) -> Pull:
        """Return a pull request with its head as it stands now; NotFound when there is none."""
        if number not in self.pulls:
            raise NotFound("no such pull request", operation=operation, target=f"{self.name}#{number}")
        pull = self.pulls[number]
        issue = self.issues[IssueNumber(number)]
        head_sha = self.branches.get(pull.head, pull.head_sha) if issue.open else pull.head_sha
        return replace(pull, title=issue.title, body=issue.body, open=issue.open, head_sha=head_sha)

    def open_issue(
        self, *, title: str, body: str, author: str, labels: Sequence[str] = (), milestone: int | None = None
    ) -> Issue:
        """Open an issue under the next number."""
        number = IssueNumber(len(self.issues) + 1)
        checked_body(body, operation="issues.create", target=self.name)
        titles = {one.number: one.title for one in self.milestones}
        if milestone is not None and milestone not in titles:
            raise InvalidRequest("milestone is unknown", operation="issues.create", target=self.name)
        self.issues[number] = Issue(
            id=self.new_id(),
            number=number,
            title=title,
            body=body,
            open=True,
            labels=(),
            author=author,
            author_is_bot=author == MACHINE,
            milestone=None if milestone is None else titles[milestone],
            milestone_number=milestone,
            updated_at=self.now(),
        )
        self.add_labels(number, labels, actor=author)
        return self.issues[number]

    def change_issue(self, number: IssueNumber, **fields: object) -> None:
        """Replace fields of an issue."""
        self.issues[number] = replace(self.issues[number], updated_at=self.now(), **fields)  # type: ignore[arg-type]  # fields of Issue, by name

    def add_labels(self, number: IssueNumber, names: Sequence[str], *, actor: str) -> None:
        """Put labels on an issue; unknown ones are created, present ones are left alone."""
        for name in names:
            known = self.labels.setdefault(name.lower(), Label(name=name, color="ededed"))
            present = self.issue(number, operation="labels.add").labels
            if known.name not in present:
                self.change_issue(number, labels=(*present, known.name))
                self.note(number, "labeled", actor=actor, label=known.name)

    def remove_label(self, number: IssueNumber, name: str, *, actor: str) -> None:
        """Take a label off an issue; an absent one changes nothing."""
        present = self.issue(number, operation="labels.remove").labels
        kept = tuple(label for label in present if label.lower() != name.lower())
        if kept != present:
            self.change_issue(number, labels=kept)
            self.note(number, "unlabeled", actor=actor, label=next(one for one in present if one not in kept))

    def add_comment(self, number: IssueNumber, body: str, *, author: str) -> Comment:
        """Post a comment."""
        self.issue(number, operation="comments.create")
        self._check_open(number, author=author, operation="comments.create")
        checked_body(body, operation="comments.create", target=f"{self.name}#{number}")
        comment = Comment(
            id=self.new_id(),
            author=author,
            body=body,
            created_at=self.now(),
            author_is_bot=author == MACHINE,
            issue=number,
        )
        self.comments[comment.id] = comment
        self.edited_at[comment.id] = comment.created_at
        return comment

    def add_child(self, number: IssueNumber, child: IssueNumber, *, actor: str, operation: str) -> None:
        """Attach a sub-issue; one that has a parent already is refused."""
        target = f"{self.name}#{number}"
        if any(child in children for children in self.children.values()):
            raise AlreadyExists("issue is a sub-issue already", operation=operation, target=target)
        if len(self.children[number]) >= _MAX_CHILDREN:
            raise InvalidRequest(f"more than {_MAX_CHILDREN} sub-issues", operation=operation, target=target)
        self.children[number].append(child)
        self.note(number, "sub_issue_added", actor=actor)
        self.note(child, "parent_issue_added", actor=actor)

    def add_blocker(self, number: IssueNumber, blocker: IssueNumber, *, actor: str, operation: str) -> None:
        """Make an issue wait for another; one that waits for it already is refused."""
        if blocker in self.blockers[number]:
            raise AlreadyExists("issue is blocked by it already", operation=operation, target=f"{self.name}#{number}")
        self.blockers[number].append(blocker)
        self.note(number, "blocked_by_added", actor=actor)
        self.note(blocker, "blocking_added", actor=actor)

    def edit_comment(self, comment_id: int, body: str, *, author: str = "") -> Comment:
        """Replace the text of a comment."""
        if comment_id not in self.comments:
            raise NotFound("no such comment", operation="comments.update", target=f"{self.name} {comment_id}")
        self._check_open(self.comments[comment_id].issue, author=author, operation="comments.update")
        checked_body(body, operation="comments.update", target=f"{self.name} {comment_id}")
        self.comments[comment_id] = replace(self.comments[comment_id], body=body, edited=True)
        self.edited_at[comment_id] = self.now()
        return self.comments[comment_id]

    def _check_open(self, number: IssueNumber | None, *, author: str, operation: str) -> None:
        """Raise PermissionDenied for a program at a locked conversation."""
        if number in self.locked and author == MACHINE:
            raise PermissionDenied("conversation is locked", operation=operation, target=f"{self.name}#{number}")

    def add_review(self, number: PullNumber, review_state: str, *, author: str, body: str = "") -> None:
        """Post a review."""
        self.pull(number, operation="pulls.review")
        self.reviews[number].append(
            Review(
                id=self.new_id(),
                author=author,
                author_is_bot=author == MACHINE,
                state=review_state,  # type: ignore[arg-type]  # callers pass the words of Review.state
                body=body,
                at=self.now(),
            )
        )

    def open_pull(self, *, title: str, body: str, head: str, base: str, author: str) -> Pull:
        """Open a pull request, which is an issue too."""
        issue = self.open_issue(title=title, body=body, author=author)
        self.change_issue(issue.number, is_pull=True)
        pull = Pull(
            number=PullNumber(issue.number),
            title=title,
            body=body,
            open=True,
            merged=False,
            head=head,
            head_sha=self.branches[head],
            base=base,
            author=author,
            url=f"memory://{self.name}/pull/{issue.number}",
        )
        self.pulls[pull.number] = pull
        return pull

    def note(self, number: IssueNumber, kind: str, *, actor: str, label: str | None = None) -> None:
        """Record an issue event."""
        self.events.append(
            IssueEvent(
                id=self.new_id(),
                issue=number,
                kind=kind,
                actor=actor,
                actor_is_bot=actor == MACHINE,
                at=self.now(),
                label=label,
            )
        )


@dataclass(slots=True)
class _Ticks:
    """A clock that goes one second further each time it is asked."""

    at: datetime = _START

    def __call__(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


@dataclass(slots=True, kw_only=True)
class MemoryForge:
    """Every repository of one GitHub in memory; ``now`` is its clock."""

    now: Callable[[], datetime] = field(default_factory=_Ticks)
    repos: dict[RepoName, MemoryRepo] = field(default_factory=dict)

    def repo(self, name: RepoName, *, operation: str = "contents.repo") -> MemoryRepo:
        """Return a repository; NotFound when there is none."""
        if name not in self.repos:
            raise NotFound("no such repository", operation=operation, target=name)
        return self.repos[name]

    def add_repo(
        self,
        name: RepoName,
        *,
        files: Mapping[str, bytes],
        issues: Sequence[PlantedIssue] = (),
        people: Mapping[str, Permission] | None = None,
        milestones: Sequence[str] = (),
        default_branch: str = "main",
    ) -> MemoryRepo:
        """Plant a repository: issues get numbers from 1, then comes the merged pull request that brought ``files``."""
        repo = MemoryRepo(name, default_branch=default_branch, now=self.now)
        self.repos[name] = repo
        repo.people = {"maria": "write", FIRST_REVIEWER: "write", **(people or {}), MACHINE: "write"}
        repo.milestones = [Milestone(number=place, title=title) for place, title in enumerate(milestones, start=1)]
        repo.branches[default_branch] = repo.commits.add(parents=(), files=files, message="Import the source")
        for planted in issues:
            numbers = {one.title: one.number for one in repo.milestones}
            repo.open_issue(
                title=planted.title,
                body=planted.body,
                author=planted.author,
                labels=planted.labels,
                milestone=None if planted.milestone is None else numbers[planted.milestone],
            )
        _import_reviewed(repo)
        return repo


def _import_reviewed(repo: MemoryRepo) -> None:
    head = repo.branches[repo.default_branch]
    repo.branches["import"] = head
    pull = repo.open_pull(title="Import the source", body="", head="import", base=repo.default_branch, author="maria")
    del repo.branches["import"]
    repo.add_review(pull.number, "APPROVED", author=FIRST_REVIEWER)
    repo.change_issue(IssueNumber(pull.number), open=False)
    repo.pulls[pull.number] = replace(pull, merged=True, merged_by=FIRST_REVIEWER)
    repo.brought[pull.number] = (head,)


def checked_body(body: str, *, operation: str, target: str) -> None:
    """Raise InvalidRequest for a text that is longer than GitHub takes."""
    if len(body) > BODY_LIMIT_CHARACTERS:
        raise InvalidRequest(
            f"body is too long (maximum is {BODY_LIMIT_CHARACTERS} characters)", operation=operation, target=target
        )
