"""Text from outside, made harmless for a comment: it pings nobody and poses as no command or mark (GH-23)."""

import re

LIMIT = 60_000

_PING = re.compile(r"@(?=[A-Za-z0-9])")
_COMMAND = re.compile(r"^(\s*)/(?=cogworks\b)", re.MULTILINE)
"""A command is a line that starts with ``/cogworks`` (GH-09); in the middle of a line, as in a path, it is none."""


def quoted(text: str, *, limit: int = 4000) -> str:
    """Return ``text`` as a Markdown quotation, cut at a line when over ``limit`` characters."""
    return "\n".join(f"> {line}" for line in inert(cut(text, limit=limit)).splitlines()) or "> (empty)"


def inert(text: str) -> str:
    """Return ``text`` that names nobody and opens no HTML comment; for use inside a line."""
    return _COMMAND.sub("\\1/\u200b", _PING.sub("@\u200b", text).replace("<!--", "&lt;!--"))


def line(text: str, *, limit: int = 300) -> str:
    """Return ``text`` as one inert line, safe in a table cell."""
    flat = " ".join(inert(text).split()).replace("|", "\\|")
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def cut(text: str, *, limit: int = LIMIT) -> str:
    """Return ``text`` within ``limit`` characters, cut at a line, with the count of what was cut."""
    if len(text) <= limit:
        return text
    head = text[:limit].rsplit("\n", 1)[0]
    return f"{head}\n… ({len(text) - len(head):,} characters cut)"
