"""Marks in comments and issues by which CogWorks finds its own again: ``<!-- cogworks:kind v1 key=… -->``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

_MARK = re.compile(r"<!-- cogworks:(?P<kind>[a-z-]+) v1(?P<fields>(?: [a-z0-9_]+=\S*)*) -->")
_SAFE = "/#@:.,+"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A parsed mark. It proves nothing by itself: check who wrote the comment."""

    kind: str
    fields: Mapping[str, str]


def mark(kind: str, /, **fields: object) -> str:
    """Return the mark of ``kind`` with ``fields``; None and empty values are written empty."""
    written = (f" {name}={quote('' if value is None else str(value), safe=_SAFE)}" for name, value in fields.items())
    return f"<!-- cogworks:{kind} v1{''.join(written)} -->"


def read_mark(text: str, kind: str) -> Mark | None:
    """Return the mark that ``text`` starts with if it is of ``kind``."""
    found = _MARK.match(text)
    if not found or found["kind"] != kind:
        return None
    pairs = (part.partition("=") for part in found["fields"].split())
    return Mark(kind=kind, fields={name: unquote(value) for name, _, value in pairs})
