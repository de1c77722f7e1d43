"""What tools work on: files at one commit or in a work tree, and the domain services of the run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from cogworks.model.errors import ToolRefused
from cogworks.model.findings import Diagnostic
from cogworks.model.ids import RepoName, Sha
from cogworks.ports.git import Git, WorkTree


class Files(Protocol):
    """Files to read."""

    def read(self, path: str, *, max_bytes: int) -> str: ...
    def list(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitFiles:
    """Files of one commit, read from the mirror; nothing is checked out."""

    git: Git
    repo: RepoName
    ref: Sha

    def read(self, path: str, *, max_bytes: int) -> str:
        """Return a text file; ToolRefused when absent, too large or no text."""
        content = self.git.read(self.repo, path, ref=self.ref)
        if content is None:
            raise ToolRefused(f"{path} does not exist", error="NOT_FOUND", parameter="path")
        if len(content) > max_bytes:
            raise ToolRefused(f"over {max_bytes} bytes", error="TOO_LARGE", parameter="path")
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            raise ToolRefused(f"{path} is not UTF-8 text", error="NOT_TEXT", parameter="path") from error

    def list(self) -> tuple[str, ...]:
        """Return every path."""
        return self.git.list(self.repo, ref=self.ref)


Commit = Callable[[str, Sequence[str]], Sha | None]
Validate = Callable[[str, Sequence[str]], tuple[Diagnostic, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What one node execution may touch. ``tree``, ``commit`` and ``services`` are absent where nothing is changed."""

    files: Files
    base: Sha
    tree: WorkTree | None = None
    commit: Commit | None = None
    call_service: Validate | None = None
    service_names: tuple[str, ...] = ()

    def editable(self) -> WorkTree:
        """Return the work tree; ToolRefused where there is none."""
        if self.tree is None:
            raise ToolRefused("this node changes no files", error="SCOPE_VIOLATION")
        return self.tree
