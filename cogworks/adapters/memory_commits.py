"""Commits in memory: a graph of file maps with git's questions about it, and its text formats."""

import difflib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from cogworks.model.change import Change
from cogworks.model.ids import Sha

_NO_NEWLINE = "\\ No newline at end of file\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryCommit:
    """One commit, with every file as it stands there."""

    sha: Sha
    parents: tuple[Sha, ...]
    files: Mapping[str, bytes]
    message: str


class MemoryCommits:
    """All commits of one repository; the same content always has the same id."""

    def __init__(self) -> None:
        """Begin without any commit."""
        self._commits: dict[Sha, MemoryCommit] = {}

    def add(self, *, parents: Sequence[Sha], files: Mapping[str, bytes], message: str) -> Sha:
        """Keep a commit and return its id."""
        digest = hashlib.sha1(message.encode(), usedforsecurity=False)
        for parent in parents:
            digest.update(parent.encode())
        for path in sorted(files):
            digest.update(b"\0".join([path.encode(), str(len(files[path])).encode(), files[path]]))
        sha = Sha(digest.hexdigest())
        self._commits[sha] = MemoryCommit(sha=sha, parents=tuple(parents), files=dict(files), message=message)
        return sha

    def get(self, sha: Sha) -> MemoryCommit | None:
        """Return a commit, or None."""
        return self._commits.get(sha)

    def history(self, sha: Sha) -> tuple[Sha, ...]:
        """Return ``sha`` and everything before it, nearest first."""
        seen: dict[Sha, None] = {}
        waiting = [sha]
        while waiting:
            now = waiting.pop(0)
            if now not in seen:
                seen[now] = None
                waiting += self._commits[now].parents
        return tuple(seen)

    def is_ancestor(self, old: Sha, new: Sha) -> bool:
        """Tell whether ``new`` holds ``old``."""
        return old in self.history(new)

    def last_touching(self, path: str, sha: Sha) -> Sha | None:
        """Return the last commit at or before ``sha`` that changed ``path``."""
        for now in self.history(sha):
            commit = self._commits[now]
            before = [self._commits[parent].files.get(path) for parent in commit.parents] or [None]
            if all(content != commit.files.get(path) for content in before):
                return now
        return None

    def merge(self, ours: Sha, theirs: Sha, *, message: str) -> Sha | tuple[str, ...]:
        """Return a commit that holds both, or the paths that clash: where both sides changed the same lines."""
        base = self._commits[self.merge_base(ours, theirs)].files
        left, right = self._commits[ours].files, self._commits[theirs].files
        merged: dict[str, bytes] = {}
        clashing: list[str] = []
        for path in sorted({*base, *left, *right}):
            try:
                chosen = _merged(base.get(path), left.get(path), right.get(path))
            except _Clash:
                clashing.append(path)
                continue
            if chosen is not None:
                merged[path] = chosen
        return tuple(clashing) or self.add(parents=(ours, theirs), files=merged, message=message)

    def merge_base(self, ours: Sha, theirs: Sha) -> Sha:
        """Return the nearest commit that both hold; an empty one when they share none."""
        reached = set(self.history(theirs))
        common = [sha for sha in self.history(ours) if sha in reached]
        return common[0] if common else self.add(parents=(), files={}, message="")


def changes_between(base: Mapping[str, bytes], head: Mapping[str, bytes]) -> tuple[Change, ...]:
    """Return what differs between two file maps, sorted by path."""
    return tuple(
        Change(path=path, action=_action(path in base, path in head))
        for path in sorted({*base, *head})
        if base.get(path) != head.get(path)
    )


def diff_between(base: Mapping[str, bytes], head: Mapping[str, bytes]) -> str:
    """Return the unified diff between two file maps, in git's layout."""
    return "".join(part for change in changes_between(base, head) for part in _file_diff(change, base=base, head=head))


class _Clash(Exception):
    """Both sides changed the same place."""


def _merged(base: bytes | None, ours: bytes | None, theirs: bytes | None) -> bytes | None:
    if ours == theirs or theirs == base:
        return ours
    if ours == base:
        return theirs
    if base is None or ours is None or theirs is None:
        raise _Clash
    return _merged_lines(base.splitlines(keepends=True), ours.splitlines(True), theirs.splitlines(True))


def _merged_lines(base: list[bytes], ours: list[bytes], theirs: list[bytes]) -> bytes:
    edits = sorted({*_edits(base, ours), *_edits(base, theirs)})
    # Like git, take changes that touch each other for a clash.
    if any(later[0] <= earlier[1] for earlier, later in pairwise(edits)):
        raise _Clash
    for start, end, lines in reversed(edits):
        base = [*base[:start], *lines, *base[end:]]
    return b"".join(base)


def _edits(base: list[bytes], side: list[bytes]) -> list[tuple[int, int, tuple[bytes, ...]]]:
    found = difflib.SequenceMatcher(None, base, side, autojunk=False).get_opcodes()
    return [(i1, i2, tuple(side[j1:j2])) for kind, i1, i2, j1, j2 in found if kind != "equal"]


def _action(was: bool, is_now: bool) -> Literal["create", "modify", "delete"]:
    if not was:
        return "create"
    return "modify" if is_now else "delete"


def _file_diff(change: Change, *, base: Mapping[str, bytes], head: Mapping[str, bytes]) -> Iterator[str]:
    path = change.path
    yield f"diff --git a/{path} b/{path}\n"
    if change.action != "modify":
        yield "new file mode 100644\n" if change.action == "create" else "deleted file mode 100644\n"
    before, after = (_lines(files.get(path, b"")) for files in (base, head))
    old = "/dev/null" if change.action == "create" else f"a/{path}"
    new = "/dev/null" if change.action == "delete" else f"b/{path}"
    for line in difflib.unified_diff(before, after, old, new):
        yield line if line.endswith("\n") else f"{line}\n{_NO_NEWLINE}"


def _lines(content: bytes) -> list[str]:
    return content.decode("utf-8", "replace").splitlines(keepends=True)
