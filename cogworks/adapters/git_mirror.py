"""Git over the command line: one bare mirror per repository as a cache, work trees beside it (ENG-47).

Losing the mirror, or finding it damaged, costs a new clone and nothing else. Processes of one machine share it; a
file lock holds them apart while the branches of the mirror move.
"""

import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from cogworks.adapters.git_commands import GitCommands, GitResult, error_of
from cogworks.adapters.git_format import blob_of, changes_of, import_stream, regular_files
from cogworks.adapters.work_tree import GitWorkTree
from cogworks.model.change import Change
from cogworks.model.errors import BranchDiverged, NotFound
from cogworks.model.ids import RepoName, Sha
from cogworks.ports.git import Guard

_SHA = re.compile(r"[0-9a-f]{40}")
_TREE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")


class GitMirrors:
    """Every repository of one remote server, mirrored under one directory."""

    def __init__(self, directory: Path, *, remote_url: str, token: str | None, guard: Guard | None = None) -> None:
        """Keep mirrors and work trees under ``directory``; ``remote_url`` is ``https://github.com`` or a twin's."""
        self._directory, self._remote_url, self._token, self._guard = directory, remote_url, token, guard
        self._git = GitCommands(remote_url=remote_url, token=token)

    def guarded_by(self, guard: Guard) -> "GitMirrors":
        """Return the same Git whose every push first calls ``guard``."""
        return GitMirrors(self._directory, remote_url=self._remote_url, token=self._token, guard=guard)

    def fetch(self, repo: RepoName) -> None:
        """Bring the mirror up to date with the remote; clone it when it is missing or damaged."""
        with self._locked(repo):
            self._fetch(repo)

    def branch_head(self, repo: RepoName, branch: str) -> Sha | None:
        """Return the head of ``branch`` as of the last fetch or push."""
        self._ensure(repo)
        found = self._local(repo, "rev-parse", "--verify", "--quiet", f"refs/heads/{branch}")
        return Sha(found.text) if found.ok else None

    def read(self, repo: RepoName, path: str, *, ref: str) -> bytes | None:
        """Return a file's bytes at ``ref``; None when there is no file at ``path``."""
        if "\n" in path:
            return None
        at = _revision(ref)
        asked = f"info {at}^{{commit}}\ncontents {at}:{path}\n".encode()

        def ask() -> GitResult:
            return self._local(repo, "cat-file", "--batch-command", feed=asked)

        found = self._found(repo, ask, lambda result: not result.out.partition(b"\n")[0].endswith(b" missing"))
        return blob_of(found.out)

    def list(self, repo: RepoName, *, ref: str) -> tuple[str, ...]:
        """Return the paths of every regular file at ``ref``, sorted."""
        listed = self._must(repo, "list", "ls-tree", "-r", "-z", "--full-tree", _revision(ref))
        return regular_files(listed.out)

    def changes(self, repo: RepoName, *, base: str, head: str) -> tuple[Change, ...]:
        """Return what differs between two commits; a rename is a delete and a create."""
        asked = ("diff-tree", "-r", "-z", "--no-renames", "--name-status", _revision(base), _revision(head))
        return changes_of(self._must(repo, "changes", *asked).out)

    def diff(self, repo: RepoName, *, base: str, head: str) -> str:
        """Return the unified diff between two commits."""
        asked = ("diff-tree", "-r", "-p", "--no-renames", "--no-color", "--no-ext-diff", "--no-textconv")
        return self._must(repo, "diff", *asked, _revision(base), _revision(head)).out.decode("utf-8", "replace")

    def merge(self, repo: RepoName, heads: Sequence[Sha], *, message: str) -> Sha:
        """Return a commit that holds all ``heads`` (the first itself when alone); BranchDiverged when they clash."""
        apart = set(self._must(repo, "merge", "merge-base", "--independent", *heads).text.split())
        rest = [head for head in dict.fromkeys(heads) if head in apart]
        joined = rest[0]
        for head in rest[1:]:
            merged = self._local(repo, "merge-tree", "--write-tree", "--name-only", joined, head)
            if merged.code == 1:
                clashing = ", ".join(merged.text.split("\n\n")[0].splitlines()[1:])
                raise BranchDiverged(f"{repo}: {joined[:12]} and {head[:12]} clash in {clashing}")
            self._checked(repo, "merge", merged)
            asked = ("commit-tree", merged.text.splitlines()[0], "-p", joined, "-p", head, "-F", "-")
            joined = Sha(self._checked(repo, "merge", self._local(repo, *asked, feed=message.encode())).text)
        return joined

    def commit_files(self, repo: RepoName, *, parent: Sha | None, files: Mapping[str, bytes], message: str) -> Sha:
        """Return a new commit on ``parent`` (None: a root commit) that holds ``files`` besides what was there."""
        scratch = f"refs/scratch/{uuid4().hex}"
        stream = import_stream(scratch, parent=parent, files=files, message=message)

        def make() -> GitResult:
            return self._local(repo, "fast-import", "--quiet", "--done", "--date-format=now", feed=stream)

        made = self._found(repo, make, lambda result: result.ok)
        return Sha(made.text)

    def push(self, repo: RepoName, *, branch: str, sha: Sha, expected: Sha | None) -> None:
        """Move ``branch`` from ``expected`` (None: absent) to ``sha``, never forced; else BranchDiverged.

        A branch that is at ``sha`` already is success.
        """
        # The lease makes the move atomic but would also rewind; this keeps every move a fast-forward.
        if expected is not None and not self._follows(repo, expected, sha):
            raise BranchDiverged(f"{repo} {branch}: {sha[:12]} does not follow {expected[:12]}")
        if self._guard is not None:
            self._guard()
        ref = f"refs/heads/{branch}"
        lease = f"--force-with-lease={ref}:{expected or ''}"
        with self._locked(repo):
            pushed = self._git.remote(
                self._mirror(repo), repo, "push", "--porcelain", "--no-verify", lease, "origin", f"{sha}:{ref}"
            )
        if not pushed.ok:
            raise error_of(pushed, operation="git.push", target=f"{repo} {branch}")

    def checkout(self, repo: RepoName, *, ref: Sha, name: str) -> GitWorkTree:
        """Return a clean work tree called ``name`` at ``ref``, rebuilt when dirty, missing or elsewhere."""
        if not _TREE_NAME.fullmatch(name):
            raise NotFound(f"no work tree can be called {name!r}", operation="git.checkout", target=repo)
        tree = GitWorkTree(
            self._git, repo=repo, mirror=self._mirror(repo), root=self._directory / _folder(repo) / "trees" / name
        )
        if tree.is_clean_at(ref):
            return tree
        self._ensure(repo)
        with self._locked(repo):
            tree.remove()
            added = self._add_tree(repo, tree, ref)
            if not added.ok:
                self._fetch(repo)
                self._checked(repo, "checkout", self._add_tree(repo, tree, ref))
        return tree

    def remove_checkouts(self, repo: RepoName, *, prefix: str) -> None:
        """Delete the work trees of this machine whose name starts with ``prefix``; commits stay in the mirror."""
        folder = self._directory / _folder(repo) / "trees"
        if not folder.is_dir():
            return
        with self._locked(repo):
            for root in sorted(folder.iterdir()):
                if root.name.startswith(prefix):
                    GitWorkTree(self._git, repo=repo, mirror=self._mirror(repo), root=root).remove()

    def _follows(self, repo: RepoName, old: Sha, new: Sha) -> bool:
        asked = ("merge-base", "--is-ancestor", old, new)
        answer = self._local(repo, *asked)
        if answer.code not in (0, 1):
            # One of the two is unknown here: a person may have pushed it.
            self.fetch(repo)
            answer = self._local(repo, *asked)
        if answer.code not in (0, 1):
            raise error_of(answer, operation="git.push", target=repo)
        return answer.ok

    def _add_tree(self, repo: RepoName, tree: GitWorkTree, ref: Sha) -> GitResult:
        return self._local(repo, "worktree", "add", "--quiet", "--force", "--force", "--detach", tree.root, ref)

    def _must(self, repo: RepoName, operation: str, *arguments: str) -> GitResult:
        result = self._found(repo, lambda: self._local(repo, *arguments), lambda result: result.ok)
        return self._checked(repo, operation, result)

    def _checked(self, repo: RepoName, operation: str, result: GitResult) -> GitResult:
        if not result.ok:
            raise error_of(result, operation=f"git.{operation}", target=repo)
        return result

    def _found(self, repo: RepoName, ask: Callable[[], GitResult], is_good: Callable[[GitResult], bool]) -> GitResult:
        """Return what ``ask`` finds; a mirror that lacks it is brought up to date, or cloned anew, and asked again."""
        self._ensure(repo)
        result = ask()
        if is_good(result) and result.ok:
            return result
        with self._locked(repo):
            # Another process may have repaired it while this one waited.
            result = ask()
            if is_good(result) and result.ok:
                return result
            if _is_damaged(result):
                self._clone(repo)
            else:
                self._fetch(repo)
        result = ask()
        if is_good(result) and result.ok:
            return result
        said = result.err.strip() or result.text
        raise NotFound(said or "no such revision", operation="git", target=repo)

    def _ensure(self, repo: RepoName) -> None:
        if not (self._mirror(repo) / "HEAD").is_file():
            self.fetch(repo)

    def _fetch(self, repo: RepoName) -> None:
        if not (self._mirror(repo) / "HEAD").is_file():
            self._clone(repo)
            return
        fetched = self._fetched(repo)
        if not fetched.ok and _is_damaged(fetched):
            self._clone(repo)
        else:
            self._checked(repo, "fetch", fetched)

    def _fetched(self, repo: RepoName) -> GitResult:
        options = ("--quiet", "--prune", "--no-tags", "--no-write-fetch-head", "--no-auto-gc")
        return self._git.remote(self._mirror(repo), repo, "fetch", *options, "origin")

    def _clone(self, repo: RepoName) -> None:
        mirror = self._mirror(repo)
        shutil.rmtree(mirror, ignore_errors=True)
        try:
            made = self._git.local(mirror, "init", "--quiet", "--bare", "--template=", str(mirror))
            self._checked(repo, "clone", made)
            self._checked(repo, "clone", self._fetched(repo))
        except BaseException:
            shutil.rmtree(mirror, ignore_errors=True)
            raise

    def _local(self, repo: RepoName, *arguments: str, feed: bytes = b"") -> GitResult:
        return self._git.local(self._mirror(repo), *arguments, feed=feed)

    def _mirror(self, repo: RepoName) -> Path:
        return self._directory / _folder(repo) / "mirror.git"

    @contextmanager
    def _locked(self, repo: RepoName) -> Iterator[None]:
        folder = self._directory / _folder(repo)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def _folder(repo: RepoName) -> str:
    # A plus stands in neither half, so no two repositories share a folder and ".." cannot be one.
    return repo.replace("/", "+")


def _revision(ref: str) -> str:
    return ref if _SHA.fullmatch(ref) else f"refs/heads/{ref}"


def _is_damaged(result: GitResult) -> bool:
    words = (
        "not a git repository",
        "corrupt",
        "unable to read",
        "bad tree",
        "inflate",
        "loose object",
        "packfile",
        ".lock': File exists",
    )
    return any(word in result.err for word in words)
