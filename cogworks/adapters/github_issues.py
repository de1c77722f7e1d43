"""Issues, sub-issues, dependencies and labels of GitHub."""

from collections.abc import Sequence
from urllib.parse import quote

from cogworks.adapters import github_translate as translate
from cogworks.adapters.github_wire import PER_PAGE, GitHubWire
from cogworks.model.errors import NotFound
from cogworks.model.github import Issue, IssueEvent, Label, Milestone
from cogworks.model.ids import IssueNumber, RepoName
from cogworks.model.json_value import JsonObject


class GitHubIssues:
    """The port's ``Issues`` over one wire."""

    def __init__(self, wire: GitHubWire) -> None:
        """Speak through ``wire``."""
        self._wire = wire

    def get(self, repo: RepoName, number: IssueNumber) -> Issue:
        """Return one issue; NotFound when there is none."""
        path = f"/repos/{repo}/issues/{number}"
        return translate.issue(self._wire.read("issues.get", path), operation="issues.get", target=path)

    def find(self, repo: RepoName, *, labels: Sequence[str], milestone: int | None = None) -> tuple[Issue, ...]:
        """Return the open issues that carry all ``labels``, newest first; pull requests are dropped."""
        named = ",".join(labels) or None
        found = self._issues("issues.find", f"/repos/{repo}/issues", state="open", labels=named, milestone=milestone)
        return tuple(issue for issue in found if not issue.is_pull)

    def create(self, repo: RepoName, *, title: str, body: str, labels: Sequence[str], milestone: int | None) -> Issue:
        """Open an issue and return it."""
        path = f"/repos/{repo}/issues"
        asked: JsonObject = {"title": title, "body": body, "labels": [*labels]}
        if milestone is not None:
            asked = {**asked, "milestone": milestone}
        made = self._wire.write("issues.create", "POST", path, asked, content=True)
        return translate.issue(made, operation="issues.create", target=path)

    def sub_issues(self, repo: RepoName, number: IssueNumber) -> tuple[Issue, ...]:
        """Return all sub-issues in their order."""
        return self._issues("issues.sub_issues", f"/repos/{repo}/issues/{number}/sub_issues")

    def add_sub_issue(self, repo: RepoName, number: IssueNumber, *, child_id: int) -> None:
        """Attach an issue, by its database id; AlreadyExists when it is attached."""
        path = f"/repos/{repo}/issues/{number}/sub_issues"
        self._wire.write("issues.add_sub_issue", "POST", path, {"sub_issue_id": child_id}, content=True)

    def blocked_by(self, repo: RepoName, number: IssueNumber) -> tuple[Issue, ...]:
        """Return the issues that this one waits for."""
        return self._issues("issues.blocked_by", f"/repos/{repo}/issues/{number}/dependencies/blocked_by")

    def add_blocked_by(self, repo: RepoName, number: IssueNumber, *, blocker_id: int) -> None:
        """Make the issue wait for another, by its database id; AlreadyExists when it does."""
        path = f"/repos/{repo}/issues/{number}/dependencies/blocked_by"
        self._wire.write("issues.add_blocked_by", "POST", path, {"issue_id": blocker_id}, content=True)

    def milestones(self, repo: RepoName) -> tuple[Milestone, ...]:
        """Return the open milestones."""
        path, operation = f"/repos/{repo}/milestones", "issues.milestones"
        return translate.each(
            translate.milestone,
            self._wire.read_all(operation, path, state="open"),
            operation=operation,
            target=path,
        )

    def events(self, repo: RepoName) -> tuple[IssueEvent, ...]:
        """Return the newest page of the repository's issue events, newest first."""
        path = f"/repos/{repo}/issues/events"
        page = self._wire.read("issues.events", path, per_page=PER_PAGE)
        events = translate.each(translate.event, page, operation="issues.events", target=path)
        return tuple(event for event in events if event is not None)

    def _issues(self, operation: str, path: str, **query: str | int | None) -> tuple[Issue, ...]:
        entries = self._wire.read_all(operation, path, **query)
        return translate.each(translate.issue, entries, operation=operation, target=path)


class GitHubLabels:
    """The port's ``Labels`` over one wire."""

    def __init__(self, wire: GitHubWire) -> None:
        """Speak through ``wire``."""
        self._wire = wire

    def list(self, repo: RepoName) -> tuple[Label, ...]:
        """Return every label of the repository."""
        path = f"/repos/{repo}/labels"
        entries = self._wire.read_all("labels.list", path)
        return translate.each(translate.label, entries, operation="labels.list", target=path)

    def create(self, repo: RepoName, label: Label) -> None:
        """Create a label; AlreadyExists when one has its name, case ignored."""
        asked = {"name": label.name, "color": label.color, "description": label.description}
        self._wire.write("labels.create", "POST", f"/repos/{repo}/labels", asked)

    def add(self, repo: RepoName, number: IssueNumber, names: Sequence[str]) -> None:
        """Add all ``names`` in one request; those that are there stay."""
        path = f"/repos/{repo}/issues/{number}/labels"
        self._wire.write("labels.add", "POST", path, {"labels": [*names]})

    def remove(self, repo: RepoName, number: IssueNumber, name: str) -> None:
        """Remove one label; an absent one is fine, an absent issue is NotFound."""
        path = f"/repos/{repo}/issues/{number}/labels/{quote(name, safe='')}"
        try:
            self._wire.write("labels.remove", "DELETE", path)
        except NotFound as absent:
            if "label" not in absent.message.removeprefix(f"labels.remove {path}").lower():
                raise
