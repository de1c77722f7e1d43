"""The port ``GitHub`` on a forge in memory: the twin for unit tests, the kill matrix and the bench."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from cogworks.adapters.memory_commits import diff_between
from cogworks.adapters.memory_forge import MACHINE, MemoryForge, MemoryRepo, checked_body
from cogworks.model.errors import AlreadyExists, InvalidRequest, NotFound
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
_PAGE = 100
_LABEL_NAME_LIMIT_CHARACTERS = 50


class _Group:
    def __init__(self, forge: MemoryForge, *, login: str, guard: Guard | None) -> None:
        """Act on ``forge`` as ``login``; every write first calls ``guard``."""
        self._forge, self._login, self._guard = forge, login, guard

    def _write(self, repo: RepoName, operation: str) -> MemoryRepo:
        if self._guard is not None:
            self._guard()
        return self._forge.repo(repo, operation=operation)


class MemoryIssues(_Group):
    """The port's ``Issues``."""

    def get(self, repo: RepoName, number: IssueNumber) -> Issue:
        """Return one issue."""
        place = self._forge.repo(repo)
        return _with_blockers(place, place.issue(number, operation="issues.get"))

    def find(self, repo: RepoName, *, labels: Sequence[str], milestone: int | None = None) -> tuple[Issue, ...]:
        """Return the open issues that carry all ``labels``, newest first."""
        wanted = {label.lower() for label in labels}
        place = self._forge.repo(repo)
        return tuple(
            _with_blockers(place, issue)
            for issue in reversed(place.issues.values())
            if issue.open
            and not issue.is_pull
            and wanted <= {label.lower() for label in issue.labels}
            and milestone in (None, issue.milestone_number)
        )

    def create(self, repo: RepoName, *, title: str, body: str, labels: Sequence[str], milestone: int | None) -> Issue:
        """Open an issue."""
        place = self._write(repo, "issues.create")
        return place.open_issue(title=title, body=body, author=self._login, labels=labels, milestone=milestone)

    def sub_issues(self, repo: RepoName, number: IssueNumber) -> tuple[Issue, ...]:
        """Return all sub-issues in their order."""
        place = self._forge.repo(repo)
        place.issue(number, operation="issues.sub_issues")
        return tuple(place.issues[child] for child in place.children[number])

    def add_sub_issue(self, repo: RepoName, number: IssueNumber, *, child_id: int) -> None:
        """Attach an issue by its database id."""
        operation = "issues.add_sub_issue"
        place = self._write(repo, operation)
        place.issue(number, operation=operation)
        child = _by_id(place, child_id, operation=operation)
        place.add_child(number, child, actor=self._login, operation=operation)

    def blocked_by(self, repo: RepoName, number: IssueNumber) -> tuple[Issue, ...]:
        """Return the issues that this one waits for."""
        place = self._forge.repo(repo)
        place.issue(number, operation="issues.blocked_by")
        return tuple(place.issues[blocker] for blocker in place.blockers[number])

    def add_blocked_by(self, repo: RepoName, number: IssueNumber, *, blocker_id: int) -> None:
        """Make the issue wait for another, by its database id."""
        operation = "issues.add_blocked_by"
        place = self._write(repo, operation)
        place.issue(number, operation=operation)
        blocker = _by_id(place, blocker_id, operation=operation)
        place.add_blocker(number, blocker, actor=self._login, operation=operation)

    def milestones(self, repo: RepoName) -> tuple[Milestone, ...]:
        """Return the open milestones."""
        return tuple(self._forge.repo(repo).milestones)

    def events(self, repo: RepoName) -> tuple[IssueEvent, ...]:
        """Return the newest page of events, newest first."""
        return tuple(reversed(self._forge.repo(repo).events[-_PAGE:]))


class MemoryLabels(_Group):
    """The port's ``Labels``."""

    def list(self, repo: RepoName) -> tuple[Label, ...]:
        """Return every label of the repository, by name."""
        return tuple(sorted(self._forge.repo(repo).labels.values(), key=lambda label: label.name.lower()))

    def create(self, repo: RepoName, label: Label) -> None:
        """Create a label."""
        place = self._write(repo, "labels.create")
        if len(label.name) > _LABEL_NAME_LIMIT_CHARACTERS or not label.name:
            raise InvalidRequest("name is empty or too long", operation="labels.create", target=repo)
        if label.name.lower() in place.labels:
            raise AlreadyExists("label is there", operation="labels.create", target=f"{repo} {label.name}")
        place.labels[label.name.lower()] = label

    def add(self, repo: RepoName, number: IssueNumber, names: Sequence[str]) -> None:
        """Add all ``names``."""
        self._write(repo, "labels.add").add_labels(number, names, actor=self._login)

    def remove(self, repo: RepoName, number: IssueNumber, name: str) -> None:
        """Remove one label; an absent one is fine."""
        self._write(repo, "labels.remove").remove_label(number, name, actor=self._login)


