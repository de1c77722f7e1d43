"""What people can command in comments, and what was meant as a command and is none (GH-10)."""

from dataclasses import dataclass, field
from typing import Final, Literal

Word = Literal[
    "run",
    "restart",
    "cancel",
    "approve",
    "approve scope",
    "reject",
    "reject scope",
    "regenerate",
    "clarify",
    "release-hold",
    "contaminated",
    "sign-off",
    "status",
    "help",
]

MAX_PER_COMMENT: Final = 5
SHORTEST_JUSTIFICATION: Final = 20

HELP: Final[tuple[tuple[str, str], ...]] = (
    ("run [--accept-graph] [--rebuild-state]", "start, or go on after a failure or a cancel"),
    ("restart", "a new run from the start"),
    ("cancel [reason]", "stop the run"),
    ("approve <node> [swi <n>] [note]", "pass that gate"),
    ("reject <node> [swi <n>] <reason>", "fail that gate; the reason is a finding when the run goes on"),
    ("approve scope", "go on past the scope limit"),
    ("reject scope [reason]", "do not go on past the scope limit"),
    ("regenerate swi <n> [feedback]", "build that sub-work-item and what depends on it again"),
    ("clarify <text>", "answer a question about the scope"),
    ("release-hold <justification>", "say why a hold is a false alarm; then take the hold label away"),
    ("contaminated <reason>", "say that a hold is no false alarm: only a new issue can go on"),
    ("sign-off", "accept the traceability matrix of a safety-critical item"),
    ("status", "where the run stands"),
    ("help", "this list"),
)
"""Every command as people write it, and what it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command of one comment. ``node`` is empty where people may leave it out and did."""

    word: Word
    node: str = ""
    swi: int | None = None
    note: str = ""
    flags: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True, kw_only=True)
class Misunderstood:
    """A line that is meant as a command and is none."""

    text: str
    why: str


Said = Command | Misunderstood
