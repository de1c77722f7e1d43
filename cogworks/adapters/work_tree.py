"""A checkout of one commit to edit, test and commit in; files are opened by ``work_tree_paths`` alone."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from cogworks.adapters import work_tree_paths
from cogworks.adapters.git_commands import GitCommands, GitResult, error_of
from cogworks.adapters.git_format import changes_of
from cogworks.model.change import Change
from cogworks.model.errors import Transient
from cogworks.model.ids import RepoName, Sha


class GitWorkTree:
    """The port's ``WorkTree`` on a detached git work tree.

    Git is told where its directory is: code that runs in the tree may rewrite ``.git`` there, and nobody looks.
    """

    def __init__(self, git: GitCommands, *, repo: RepoName, mirror: Path, root: Path) -> None:
        """Name the tree at ``root``; nothing is opened yet."""
        self._git, self._repo, self._root = git, repo, root
        self._git_dir = mirror / "worktrees" / root.name

    @property
    def root(self) -> str:
        """Absolute path of the tree, for a co-located domain service."""
        return str(self._root)

    def read(self, path: str, *, max_bytes: int, may_follow: Callable[[str], None] | None = None) -> str:
        """Return a text file; links are followed inside the tree when ``may_follow`` accepts where they lead."""
        return work_tree_paths.read(self._root, path, max_bytes=max_bytes, may_follow=may_follow)

    def list(self) -> tuple[str, ...]:
        """Return every regular file of the tree except ``.git``, sorted."""
        return work_tree_paths.regular_files(self._root)

    def write(self, path: str, content: str, *, create: bool) -> None:
        """Replace (``create=False``: it must exist) or create (``True``: it must not) a text file."""
        work_tree_paths.write(self._root, path, content, create=create)

    def delete(self, path: str) -> None:
        """Delete one regular file."""
        work_tree_paths.delete(self._root, path)

    def changes(self, *, base: Sha) -> tuple[Change, ...]:
        """Return what the tree, committed or not, changes against ``base``; ignored files do not count."""
        return changes_of(self._compared(base, "-z", "--name-status"))

    def diff(self, *, base: Sha) -> str:
        """Return the unified diff of the tree, committed or not, against ``base``."""
        return self._compared(base, "-p", "--no-color", "--no-ext-diff", "--no-textconv").decode("utf-8", "replace")

    def log(self, *, path: str | None, limit: int) -> str:
        """Return the newest commits as lines of short sha and subject, of ``path`` alone when given."""
        only = ("--", path) if path else ()
        return self._must("log", "log", f"-{limit}", "--format=%h %s", self.head(), *only).text

    def commit(self, message: str, *, paths: Sequence[str] | None = None) -> Sha | None:
        """Commit ``paths`` (default: everything changed) and return the new head; None when nothing changed."""
        named = ("--all",) if paths is None else ("--all", "--force", "--", *paths)
        self._must("commit", "add", *named)
        tree = self._must("commit", "write-tree").text
        if tree == self._must("commit", "rev-parse", "HEAD^{tree}").text:
            return None
        made = self._must("commit", "commit-tree", tree, "-p", self.head(), "-F", "-", feed=message.encode()).text
        self._must("commit", "update-ref", "--no-deref", "HEAD", made)
        return Sha(made)

    def head(self) -> Sha:
        """Return the commit that the tree stands on."""
        # Detached, so the file holds the commit itself.
        return Sha(self._own_file("HEAD").decode().strip())

    def remove(self) -> None:
        """Delete the checkout; commits stay in the mirror."""
        shutil.rmtree(self._root, ignore_errors=True)
        shutil.rmtree(self._git_dir, ignore_errors=True)

    def is_clean_at(self, ref: Sha) -> bool:
        """Tell whether the tree exists, stands on ``ref`` and holds nothing uncommitted."""
        there = (self._root / ".git").is_file() and (self._git_dir / "HEAD").is_file()
        # A lock is what a git that was killed leaves behind.
        if not there or (self._git_dir / "index.lock").exists() or self.head() != ref:
            return False
        status = self._run("status", "--porcelain", "-z", "--untracked-files=all", "--ignore-submodules=all")
        return status.ok and not status.out

    def _gone(self) -> Transient:
        return Transient(f"work tree {self._root.name} of {self._repo} is gone")

    def _own_file(self, name: str) -> bytes:
        try:
            return (self._git_dir / name).read_bytes()
        except FileNotFoundError as fault:
            raise self._gone() from fault

    def _compared(self, base: Sha, *options: str) -> bytes:
        with self._index_of_now() as index:
            asked = ("diff-index", "--cached", "--no-renames", *options, base)
            return self._must("changes", *asked, index=index).out

    @contextmanager
    def _index_of_now(self) -> Iterator[str]:
        """Stage everything in a copy of the index, so that looking does not change what a commit takes."""
        now = self._own_file("index")
        with NamedTemporaryFile(dir=self._git_dir, prefix="index-") as copy:
            copy.write(now)
            copy.flush()
            self._must("changes", "add", "--all", index=copy.name)
            yield copy.name

    def _must(self, operation: str, *arguments: str, feed: bytes = b"", index: str | None = None) -> GitResult:
        result = self._run(*arguments, feed=feed, index=index)
        if not result.ok and not self._root.is_dir():
            raise self._gone()
        if not result.ok:
            raise error_of(result, operation=f"git.{operation}", target=f"{self._repo} {self._root.name}")
        return result

    def _run(self, *arguments: str, feed: bytes = b"", index: str | None = None) -> GitResult:
        extra = {"GIT_WORK_TREE": os.fspath(self._root)}
        if index is not None:
            extra["GIT_INDEX_FILE"] = index
        return self._git.local(self._git_dir, *arguments, feed=feed, extra=extra)
