"""What people do on a forge in memory: everything that CogWorks itself has no verb for."""

import re
from collections.abc import Mapping
from dataclasses import replace

from cogworks.adapters.memory_forge import MemoryForge, MemoryRepo
from cogworks.model.errors import BranchDiverged, InvalidRequest
from cogworks.model.github import Comment, Issue
from cogworks.model.ids import IssueNumber, PullNumber, RepoName, Sha

_CLOSES = re.compile(r"(?i)\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):? #(\d+)")


class MemoryPerson:
    """One human at one repository."""

    def __init__(self, forge: MemoryForge, repo: RepoName, *, login: str = "maria") -> None:
        """Act on ``repo`` as ``login``."""
        self._forge, self._name, self.login = forge, repo, login

    @property
    def _repo(self) -> MemoryRepo:
        return self._forge.repo(self._name)

    def open_issue(self, title: str, *, body: str = "", labels: tuple[str, ...] = ()) -> Issue:
        """Open an issue."""
        return self._repo.open_issue(title=title, body=body, author=self.login, labels=labels)

    def edit_issue(self, number: IssueNumber, *, title: str | None = None, body: str | None = None) -> None:
        """Change title or text of an issue."""
        old = self._repo.issue(number, operation="people.edit")
        self._repo.change_issue(
            number, title=old.title if title is None else title, body=old.body if body is None else body
        )

    def close(self, number: IssueNumber) -> None:
        """Close an issue, or a pull request without merging it."""
        repo = self._repo
        if PullNumber(number) in repo.pulls:
            repo.pulls[PullNumber(number)] = repo.pull(PullNumber(number), operation="people.close")
        repo.change_issue(number, open=False)
        repo.note(number, "closed", actor=self.login)

    def set_milestone(self, number: IssueNumber, title: str | None) -> None:
        """Put an issue into a milestone by its title, or take it out."""
        known = {one.title: one.number for one in self._repo.milestones}
        self._repo.change_issue(number, milestone=title, milestone_number=None if title is None else known[title])
        self._repo.note(number, "demilestoned" if title is None else "milestoned", actor=self.login)

    def block(self, number: IssueNumber, *, by: IssueNumber) -> None:
        """Make an issue wait for another."""
        self._repo.add_blocker(number, by, actor=self.login, operation="people.block")

    def attach(self, number: IssueNumber, *, child: IssueNumber) -> None:
        """Make an issue a sub-issue of another."""
        self._repo.add_child(number, child, actor=self.login, operation="people.attach")

    def lock(self, number: IssueNumber) -> None:
        """Lock the conversation of an issue: programs cannot comment on it any more."""
        self._repo.locked.add(number)
        self._repo.note(number, "locked", actor=self.login)

    def unlock(self, number: IssueNumber) -> None:
        """Open a locked conversation again."""
        self._repo.locked.discard(number)
        self._repo.note(number, "unlocked", actor=self.login)

    def reopen(self, number: IssueNumber) -> None:
        """Open a closed issue again."""
        self._repo.change_issue(number, open=True)
        self._repo.note(number, "reopened", actor=self.login)

    def label(self, number: IssueNumber, *names: str) -> None:
        """Put labels on an issue."""
        self._repo.add_labels(number, names, actor=self.login)

    def unlabel(self, number: IssueNumber, name: str) -> None:
        """Take a label off an issue."""
        self._repo.remove_label(number, name, actor=self.login)

    def comment(self, number: IssueNumber, body: str) -> Comment:
        """Write a comment."""
        return self._repo.add_comment(number, body, author=self.login)

    def edit_comment(self, comment_id: int, body: str) -> None:
        """Change anybody's comment."""
        self._repo.edit_comment(comment_id, body)

    def delete_comment(self, comment_id: int) -> None:
        """Delete anybody's comment."""
        del self._repo.comments[comment_id], self._repo.edited_at[comment_id]

    def approve(self, number: PullNumber) -> None:
        """Approve a pull request."""
        self._repo.add_review(number, "APPROVED", author=self.login)

    def request_changes(self, number: PullNumber, body: str = "") -> None:
        """Ask for changes to a pull request."""
        self._repo.add_review(number, "CHANGES_REQUESTED", author=self.login, body=body)

    def merge(self, number: PullNumber) -> Sha:
        """Merge a pull request with a merge commit; issues that its text closes are closed."""
        repo = self._repo
        pull = repo.pull(number, operation="people.merge")
        if not pull.open:
            raise InvalidRequest("pull request is closed", operation="people.merge", target=f"{self._name}#{number}")
        base = repo.branches[pull.base]
        before = set(repo.commits.history(base))
        merged = repo.commits.merge(base, pull.head_sha, message=f"Merge pull request #{number}\n\n{pull.title}")
        if isinstance(merged, tuple):
            raise BranchDiverged(f"{self._name}#{number} clashes in {', '.join(merged)}")
        repo.branches[pull.base] = merged
        repo.brought[number] = tuple(sha for sha in repo.commits.history(merged) if sha not in before)
        repo.pulls[number] = replace(pull, merged=True, merged_by=self.login)
        repo.change_issue(IssueNumber(number), open=False)
        for kind in ("merged", "closed"):
            repo.note(IssueNumber(number), kind, actor=self.login)
        if pull.base == repo.default_branch:
            self._close_named(pull.body)
        return merged

    def push(self, branch: str, files: Mapping[str, bytes | None], *, message: str = "By hand") -> Sha:
        """Commit files (None deletes) on a branch, from the default branch when it is new, and push."""
        repo = self._repo
        parent = repo.branches.get(branch, repo.branches[repo.default_branch])
        commit = repo.commits.get(parent)
        merged = {**(commit.files if commit else {}), **files}
        kept = {path: content for path, content in merged.items() if content is not None}
        repo.branches[branch] = repo.commits.add(parents=(parent,), files=kept, message=message)
        return repo.branches[branch]

    def delete_branch(self, name: str) -> None:
        """Delete a branch; pull requests from it are closed, as GitHub does."""
        repo = self._repo
        for number in list(repo.pulls):
            pull = repo.pull(number, operation="people.delete_branch")
            if pull.open and pull.head == name:
                self.close(IssueNumber(number))
        del repo.branches[name]

    def _close_named(self, body: str) -> None:
        repo = self._repo
        for found in _CLOSES.finditer(body):
            number = IssueNumber(int(found[1]))
            if number in repo.issues and repo.issues[number].open:
                self.close(number)
