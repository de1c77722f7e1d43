"""Pull requests and reviews of GitHub. Nothing here merges, approves or closes (GH-03)."""

from collections.abc import Sequence

from cogworks.adapters import github_translate as translate
from cogworks.adapters.github_wire import GitHubWire
from cogworks.model.github import LineComment, Pull, Review
from cogworks.model.ids import PullNumber, RepoName, Sha
from cogworks.model.json_value import JsonObject


class GitHubPulls:
    """The port's ``Pulls`` over one wire."""

    def __init__(self, wire: GitHubWire) -> None:
        """Speak through ``wire``."""
        self._wire = wire

    def find(self, repo: RepoName, *, head: str) -> tuple[Pull, ...]:
        """Return pull requests from branch ``head`` of this repository, in any state, newest first."""
        owner = repo.partition("/")[0]
        path, operation = f"/repos/{repo}/pulls", "pulls.find"
        entries = self._wire.read_all(
            operation, path, head=f"{owner}:{head}", state="all", sort="created", direction="desc"
        )
        return translate.each(translate.pull, entries, operation=operation, target=path)

    def get(self, repo: RepoName, number: PullNumber) -> Pull:
        """Return one pull request, with who merged it."""
        path = f"/repos/{repo}/pulls/{number}"
        return translate.pull(self._wire.read("pulls.get", path), operation="pulls.get", target=path)

    def create(self, repo: RepoName, *, title: str, body: str, head: str, base: str) -> Pull:
        """Open a pull request; AlreadyExists when an open one has this head and base."""
        path = f"/repos/{repo}/pulls"
        asked = {"title": title, "body": body, "head": head, "base": base}
        made = self._wire.write("pulls.create", "POST", path, asked, content=True)
        return translate.pull(made, operation="pulls.create", target=path)

    def update_body(self, repo: RepoName, number: PullNumber, body: str) -> None:
        """Replace the text of a pull request and nothing else of it."""
        self._wire.write("pulls.update_body", "PATCH", f"/repos/{repo}/pulls/{number}", {"body": body})

    def reviews(self, repo: RepoName, number: PullNumber) -> tuple[Review, ...]:
        """Return every review, oldest first."""
        path = f"/repos/{repo}/pulls/{number}/reviews"
        entries = self._wire.read_all("pulls.reviews", path)
        return translate.each(translate.review, entries, operation="pulls.reviews", target=path)

    def comment_review(
        self, repo: RepoName, number: PullNumber, *, sha: Sha, body: str, comments: Sequence[LineComment]
    ) -> None:
        """Post one review with event ``COMMENT``; the event is fixed (GH-30)."""
        lines: list[JsonObject] = [
            {"path": one.path, "line": one.line, "side": "RIGHT", "body": one.body} for one in comments
        ]
        asked: JsonObject = {"commit_id": sha, "body": body, "event": "COMMENT", "comments": lines}
        self._wire.write("pulls.comment_review", "POST", f"/repos/{repo}/pulls/{number}/reviews", asked, content=True)

    def of_commit(self, repo: RepoName, sha: Sha) -> tuple[Pull, ...]:
        """Return the pull requests that brought a commit; who merged them is told by ``get`` only."""
        path = f"/repos/{repo}/commits/{sha}/pulls"
        entries = self._wire.read_all("pulls.of_commit", path)
        return translate.each(translate.pull, entries, operation="pulls.of_commit", target=path)
