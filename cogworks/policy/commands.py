"""What people tell CogWorks in comments: lines that start with ``/cogworks`` (GH-09, GH-10)."""

import re
from collections.abc import Callable, Iterator, Mapping

from cogworks.model.commands import MAX_PER_COMMENT, Command, Misunderstood, Said, Word

_HIDDEN = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_PREFIX = "/cogworks "
_SHOWN_CHARACTERS = 100
_AT_GATE = re.compile(r"(?P<node>[a-z][a-z0-9_]*)(?: +swi +(?P<swi>[1-9]\d{0,3})(?!\S))?(?: +(?P<note>\S.*))?")
_REGENERATE = re.compile(r"swi +(?P<swi>[1-9]\d{0,3})(?: +(?P<note>\S.*))?")
_RUN_FLAGS = frozenset({"--accept-graph", "--rebuild-state"})


def commands_in(body: str) -> tuple[Said, ...]:
    """Return what ``body`` commands, in order, at most five; nothing that stands in code, quotes or hidden text."""
    found = (_said(line) for line in _plain_lines(body) if line.startswith(_PREFIX) and line.strip() != "/cogworks")
    return tuple(said for _, said in zip(range(MAX_PER_COMMENT), found, strict=False))


def _plain_lines(body: str) -> Iterator[str]:
    """Yield the lines that are neither in a fenced block nor in an HTML comment."""
    fence = ""
    for line in _HIDDEN.sub("", body).splitlines():
        met = _FENCE.match(line)
        if not fence and met:
            fence = met[1]
        elif not fence:
            yield line
        elif met and met[1].startswith(fence) and line.strip() == met[1]:
            fence = ""


def _said(line: str) -> Said:
    word, _, rest = line.removeprefix(_PREFIX).strip().partition(" ")
    parse = _PARSERS.get(word)
    if parse is None:
        return Misunderstood(text=_shown(line), why="there is no such command")
    parsed = parse(rest.strip())
    return Misunderstood(text=_shown(line), why=parsed) if isinstance(parsed, str) else parsed


def _shown(line: str) -> str:
    text = line.strip()
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


def _run(rest: str) -> Command | str:
    flags = frozenset(rest.split())
    unknown = sorted(flags - _RUN_FLAGS)
    if unknown:
        return f"`run` does not know `{unknown[0][:40]}`"
    return Command(word="run", flags=flags)


def _approve(rest: str) -> Command | str:
    if rest == "scope":
        return Command(word="approve scope")
    if not rest:
        return Command(word="approve")
    found = _AT_GATE.fullmatch(rest)
    if not found:
        return "`approve` needs the name of a node"
    return Command(word="approve", node=found["node"], swi=_number(found["swi"]), note=found["note"] or "")


def _reject(rest: str) -> Command | str:
    if rest.split(maxsplit=1)[:1] == ["scope"]:
        return Command(word="reject scope", note=rest.removeprefix("scope").strip())
    found = _AT_GATE.fullmatch(rest)
    if not found or not found["note"]:
        return "`reject` needs the name of a node and a reason"
    return Command(word="reject", node=found["node"], swi=_number(found["swi"]), note=found["note"])


def _regenerate(rest: str) -> Command | str:
    found = _REGENERATE.fullmatch(rest)
    if not found:
        return "`regenerate` needs `swi` and the number of a sub-work-item"
    return Command(word="regenerate", swi=_number(found["swi"]), note=found["note"] or "")


def _number(text: str | None) -> int | None:
    return int(text) if text else None


def _with_text(word: Word, needed: str = "") -> Callable[[str], Command | str]:
    """Return a parser for a command followed by free text, which is ``needed`` or may be left out."""
    return lambda rest: f"`{word}` needs {needed}" if needed and not rest else Command(word=word, note=rest)


def _alone(word: Word) -> Callable[[str], Command | str]:
    return lambda rest: f"`{word}` stands alone" if rest else Command(word=word)


_PARSERS: Mapping[str, Callable[[str], Command | str]] = {
    "run": _run,
    "restart": _alone("restart"),
    "cancel": _with_text("cancel"),
    "approve": _approve,
    "reject": _reject,
    "regenerate": _regenerate,
    "clarify": _with_text("clarify", "a text"),
    "release-hold": _with_text("release-hold"),
    "contaminated": _with_text("contaminated", "a reason"),
    "sign-off": _with_text("sign-off"),
    "status": _alone("status"),
    "help": _alone("help"),
}
