"""The repository itself, its people, files and refs, as GitHub's REST API shows them."""

from urllib.parse import quote

from cogworks.adapters import github_translate as translate
from cogworks.adapters.github_wire import GitHubWire
from cogworks.model.errors import InvalidRequest, NotFound, PermissionDenied
from cogworks.model.github import Limits, Permission, Repo
from cogworks.model.ids import RepoName, Sha

_CHANGES = {"issues: write": "/issues/comments/0", "pull requests: write": "/pulls/0"}


class GitHubContents:
    """The port's ``Contents`` over one wire."""

    def __init__(self, wire: GitHubWire, *, login: str | None) -> None:
        """Speak through ``wire``; ``login`` answers for tokens that may not ask who they are."""
        self._wire, self._login = wire, login

    def repo(self, repo: RepoName) -> Repo:
        """Return the repository, with what the token may do in it."""
        path = f"/repos/{repo}"
        return translate.repo(self._wire.read("contents.repo", path), operation="contents.repo", target=path)

    def login(self) -> str:
        """Return the login that the token acts as; asked once."""
        if self._login is None:
            body = self._wire.read("contents.login", "/user")
            self._login = translate.login(body, operation="contents.login", target="/user")
        return self._login

    def missing_rights(self, repo: RepoName) -> tuple[str, ...]:
        """Return which rights to issues and pull requests the token lacks; nothing is changed by asking.

        GitHub tells nobody what a token may do. It refuses a change of what does not exist as forbidden to a token
        without the right, and as not found to one with it.
        """
        return tuple(right for right, path in _CHANGES.items() if self._refuses(f"/repos/{repo}{path}"))

    def _refuses(self, path: str) -> bool:
        try:
            self._wire.write("contents.missing_rights", "PATCH", path, {"body": ""})
        except PermissionDenied:
            return True
        except (NotFound, InvalidRequest):
            return False
        return False

    def permission(self, repo: RepoName, login: str) -> Permission:
        """Return what a person may do in the repository; ``none`` for an unknown one."""
        path, operation = f"/repos/{repo}/collaborators/{quote(login, safe='')}/permission", "contents.permission"
        try:
            body = self._wire.read(operation, path)
        except NotFound:
            return "none"
        return translate.permission(body, operation=operation, target=path)

    def limits(self) -> Limits:
        """Return the token's primary limit; asking costs nothing of it."""
        body = self._wire.read("contents.limits", "/rate_limit")
        return translate.limits(body, operation="contents.limits", target="/rate_limit")

    def file(self, repo: RepoName, path: str, *, ref: str) -> bytes | None:
        """Return a file's bytes at ``ref``; None when there is no such file."""
        address, operation = f"/repos/{repo}/contents/{quote(path)}", "contents.file"
        try:
            body = self._wire.read(operation, address, ref=ref)
        except NotFound:
            return None
        return translate.file(body, operation=operation, target=address)

    def branch(self, repo: RepoName, name: str) -> Sha | None:
        """Return the head of a branch; None when there is no such branch."""
        path, operation = f"/repos/{repo}/git/ref/heads/{quote(name)}", "contents.branch"
        try:
            body = self._wire.read(operation, path)
        except NotFound:
            return None
        return translate.ref(body, operation=operation, target=path)

    def last_commit(self, repo: RepoName, path: str, *, ref: str) -> Sha | None:
        """Return the last commit at or before ``ref`` that touched ``path``; None when none did."""
        address, operation = f"/repos/{repo}/commits", "contents.last_commit"
        body = self._wire.read(operation, address, path=path, sha=ref, per_page=1)
        found = translate.each(translate.sha, body, operation=operation, target=address)
        return found[0] if found else None
