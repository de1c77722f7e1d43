"""Formats of git's plumbing: what it prints, and what it eats; pure."""

from collections.abc import Mapping
from typing import Literal

from cogworks.model.change import Change
from cogworks.model.ids import Sha

_ACTIONS: Mapping[str, Literal["create", "delete"]] = {"A": "create", "D": "delete"}
_REGULAR = (b"100644", b"100755")
_IDENTITY = "CogWorks <cogworks@users.noreply.github.com> now"


def regular_files(listed: bytes) -> tuple[str, ...]:
    """Return the sorted paths of regular files in ``ls-tree -r -z`` output; links and submodules are no files."""
    entries = (line.partition(b"\t") for line in listed.split(b"\0") if line)
    return tuple(sorted(path.decode("utf-8", "surrogateescape") for about, _, path in entries if about[:6] in _REGULAR))


def changes_of(listed: bytes) -> tuple[Change, ...]:
    """Return the changes in ``--name-status -z`` output, sorted by path."""
    fields = listed.decode("utf-8", "surrogateescape").split("\0")[:-1]
    pairs = zip(fields[::2], fields[1::2], strict=True)
    return tuple(
        sorted((Change(path=path, action=_ACTIONS.get(kind, "modify")) for kind, path in pairs), key=lambda c: c.path)
    )


def blob_of(answered: bytes) -> bytes | None:
    """Return the blob in the second answer of ``cat-file --batch-command``; None when it is missing or no blob."""
    _, _, second = answered.partition(b"\n")
    header, _, rest = second.partition(b"\n")
    words = header.split(b" ")
    if len(words) != 3 or words[1] != b"blob":
        return None
    return rest[: int(words[2])]


def import_stream(ref: str, *, parent: Sha | None, files: Mapping[str, bytes], message: str) -> bytes:
    """Return what makes ``fast-import`` write one commit, print its id, and leave no ref behind."""
    text = message.encode()
    parts = [f"commit {ref}\nmark :1\ncommitter {_IDENTITY}\ndata {len(text)}\n".encode(), text, b"\n"]
    if parent is not None:
        parts.append(f"from {parent}\n".encode())
    for path, content in files.items():
        parts += [f"M 100644 inline {_quoted(path)}\ndata {len(content)}\n".encode(), content, b"\n"]
    parts.append(f"\nreset {ref}\nfrom {'0' * 40}\n\nget-mark :1\ndone\n".encode())
    return b"".join(parts)


def _quoted(path: str) -> str:
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
