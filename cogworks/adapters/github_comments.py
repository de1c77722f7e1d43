"""Comments of GitHub."""

from datetime import UTC, datetime
from typing import Literal

from cogworks.adapters import github_translate as translate
from cogworks.adapters.github_wire import PER_PAGE, GitHubWire
from cogworks.model.github import Comment
from cogworks.model.ids import IssueNumber, RepoName


class GitHubComments:
    """The port's ``Comments`` over one wire."""

    def __init__(self, wire: GitHubWire) -> None:
        """Speak through ``wire``."""
        self._wire = wire

    def list(self, repo: RepoName, number: IssueNumber) -> tuple[Comment, ...]:
        """Return every comment of an issue or pull request, oldest first."""
        path = f"/repos/{repo}/issues/{number}/comments"
        entries = self._wire.read_all("comments.list", path)
        return translate.each(translate.comment, entries, operation="comments.list", target=path)

    def get(self, repo: RepoName, comment_id: int) -> Comment:
        """Return one comment; NotFound when it was deleted."""
        path = f"/repos/{repo}/issues/comments/{comment_id}"
        return translate.comment(self._wire.read("comments.get", path), operation="comments.get", target=path)

    def recent(self, repo: RepoName, *, since: datetime | None) -> tuple[Comment, ...]:
        """Return comments changed at or after ``since`` (None: the newest page), oldest first."""
        path, operation = f"/repos/{repo}/issues/comments", "comments.recent"
        if since is None:
            entries = self._wire.read(operation, path, sort="updated", direction="desc", per_page=PER_PAGE)
        else:
            at = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            entries = self._wire.read_all(operation, path, sort="updated", direction="desc", since=at)
        found = translate.each(translate.comment, entries, operation=operation, target=path)
        return tuple(sorted(found, key=lambda comment: comment.id))

    def create(self, repo: RepoName, number: IssueNumber, body: str) -> Comment:
        """Post a comment and return it."""
        path = f"/repos/{repo}/issues/{number}/comments"
        made = self._wire.write("comments.create", "POST", path, {"body": body}, content=True)
        return translate.comment(made, operation="comments.create", target=path)

    def update(self, repo: RepoName, comment_id: int, body: str) -> Comment:
        """Replace the text of a comment and return it."""
        path = f"/repos/{repo}/issues/comments/{comment_id}"
        made = self._wire.write("comments.update", "PATCH", path, {"body": body})
        return translate.comment(made, operation="comments.update", target=path)

    def react(self, repo: RepoName, comment_id: int, kind: Literal["+1", "-1"]) -> None:
        """Put a thumb under a comment; a second one of the same kind changes nothing."""
        path = f"/repos/{repo}/issues/comments/{comment_id}/reactions"
        self._wire.write("comments.react", "POST", path, {"content": kind})
