"""What changed between two commits, file by file."""

import re
from dataclasses import dataclass
from typing import Literal

from cogworks.twins.github.bare import BareRepository

Status = Literal["added", "removed", "modified", "renamed"]
_STATUSES: dict[str, Status] = {"A": "added", "D": "removed", "R": "renamed"}
_HUNK = re.compile(r"^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """One changed file; `patch` is None for binary files and pure renames."""

    path: str
    previous_path: str | None
    status: Status
    sha: str
    additions: int
    deletions: int
    patch: str | None


def changed_files(git: BareRepository, base: str, head: str) -> tuple[FileChange, ...]:
    """Return the files that differ between two commits or trees."""
    output = git.diff(base, head)
    if not output:
        return ()
    # With -z one NUL of its own divides the two lists from the patches.
    lists, _, patches = output.partition("\0\0")
    fields = lists.split("\0")
    raw, rest = _raw_entries(fields)
    counts = _numstat(rest, len(raw))
    texts = [_hunks(block) for block in _blocks(patches.lstrip("\0"))]
    return tuple(
        FileChange(
            path=path,
            previous_path=previous,
            status=_STATUSES.get(letter, "modified"),
            sha=sha,
            additions=added,
            deletions=removed,
            patch=text,
        )
        for (letter, sha, previous, path), (added, removed), text in zip(raw, counts, texts, strict=True)
    )


def _raw_entries(fields: list[str]) -> tuple[list[tuple[str, str, str | None, str]], list[str]]:
    found: list[tuple[str, str, str | None, str]] = []
    at = 0
    while at < len(fields) and fields[at].startswith(":"):
        _, _, old_sha, new_sha, letters = fields[at].split(" ")
        letter = letters[0]
        sha = old_sha if letter == "D" else new_sha
        if letter == "R":
            found.append((letter, sha, fields[at + 1], fields[at + 2]))
            at += 3
        else:
            found.append((letter, sha, None, fields[at + 1]))
            at += 2
    return found, fields[at:]


def _numstat(fields: list[str], count: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    at = 0
    while len(found) < count:
        added, removed, path = fields[at].split("\t")
        found.append((0 if added == "-" else int(added), 0 if removed == "-" else int(removed)))
        at += 1 if path else 3
    return found


def _blocks(patches: str) -> list[str]:
    """Return one block a file; a file that became a link comes as two blocks under the same head."""
    found: dict[str, str] = {}
    for block in re.split(r"^(?=diff --git )", patches, flags=re.MULTILINE):
        if block.startswith("diff --git "):
            head = block.partition("\n")[0]
            found[head] = found.get(head, "") + block
    return list(found.values())


def _hunks(block: str) -> str | None:
    start = _HUNK.search(block)
    return block[start.start() :].rstrip("\n") if start else None


def lines_in(patch: str | None, side: str) -> dict[int, str]:
    """Return the line numbers of one side (`LEFT`, `RIGHT`) that a patch shows, each with its hunk up to there."""
    shown: dict[int, str] = {}
    for hunk in re.split(r"^(?=@@ -)", patch or "", flags=re.MULTILINE):
        start = _HUNK.match(hunk)
        if start is None:
            continue
        left, right = int(start[1]), int(start[2])
        seen: list[str] = []
        for line in hunk.removesuffix("\n").split("\n"):
            seen.append(line)
            if line.startswith(("@@", "\\")):
                continue
            if side == "LEFT" and not line.startswith("+"):
                shown[left] = "\n".join(seen)
            if side == "RIGHT" and not line.startswith("-"):
                shown[right] = "\n".join(seen)
            left += not line.startswith("+")
            right += not line.startswith("-")
    return shown