class MemoryComments(_Group):
    """The port's ``Comments``."""

    def list(self, repo: RepoName, number: IssueNumber) -> tuple[Comment, ...]:
        """Return every comment of an issue, oldest first."""
        place = self._forge.repo(repo)
        place.issue(number, operation="comments.list")
        return tuple(comment for comment in place.comments.values() if comment.issue == number)

    def get(self, repo: RepoName, comment_id: int) -> Comment:
        """Return one comment."""
        found = self._forge.repo(repo).comments.get(comment_id)
        if found is None:
            raise NotFound("no such comment", operation="comments.get", target=f"{repo} {comment_id}")
        return found

    def recent(self, repo: RepoName, *, since: datetime | None) -> tuple[Comment, ...]:
        """Return comments changed at or after ``since`` (None: the newest page), oldest first."""
        place = self._forge.repo(repo)
        found = [one for one in place.comments.values() if since is None or place.edited_at[one.id] >= since]
        return tuple(found[-_PAGE:] if since is None else found)

    def create(self, repo: RepoName, number: IssueNumber, body: str) -> Comment:
        """Post a comment."""
        return self._write(repo, "comments.create").add_comment(number, body, author=self._login)

    def update(self, repo: RepoName, comment_id: int, body: str) -> Comment:
        """Replace the text of a comment."""
        place = self._write(repo, "comments.update")
        return place.edit_comment(comment_id, body, author=self._login)

    def react(self, repo: RepoName, comment_id: int, kind: Literal["+1", "-1"]) -> None:
        """Put a thumb under a comment, once."""
        place = self._write(repo, "comments.react")
        self.get(repo, comment_id)
        if kind not in place.reactions[comment_id]:
            place.reactions[comment_id].append(kind)


class MemoryPulls(_Group):
    """The port's ``Pulls``."""

    def find(self, repo: RepoName, *, head: str) -> tuple[Pull, ...]:
        """Return pull requests from branch ``head``, newest first; as in GitHub's lists, without who merged."""
        place = self._forge.repo(repo)
        found = [place.pull(number, operation="pulls.find") for number, one in place.pulls.items() if one.head == head]
        return tuple(replace(pull, merged_by=None, merged_by_is_bot=False) for pull in reversed(found))

    def get(self, repo: RepoName, number: PullNumber) -> Pull:
        """Return one pull request."""
        return self._forge.repo(repo).pull(number, operation="pulls.get")

    def create(self, repo: RepoName, *, title: str, body: str, head: str, base: str) -> Pull:
        """Open a pull request."""
        operation = "pulls.create"
        place = self._write(repo, operation)
        for branch in (head, base):
            if branch not in place.branches:
                raise InvalidRequest(f"branch {branch} is unknown", operation=operation, target=repo)
        if any(pull.open for pull in self.find(repo, head=head) if pull.base == base):
            raise AlreadyExists("a pull request is open", operation=operation, target=f"{repo} {head}")
        if place.commits.is_ancestor(place.branches[head], place.branches[base]):
            raise InvalidRequest(f"no commits between {base} and {head}", operation=operation, target=repo)
        return place.open_pull(title=title, body=body, head=head, base=base, author=self._login)

    def update_body(self, repo: RepoName, number: PullNumber, body: str) -> None:
        """Replace the text of a pull request."""
        place = self._write(repo, "pulls.update_body")
        place.pull(number, operation="pulls.update_body")
        checked_body(body, operation="pulls.update_body", target=f"{repo}#{number}")
        place.change_issue(IssueNumber(number), body=body)

    def reviews(self, repo: RepoName, number: PullNumber) -> tuple[Review, ...]:
        """Return every review, oldest first."""
        place = self._forge.repo(repo)
        place.pull(number, operation="pulls.reviews")
        return tuple(place.reviews[number])

    def comment_review(
        self, repo: RepoName, number: PullNumber, *, sha: Sha, body: str, comments: Sequence[LineComment]
    ) -> None:
        """Post one review with event ``COMMENT``; a line outside the diff is refused."""
        operation = "pulls.comment_review"
        place = self._write(repo, operation)
        pull = place.pull(number, operation=operation)
        if sha not in _commits_of(place, pull):
            raise InvalidRequest("commit is not part of it", operation=operation, target=f"{repo}#{number} {sha}")
        shown = _shown_lines(place, base=place.branches[pull.base], head=sha)
        for comment in comments:
            if (comment.path, comment.line) not in shown:
                raise InvalidRequest("line is not in the diff", operation=operation, target=f"{repo}#{number}")
        lines = "".join(f"\n{comment.path}:{comment.line} {comment.body}" for comment in comments)
        place.add_review(number, "COMMENTED", author=self._login, body=body + lines)

    def of_commit(self, repo: RepoName, sha: Sha) -> tuple[Pull, ...]:
        """Return the pull requests that brought a commit, or would."""
        place = self._forge.repo(repo)
        found = [place.pull(number, operation="pulls.of_commit") for number in place.pulls]
        return tuple(
            replace(pull, merged_by=None, merged_by_is_bot=False) for pull in found if sha in _commits_of(place, pull)
        )


