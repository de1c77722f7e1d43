"""Git plumbing on one bare repository, by the git command line.

What hangs on object ids alone never changes, so it is asked once and remembered.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


class GitError(Exception):
    """Git refused; the message is what it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Who wrote a commit, and when (ISO 8601)."""

    name: str
    email: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One commit, as far as answers show it."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Signature
    committer: Signature
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of a tree; `size` is None for what is not a file."""

    path: str
    mode: str
    kind: str
    sha: str
    size: int | None


def git_environment(
    extra: Mapping[str, str] | None = None, *, settings: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return an environment in which only the twin's own settings act."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    numbered: dict[str, str] = {}
    # The repositories may stand in a directory that another user owns.
    for index, (key, value) in enumerate({"safe.directory": "*", **(settings or {})}.items()):
        numbered |= {f"GIT_CONFIG_KEY_{index}": key, f"GIT_CONFIG_VALUE_{index}": value}
    return {
        **kept,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_COUNT": str(len(numbered) // 2),
        **numbered,
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C.UTF-8",
        **(extra or {}),
    }


@lru_cache(maxsize=1)
def git_program() -> str:
    """Return the path of git; GitError when this machine has none."""
    found = shutil.which("git")
    if found is None:
        raise GitError("git is not installed")
    return found


def run_git(
    place: Path, arguments: Sequence[str], *, env: Mapping[str, str] | None = None, feed: bytes | None = None
) -> bytes:
    """Run git in a directory and return its output."""
    done = subprocess.run(  # noqa: S603 - a fixed program, no shell
        [git_program(), *arguments], cwd=place, env=git_environment(env), input=feed, capture_output=True, check=False
    )
    if done.returncode != 0:
        raise GitError(done.stderr.decode("utf-8", "replace").strip() or f"git {arguments[0]} failed")
    return done.stdout


class BareRepository:
    """One bare repository; arguments named `sha` or `*_sha` are full object ids."""

    def __init__(self, path: Path) -> None:
        """Look at the repository in `path`."""
        self.path = path
        self.commit = lru_cache(maxsize=4096)(self._commit)
        self.entries = lru_cache(maxsize=512)(self._entries)
        self.blob = lru_cache(maxsize=512)(self._blob)
        self.distance = lru_cache(maxsize=4096)(self._distance)
        self.merge_base = lru_cache(maxsize=4096)(self._merge_base)
        self.merged_tree = lru_cache(maxsize=4096)(self._merged_tree)
        self.diff = lru_cache(maxsize=256)(self._diff)
        self.commits_between = lru_cache(maxsize=1024)(self._commits_between)

    def git(self, *arguments: str, env: Mapping[str, str] | None = None, feed: bytes | None = None) -> bytes:
        """Run git here and return its output."""
        return run_git(self.path, arguments, env=env, feed=feed)

    def line(self, *arguments: str) -> str:
        """Run git here and return the one line it prints."""
        return self.git(*arguments).decode("utf-8", "replace").strip()

    def heads(self) -> dict[str, str]:
        """Return all branches with their commits."""
        listed = self.git("for-each-ref", "--format=%(refname)%09%(objectname)", "refs/heads").decode()
        pairs = (line.split("\t") for line in listed.splitlines())
        return {ref.removeprefix("refs/heads/"): sha for ref, sha in pairs}

    def resolve(self, name: str) -> str | None:
        """Return the commit that a tag or an object id means, or None."""
        return self.resolve_object(name, "commit")

    def resolve_object(self, sha: str, kind: str) -> str | None:
        """Return the full id of an object of this kind, or None."""
        try:
            return self.line("rev-parse", "--verify", "--quiet", "--end-of-options", f"{sha}^{{{kind}}}")
        except GitError:
            return None

    def move(self, branch: str, new_sha: str | None, *, old_sha: str | None) -> None:
        """Move, create (`old_sha` None) or delete (`new_sha` None) a branch; GitError when it is elsewhere by now."""
        ref = f"refs/heads/{branch}"
        if new_sha is None:
            self.git("update-ref", "-d", ref, old_sha or "0" * 40)
        else:
            self.git("update-ref", ref, new_sha, old_sha or "0" * 40)

    def _commit(self, sha: str) -> Commit:
        layout = "%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B"
        shown = self.git("show", "--no-patch", f"--format={layout}", sha).decode("utf-8", "replace")
        found, tree, parents, *people, message = shown.split("\0", 9)
        author, committer = people[:3], people[3:]
        return Commit(
            sha=found,
            tree=tree,
            parents=tuple(parents.split()),
            author=Signature(name=author[0], email=author[1], at=author[2]),
            committer=Signature(name=committer[0], email=committer[1], at=committer[2]),
            message=message.strip("\n"),
        )

    def _entries(self, tree_sha: str, path: str = "", *, recursive: bool = False) -> tuple[Entry, ...]:
        """Return the entries of a tree: all of it, or what stands at or (`path` ending in `/`) under a path."""
        options = ["-r", "-t"] if recursive else []
        listed = self.git("ls-tree", *options, "-l", "-z", "--full-tree", tree_sha, *(["--", path] if path else []))
        return tuple(_entry(line) for line in listed.decode("utf-8", "replace").split("\0") if line)

    def _blob(self, sha: str) -> bytes:
        return self.git("cat-file", "blob", sha)

    def _distance(self, base_sha: str, head_sha: str) -> tuple[int, int]:
        """Return how many commits `head_sha` is ahead of and behind `base_sha`."""
        behind, ahead = self.line("rev-list", "--left-right", "--count", f"{base_sha}...{head_sha}").split()
        return int(ahead), int(behind)

    def _merge_base(self, one_sha: str, other_sha: str) -> str | None:
        try:
            return self.line("merge-base", one_sha, other_sha)
        except GitError:
            return None

    def contains(self, tip_sha: str, sha: str) -> bool:
        """Say whether `sha` is in the history of `tip_sha`."""
        return self.merge_base(tip_sha, sha) == sha

    def _merged_tree(self, base_sha: str, head_sha: str) -> str | None:
        """Return the tree of merging `head_sha` into `base_sha`, or None on conflict."""
        try:
            return self.line("merge-tree", "--write-tree", "--no-messages", base_sha, head_sha)
        except GitError:
            return None

    def _commits_between(self, base_sha: str, head_sha: str) -> tuple[str, ...]:
        """Return what `head_sha` has and `base_sha` lacks, oldest first."""
        return tuple(self.line("rev-list", "--reverse", "--topo-order", f"{base_sha}..{head_sha}").split())

    def _diff(self, base: str, head: str) -> str:
        """Return what differs between two commits or trees: raw entries, line counts and patches, NULs between."""
        options = ("-r", "-M", "--full-index", "--raw", "--numstat", "-p", "-z", "--no-color", "--no-ext-diff")
        return self.git("diff-tree", *options, base, head).decode("utf-8", "replace")

    def write_blob(self, content: bytes) -> str:
        """Store a file's content."""
        return self.git("hash-object", "-w", "--stdin", feed=content).decode().strip()

    def write_commit(self, tree_sha: str, *, parents: Sequence[str], message: str, author: Signature) -> str:
        """Store a commit made by `author` now."""
        env = {
            "GIT_AUTHOR_NAME": author.name,
            "GIT_AUTHOR_EMAIL": author.email,
            "GIT_AUTHOR_DATE": author.at,
            "GIT_COMMITTER_NAME": author.name,
            "GIT_COMMITTER_EMAIL": author.email,
            "GIT_COMMITTER_DATE": author.at,
        }
        options = [part for parent in parents for part in ("-p", parent)]
        return self.git("commit-tree", tree_sha, *options, env=env, feed=message.encode()).decode().strip()


def _entry(line: str) -> Entry:
    facts, path = line.split("\t", 1)
    mode, kind, sha, size = facts.split()
    return Entry(path=path, mode=mode, kind=kind, sha=sha, size=None if size == "-" else int(size))
