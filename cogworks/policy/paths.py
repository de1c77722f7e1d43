"""May this text be a path, and does this glob match it (50 section 5)? Nothing is repaired, only refused.

A path that passes is still only text: what it leads to on a disk is checked where the file is opened.
"""

import re
import unicodedata
from functools import lru_cache

import re2

from cogworks.model.errors import ToolRefused

_MAX_BYTES = 1024
_DRIVE = re.compile(r"[A-Za-z]:")
# Windows' short name of .git leads to the same place on file systems that keep it.
_GIT = frozenset({".git", "git~1"})
# Control, format (invisible), surrogate, line and paragraph separator.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def check_path(text: str) -> None:
    """Raise ToolRefused unless ``text`` is a relative path that means one thing only and is not inside ``.git``."""
    reason = _wrong_text(text) or _wrong_segments(text.split("/"))
    if reason:
        raise ToolRefused(
            f"path {reason}", error="SCOPE_VIOLATION", parameter="path", constraint="relative path with / (PATH-01)"
        )


def glob_matches(pattern: str, path: str, *, ignore_case: bool = False) -> bool:
    """Tell whether the whole of ``path`` matches: ``*`` and ``?`` stay in a segment, ``**`` crosses, ``[...]``."""
    return _compiled(pattern, ignore_case).fullmatch(path) is not None


def any_matches(patterns: tuple[str, ...], path: str, *, ignore_case: bool = False) -> bool:
    """Tell whether one of ``patterns`` matches ``path``."""
    return any(glob_matches(pattern, path, ignore_case=ignore_case) for pattern in patterns)


def same_but_for_case(name: str, others: tuple[str, ...]) -> bool:
    """Tell whether ``others`` hold ``name`` in another spelling of case only."""
    folded = name.casefold()
    return any(other != name and other.casefold() == folded for other in others)


def _wrong_text(text: str) -> str:
    try:
        size_bytes = len(text.encode())
    except UnicodeEncodeError:
        return "is not UTF-8"
    checks = (
        (not text, "is empty"),
        (size_bytes > _MAX_BYTES, f"is longer than {_MAX_BYTES} bytes"),
        (text.startswith("/"), "is absolute"),
        (_DRIVE.match(text) is not None, "starts with a drive letter"),
        ("\\" in text, "holds a backslash"),
        (any(unicodedata.category(sign) in _UNSEEN for sign in text), "holds an invisible character"),
        (unicodedata.normalize("NFC", text) != text, "is not in NFC"),
        (unicodedata.normalize("NFKC", text) != text, "holds characters that stand for others"),
    )
    return next((reason for wrong, reason in checks if wrong), "")


def _wrong_segments(segments: list[str]) -> str:
    checks = (
        ("" in segments, "has an empty segment"),
        ("." in segments or ".." in segments, "has a . or .. segment"),
        (any(segment.endswith((".", " ")) for segment in segments), "has a segment that ends in a dot or a blank"),
        (any(segment.casefold() in _GIT for segment in segments), "leads into .git"),
    )
    return next((reason for wrong, reason in checks if wrong), "")


@lru_cache(maxsize=1024)
def _compiled(pattern: str, ignore_case: bool) -> "re2._Regexp":
    # Linear in the path whatever the pattern: patterns come from repository files.
    return re2.compile(f"{'(?is)' if ignore_case else '(?s)'}{_as_expression(pattern)}")


def _as_expression(pattern: str) -> str:
    parts: list[str] = []
    place = 0
    while place < len(pattern):
        part, place = _next_part(pattern, place)
        parts.append(part)
    return "".join(parts)


def _next_part(pattern: str, place: int) -> tuple[str, int]:
    starts_segment = place == 0 or pattern[place - 1] == "/"
    if pattern.startswith("**/", place) and starts_segment:
        return "(?:[^/]+/)*", place + 3
    if pattern.startswith("**", place):
        return ".*", place + 2
    sign = pattern[place]
    if sign == "*":
        return "[^/]*", place + 1
    if sign == "?":
        return "[^/]", place + 1
    # A ] right after the bracket, or after its negation, is a member.
    end = pattern.find("]", place + 3 if pattern[place + 1 : place + 2] == "!" else place + 2) if sign == "[" else -1
    if end > 0:
        return _class(pattern[place + 1 : end]), end + 1
    return re2.escape(sign), place + 1


def _class(members: str) -> str:
    negated = members.startswith("!")
    signs = members[1:] if negated else members
    ranges = [part for part in _ranges(signs) if part]
    if negated:
        return f"[^/{''.join(ranges)}]"
    # No member but the slash: a class that nothing matches.
    return f"[{''.join(ranges)}]" if ranges else r"[^\x00-\x{10FFFF}]"


def _ranges(signs: str) -> list[str]:
    """Return the members as ranges without ``/``, which only ``**`` and ``/`` itself match."""
    found: list[str] = []
    place = 0
    while place < len(signs):
        is_range = signs[place + 1 : place + 2] == "-" and place + 2 < len(signs)
        low, high = signs[place], signs[place + 2] if is_range else signs[place]
        place += 3 if is_range else 1
        found += [_range(low, min(high, ".")), _range(max(low, "0"), high)]
    return found


def _range(low: str, high: str) -> str:
    return f"\\x{{{ord(low):x}}}-\\x{{{ord(high):x}}}" if low <= high else ""
