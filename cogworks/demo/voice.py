"""What the demo tells while it runs: a live view on a terminal, else one line per event on standard error (CLI-04)."""

import os
import sys
import time
from collections.abc import Mapping
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cogworks.demo.github import Item
from cogworks.demo.money import dollars
from cogworks.demo.run_view import NodeView, RunView

_LOOKS = {
    "active": ("●", "bold cyan"),
    "awaiting_approval": ("◆", "bold yellow"),
    "completed": ("✓", "green"),
    "failed": ("✗", "bold red"),
    "blocked": ("✗", "red"),
    "cancelled": ("✗", "red"),
    "skipped": ("-", "dim"),
    "pending": ("·", "dim"),
}
_WIDTH = 78
Views = Mapping[Item, RunView]


class Voice(Protocol):
    """How the demo talks."""

    def say(self, text: str) -> None:
        """Tell an event; nobody misses it who asked for quiet."""

    def ask(self, text: str) -> None:
        """Tell something that needs the reader."""

    def show(self, views: Views) -> None:
        """Show where all runs stand."""

    def end(self) -> None:
        """Show no more."""


def voice_for(*, silent: bool) -> Voice:
    """Return the voice for this terminal, or the lack of one; ``silent`` leaves only what needs the reader."""
    live = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    return Screen() if live and not silent else Lines(silent=silent)


class Stopwatch:
    """Tells the seconds since it was made, in front of a line."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self, text: str) -> str:
        """Return ``text`` with the time."""
        return f"{time.monotonic() - self._began:6.1f}s  {text}"


class Lines:
    """One line per event on standard error."""

    def __init__(self, *, silent: bool = False) -> None:
        self._silent = silent
        self._timed = Stopwatch()
        self._known: dict[Item, RunView] = {}

    def say(self, text: str) -> None:
        """Write a line."""
        if not self._silent:
            self.ask(text)

    def ask(self, text: str) -> None:
        """Write a line that even a silent demo needs."""
        sys.stderr.write(f"{self._timed(text)}\n")
        sys.stderr.flush()

    def show(self, views: Views) -> None:
        """Write what changed since the last look."""
        for item, view in views.items():
            for change in changes(self._known.get(item, RunView()), view):
                self.say(f"#{item.number} {change}")
        self._known = dict(views)

    def end(self) -> None:
        """Do nothing: what was written stays."""


class Screen:
    """A live view that events scroll above."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, no_color=bool(os.environ.get("NO_COLOR")), highlight=False)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._timed = Stopwatch()
        self._live.start()

    def say(self, text: str) -> None:
        """Write a line above the view."""
        self._console.print(Text(self._timed(text)), soft_wrap=True)

    def ask(self, text: str) -> None:
        """Write a line above the view."""
        self._console.print(Text(self._timed(text), style="bold"), soft_wrap=True)

    def show(self, views: Views) -> None:
        """Draw all runs anew."""
        self._live.update(Group(*(picture(item, view) for item, view in views.items())), refresh=True)

    def end(self) -> None:
        """Clear the view away; the report follows."""
        self._live.stop()


def changes(old: RunView, new: RunView) -> list[str]:
    """Return what happened between two looks, one line per event."""
    before = {node.name: node for node in old.nodes}
    told = [line for node in new.nodes if (line := _change(before.get(node.name), node))]
    fixed = {swi.ordinal: swi.fixes for swi in old.swis}
    sent_back = [one.ordinal for one in new.swis if one.fixes > fixed.get(one.ordinal, 0)]
    told += [f"SWI {ordinal}: its review sends it back" for ordinal in sent_back]
    if old.status != new.status and new.ended:
        told.append(f"{new.status}, {_spent(new)}")
    return [*told, *([f"stopped by {new.failure}"] if new.failure and new.failure != old.failure else [])]


def _change(old: NodeView | None, new: NodeView) -> str:
    if old is not None and (old.status, old.attempts) == (new.status, new.attempts):
        return ""
    if new.status == "pending":
        return ""
    return f"{new.name}: {new.status} attempt {_attempts(new)}"


def picture(item: Item, view: RunView) -> Table:
    """Return a run as a table: nodes in the order of their start, below them those of the sub-work-items."""
    where = f"{view.status}{f' for {view.waits}' if view.waits else ''}"
    table = Table(title=f"{item} · {where} · {_spent(view)}", title_justify="left", min_width=_WIDTH)
    for name in ("Node", "Status", "Attempts"):
        table.add_column(name, no_wrap=True)
    for name in ("Tokens", "Cost"):
        table.add_column(name, justify="right", no_wrap=True)
    for node in view.nodes:
        mark, style = _LOOKS.get(node.status, ("?", ""))
        name = node.node if node.swi is None else f"  SWI {node.swi} {node.node}"
        figures = (f"{node.tokens:,}" if node.tokens else "", _cost(node.microusd))
        table.add_row(name, f"{mark} {node.status.replace('_', ' ')}", _attempts(node), *figures, style=style)
    return table


def _attempts(node: NodeView) -> str:
    return f"{node.attempts or ''}{_again(node)}"


def _again(node: NodeView) -> str:
    counters = (("retries", node.retries), ("reworks", node.reworks))
    return "".join(f", {name} {count}" for name, count in counters if count)


def _cost(microusd: int) -> str:
    return dollars(microusd) if microusd else ""


def _spent(view: RunView) -> str:
    return (
        f"{dollars(view.microusd)} of {dollars(view.limit_microusd)}, {view.tokens:,} of {view.limit_tokens:,} tokens"
    )
