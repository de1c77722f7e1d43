"""Options that every command has, wherever people type them, and options that nobody should type at all."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from cogworks.model.errors import ConfigError, Problem

LogLevel = Literal["debug", "info", "warning", "error"]

_PROGRAMS = ("demo", "twin start", "service run")
_SECRET = re.compile(r"^--?[a-z-]*(token|secret|passw|api-?key|private-?key|credential)", re.IGNORECASE)
_SWITCHES = frozenset({"--json", "--quiet", "--no-color"})
_VALUES = ("--log-level", "--timeout")


@dataclass(frozen=True, slots=True, kw_only=True)
class Globals:
    """The global options of one call."""

    as_json: bool = False
    quiet: bool = False
    no_color: bool = False
    log_level: LogLevel | None = None
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A command line taken apart: global options, and the rest for the command."""

    options: Globals
    rest: tuple[str, ...]


def program_of(arguments: Sequence[str]) -> tuple[str, tuple[str, ...]] | None:
    """Return the separate program that ``arguments`` start, with its own arguments; None for our own commands."""
    words = tuple(arguments)
    # `cogworks --json demo` is what `cogworks demo --json` is.
    ahead = tuple(word for word in words[: _first_word(words)] if word == "--json")
    words = words[_first_word(words) :]
    for name in _PROGRAMS:
        parts = tuple(name.split())
        if words[: len(parts)] == parts:
            return name, (*words[len(parts) :], *ahead)
    return None


def _first_word(words: tuple[str, ...]) -> int:
    return next((n for n, word in enumerate(words) if word not in _SWITCHES), len(words))


def read_line(arguments: Sequence[str]) -> Line:
    """Take the global options out of ``arguments``; raise ConfigError for a wrong value or a secret."""
    options, rest = Globals(), list[str]()
    words = list(arguments)
    while words:
        word = words.pop(0)
        if word == "--":
            rest += [word, *words]
            break
        name, _, value = word.partition("=")
        if name in _VALUES:
            options = _with(options, name, value or (words.pop(0) if words else ""))
        elif word in _SWITCHES:
            options = _switched(options, word)
        else:
            _refuse_secret(name)
            rest.append(word)
    return Line(options=options, rest=tuple(rest))


def wants_json(arguments: Sequence[str]) -> bool:
    """Tell whether a line that may be wrong otherwise asks for JSON."""
    return "--json" in arguments


def _switched(options: Globals, word: str) -> Globals:
    return replace(
        options,
        as_json=options.as_json or word == "--json",
        quiet=options.quiet or word == "--quiet",
        no_color=options.no_color or word == "--no-color",
    )


def _with(options: Globals, name: str, value: str) -> Globals:
    if name == "--log-level":
        levels: tuple[LogLevel, ...] = get_args(LogLevel)
        for level in levels:
            if value == level:
                return replace(options, log_level=level)
        raise _usage(name, f"{value!r} is not a level", ", ".join(levels))
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise _usage(name, f"{value!r} is not a time", "seconds, more than 0")
    return replace(options, timeout_s=seconds)


def _refuse_secret(name: str) -> None:
    if name.startswith("-") and _SECRET.match(name):
        allowed = "secrets come from the environment: COGWORKS_… or COGWORKS_…_FILE"
        raise _usage(name, "a secret must not be on the command line", allowed)


def _usage(field: str, message: str, allowed: str) -> ConfigError:
    problem = Problem(code="usage", file="command line", field=field, message=message, allowed=allowed)
    return ConfigError(problems=(problem,))
