"""A world whose first process dies at one call, for stories that begin when a run is over already."""

import random
from dataclasses import dataclass

from watched import Fate, Killed, Moment, watched
from world import World

from cogworks.adapters.memory_queue import Sent


@dataclass(frozen=True)
class Death:
    """One place and way to die."""

    number: int
    after: bool
    redelivered: bool

    def __str__(self) -> str:
        when, then = ("after" if self.after else "before"), ("redelivered" if self.redelivered else "lost")
        return f"{when} call {self.number}, message {then}"


class Mortal(World):
    """A world whose first process dies as told; the next ones live. Its message comes again, or is lost with it."""

    death: Death | None = None

    def die(self, death: Death | None) -> "Mortal":
        """Begin to count the calls of a process anew; it dies at the one that ``death`` names."""

        def reached(moment: Moment) -> None:
            if death and (moment.call, moment.after) == (death.number, death.after):
                raise Killed(str(moment))

        self.death, self.fate = death, Fate(reached)
        self.plug = lambda ports: ports if self.fate.dead else watched(ports, self.fate)
        self.house = self.new_house()
        return self

    def handle(self, message: Sent) -> None:
        """Handle ``message``, perhaps to the process's end."""
        try:
            super().handle(message)
        except Killed:
            self.house = self.new_house()
            if self.death and self.death.redelivered:
                self.queue.waiting.append(message)

    def _upkeep(self) -> None:
        try:
            super()._upkeep()
        except Killed:
            self.house = self.new_house()


def deaths(calls: int, number: int) -> list[Death]:
    """Return a sample that is the same each time."""
    chosen = random.Random(20261121)
    return [Death(chosen.randrange(calls), chosen.random() < 0.5, chosen.random() < 0.5) for _ in range(number)]
