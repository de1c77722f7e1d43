"""Show a run as it goes: one live view on a terminal, one line an event elsewhere (DEM-04)."""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cogworks.demo.rest import Json
from cogworks.demo.view import Sight

_AT_WORK = ("active", "awaiting_approval")
_LOOKS = {"completed": "green", "active": "bold cyan", "awaiting_approval": "yellow", "failed": "bold red"}


@dataclass(slots=True, kw_only=True)
class Progress:
    """What has been shown so far. ``quiet`` shows nothing at all."""

    quiet: bool
    began: float = field(default_factory=time.monotonic)
    live: Live | None = None
    _seen: dict[str, str] = field(default_factory=dict)
    _said: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Show one line, with the seconds since the start."""
        if self.quiet:
            return
        line = f"{time.monotonic() - self.began:6.1f}s  {text}"
        if self.live is None:
            sys.stderr.write(line + "\n")
            sys.stderr.flush()
        else:
            self._said.append(line)

    def show(self, sight: Sight) -> None:
        """Show what is new in ``sight``."""
        for name, at in nodes_in(sight.state):
            word = f"{at.get('status', 'pending')} {_counters(at)}".strip()
            if self._seen.get(name) != word:
                self._seen[name] = word
                if at.get("status") not in ("pending", None):
                    self.say(f"#{sight.ask.number} {name}: {word}")
        if self.live is not None:
            self.live.update(Group(_table(sight), *(Text(line) for line in self._said[-12:])))

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Keep a live view on a terminal for the time of the block."""
        console = Console(stderr=True)
        if self.quiet or not console.is_terminal:
            yield
            return
        with Live(console=console, refresh_per_second=4, transient=False) as self.live:
            yield
        self.live = None


def nodes_in(state: Mapping[str, Json]) -> list[tuple[str, Mapping[str, Json]]]:
    """Return every node instance of a state with its name, work-item nodes first."""
    found = list(state.get("nodes", {}).items())
    for swi in state.get("sub_work_items", []):
        found += [(f"{node} (SWI {swi['ordinal']})", at) for node, at in swi.get("nodes", {}).items()]
    return found


def _counters(at: Mapping[str, Json]) -> str:
    parts = [f"attempt {at.get('attempts', 0)}"]
    parts += [f"{name} {at[name]}" for name in ("retries", "reworks") if at.get(name)]
    return ", ".join(parts)


def _table(sight: Sight) -> Table:
    cost = sight.state.get("cost", {})
    spent, limit = cost.get("microusd", 0) / 1e6, cost.get("limit_microusd", 0) / 1e6
    title = f"{sight.ask.repo}#{sight.ask.number}  {cost.get('tokens', 0):,} tokens  ${spent:.2f} of ${limit:.2f}"
    table = Table(title=title, title_justify="left")
    for column in ("Node", "Status", "Attempts", "Retries", "Cost"):
        table.add_column(column)
    for name, at in nodes_in(sight.state):
        status = at.get("status", "pending")
        money = at.get("cost", {}).get("microusd", 0) / 1e6
        cells = (str(at.get("attempts", 0)), str(at.get("retries", 0)), f"${money:.3f}")
        table.add_row(name, Text(status, style=_LOOKS.get(status, "")), *cells)
    return table
