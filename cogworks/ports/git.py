"""Git: repository content at a commit, commits pushed to our branches, and work trees to edit in."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, Self

from cogworks.model.change import Change
from cogworks.model.ids import RepoName, Sha

Guard = Callable[[], None]


class WorkTree(Protocol):
    """A checkout to edit; every path obeys 50 section 5 (PATH-01 to PATH-05), else ToolRefused is raised.

    Paths are relative with ``/``. No file outside the tree is ever opened and no link is followed when writing.
    """

    @property
    def root(self) -> str:
        """Absolute path of the tree, for a co-located domain service."""
        ...

    def read(self, path: str, *, max_bytes: int, may_follow: Callable[[str], None] | None = None) -> str:
        """Return a text file; a link is followed inside the tree if ``may_follow`` accepts where it leads."""
        ...

    def list(self) -> tuple[str, ...]:
        """Return every regular file of the tree except ``.git``, sorted."""
        ...

    def write(self, path: str, content: str, *, create: bool) -> None:
        """Replace (``create=False``: it must exist) or create (``True``: it must not) a text file."""
        ...

    def delete(self, path: str) -> None: ...
    def changes(self, *, base: Sha) -> tuple[Change, ...]:
        """Return what the tree, committed or not, changes against ``base``."""
        ...

    def diff(self, *, base: Sha) -> str: ...
    def log(self, *, path: str | None, limit: int) -> str:
        """Return the newest commits as lines of short sha and subject, of ``path`` alone when given."""
        ...

    def commit(self, message: str, *, paths: Sequence[str] | None = None) -> Sha | None:
        """Commit ``paths`` (default: everything changed) and return the new head; None when nothing changed."""
        ...

    def head(self) -> Sha: ...
    def remove(self) -> None:
        """Delete the checkout; commits stay in the mirror."""
        ...


class Git(Protocol):
    """A cache of remote repositories: losing it costs a re-clone and nothing else (ENG-47).

    Network faults raise GitHubTransient, missing rights PermissionDenied, unknown refs NotFound.
    """

    def fetch(self, repo: RepoName) -> None:
        """Bring the mirror up to date with the remote."""
        ...

    def branch_head(self, repo: RepoName, branch: str) -> Sha | None:
        """Return the head of ``branch`` as of the last fetch or push."""
        ...

    def read(self, repo: RepoName, path: str, *, ref: str) -> bytes | None: ...
    def list(self, repo: RepoName, *, ref: str) -> tuple[str, ...]:
        """Return the paths of every file at ``ref``, sorted."""
        ...

    def changes(self, repo: RepoName, *, base: str, head: str) -> tuple[Change, ...]: ...
    def diff(self, repo: RepoName, *, base: str, head: str) -> str: ...
    def merge(self, repo: RepoName, heads: Sequence[Sha], *, message: str) -> Sha:
        """Return a commit that holds all ``heads`` (the first itself when alone); BranchDiverged when they clash."""
        ...

    def commit_files(self, repo: RepoName, *, parent: Sha | None, files: Mapping[str, bytes], message: str) -> Sha:
        """Return a new commit on ``parent`` (None: a root commit) that holds ``files`` besides what was there."""
        ...

    def push(self, repo: RepoName, *, branch: str, sha: Sha, expected: Sha | None) -> None:
        """Move ``branch`` from ``expected`` (None: absent) to ``sha``, never forced; else BranchDiverged."""
        ...

    def checkout(self, repo: RepoName, *, ref: Sha, name: str) -> WorkTree:
        """Return a clean work tree called ``name`` at ``ref``, rebuilt when dirty, missing or elsewhere."""
        ...

    def remove_checkouts(self, repo: RepoName, *, prefix: str) -> None:
        """Delete the work trees of this machine whose name starts with ``prefix``; commits stay in the mirror."""
        ...

    def guarded_by(self, guard: Guard) -> Self:
        """Return the same Git whose every push first calls ``guard``."""
        ...
