"""Progress of nodes: one live line on a terminal, the log lines elsewhere, nothing when asked so (CLI-04)."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic

from cogworks.cli.options import Globals
from cogworks.engine.crank import Ran
from cogworks.model.ids import NodeRef
from cogworks.model.money import dollars
from cogworks.model.state import Cost


@dataclass(slots=True, kw_only=True)
class ShownWatch:
    """Implements Watch: knows what is at work and since when, and shows itself to rich as lines."""

    spent: Callable[[], Cost]
    active: dict[tuple[NodeRef, int], float] = field(default_factory=dict)

    def began(self, ref: NodeRef, attempt: int) -> None:
        """An attempt began."""
        self.active[ref, attempt] = monotonic()

    def ended(self, ran: Ran) -> None:
        """An attempt ended."""
        self.active.pop((ran.ref, ran.attempt), None)

    def __rich__(self) -> str:
        now = monotonic()
        active = dict(self.active)
        if not active:
            return "step"
        cost = self.spent()
        total = f"{cost.tokens:,} tokens · {dollars(cost.microusd)}"
        return "\n".join(
            f"{ref} · attempt {attempt} · {now - since:.0f} s · {total}" for (ref, attempt), since in active.items()
        )


@contextmanager
def watching(options: Globals, spent: Callable[[], Cost]) -> Iterator[ShownWatch]:
    """Show attempts while the block runs."""
    watch = ShownWatch(spent=spent)
    if not wants_live(options):
        yield watch
        return
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True, no_color=options.no_color or None)
    with Live(watch, console=console, refresh_per_second=2, transient=True):
        yield watch


def wants_live(options: Globals) -> bool:
    """Tell whether there is a person at a terminal who did not ask for silence."""
    return sys.stderr.isatty() and not options.quiet and not options.as_json and os.environ.get("TERM") != "dumb"
