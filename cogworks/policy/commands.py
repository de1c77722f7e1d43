"""What people tell CogWorks in comments: lines that start with ``/cogworks`` (30 section 3).

Known so far: ``run``, ``approve <node> [swi <n>] [note]`` and ``reject <node> [swi <n>] <reason>``.
"""

import re
from dataclasses import dataclass
from typing import Literal

_MAX_PER_COMMENT = 5
_FENCE = re.compile(r"^(?:```|~~~).*?(?:^(?:```|~~~)\s*$|\Z)", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(
    r"^/cogworks (?:(?P<run>run)"
    r"|(?P<word>approve|reject) (?P<node>[a-z][a-z0-9_]*)(?: swi (?P<swi>[1-9]\d*))?(?: +(?P<note>\S.*))?)\s*$",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command of one comment."""

    word: Literal["run", "approve", "reject"]
    node: str = ""
    swi: int | None = None
    note: str = ""


def commands_in(body: str) -> tuple[Command, ...]:
    """Return the commands in ``body``, in order, at most five; none in code or quotes, none without what it needs."""
    found = (_command(one) for one in _COMMAND.finditer(_FENCE.sub("", body)))
    return tuple(command for command in found if command is not None)[:_MAX_PER_COMMENT]


def _command(found: re.Match[str]) -> Command | None:
    if found["run"]:
        return Command(word="run")
    note = (found["note"] or "").strip()
    if found["word"] == "reject" and not note:
        return None
    swi = int(found["swi"]) if found["swi"] else None
    return Command(word="approve" if found["word"] == "approve" else "reject", node=found["node"], swi=swi, note=note)