class MemoryContents(_Group):
    """The port's ``Contents``."""

    def repo(self, repo: RepoName) -> Repo:
        """Return the repository."""
        place = self._forge.repo(repo)
        right = place.people.get(self._login, "none")
        return Repo(
            name=repo,
            default_branch=place.default_branch,
            can_push=right in ("write", "maintain", "admin"),
            can_admin=right == "admin",
        )

    def login(self) -> str:
        """Return the login that this acts as."""
        return self._login

    def missing_rights(self, repo: RepoName) -> tuple[str, ...]:
        """Return which rights this login lacks."""
        return () if self.repo(repo).can_push else ("issues: write", "pull requests: write")

    def permission(self, repo: RepoName, login: str) -> Permission:
        """Return what a person may do."""
        return self._forge.repo(repo).people.get(login, "none")

    def limits(self) -> Limits:
        """Return a limit that is never reached."""
        return Limits(limit=5000, remaining=5000, reset_at=self._forge.now() + timedelta(hours=1))

    def file(self, repo: RepoName, path: str, *, ref: str) -> bytes | None:
        """Return a file's bytes at ``ref``."""
        place = self._forge.repo(repo)
        commit = place.commits.get(place.branches.get(ref, Sha(ref)))
        return None if commit is None else commit.files.get(path)

    def branch(self, repo: RepoName, name: str) -> Sha | None:
        """Return the head of a branch."""
        return self._forge.repo(repo).branches.get(name)

    def last_commit(self, repo: RepoName, path: str, *, ref: str) -> Sha | None:
        """Return the last commit at or before ``ref`` that touched ``path``."""
        place = self._forge.repo(repo)
        sha = place.branches.get(ref, Sha(ref))
        if place.commits.get(sha) is None:
            raise NotFound("no such commit", operation="contents.last_commit", target=f"{repo} {ref}")
        return place.commits.last_touching(path, sha)


class MemoryGitHub:
    """All verb groups of one login on a forge in memory."""

    def __init__(self, forge: MemoryForge, *, login: str = MACHINE, guard: Guard | None = None) -> None:
        """Act on ``forge`` as ``login``."""
        self._forge, self._login = forge, login
        self.issues = MemoryIssues(forge, login=login, guard=guard)
        self.labels = MemoryLabels(forge, login=login, guard=guard)
        self.comments = MemoryComments(forge, login=login, guard=guard)
        self.pulls = MemoryPulls(forge, login=login, guard=guard)
        self.contents = MemoryContents(forge, login=login, guard=guard)

    def guarded_by(self, guard: Guard) -> "MemoryGitHub":
        """Return the same GitHub whose every write first calls ``guard``."""
        return MemoryGitHub(self._forge, login=self._login, guard=guard)


def _with_blockers(place: MemoryRepo, issue: Issue) -> Issue:
    """Return an issue as GitHub shows it, which counts the open ones that it waits for."""
    return replace(issue, open_blockers=sum(place.issues[number].open for number in place.blockers[issue.number]))


def _by_id(place: MemoryRepo, issue_id: int, *, operation: str) -> IssueNumber:
    for number, issue in place.issues.items():
        if issue.id == issue_id:
            return number
    raise NotFound("no issue has this database id", operation=operation, target=f"{place.name} {issue_id}")


def _commits_of(place: MemoryRepo, pull: Pull) -> tuple[Sha, ...]:
    if pull.number in place.brought:
        return place.brought[pull.number]
    base = set(place.commits.history(place.branches[pull.base])) if pull.base in place.branches else set()
    return tuple(sha for sha in place.commits.history(pull.head_sha) if sha not in base)


def _shown_lines(place: MemoryRepo, *, base: Sha, head: Sha) -> set[tuple[str, int]]:
    """Return each line of the new side that the pull request's diff shows."""
    before, after = place.commits.get(place.commits.merge_base(base, head)), place.commits.get(head)
    shown: set[tuple[str, int]] = set()
    path, line = "", 0
    for text in diff_between(before.files if before else {}, after.files if after else {}).splitlines():
        if text.startswith("+++ b/"):
            path = text.removeprefix("+++ b/")
        elif text.startswith("@@"):
            line = int(text.split("+")[1].split(",")[0].split(" ")[0])
        elif text.startswith(("+", " ")):
            shown.add((path, line))
            line += 1
    return shown
