"""The kill matrix: every way in which one process of a journey can be hurt, and what people see in the end.

A cell is a moment (before or after one call to the outside) and what follows: the process dies and its message is lost
or redelivered, it is taken for dead and comes back, or Redis is emptied. The world is sequential: one message at a time
is handled, and no other process is at work while one dies; ``outlived`` and ``overtaken`` cells show two at once, the
second one inside a call of the first. The run of all cells rests on two observations:

- Only what is outside survives a process. Two moments of one message between which nothing outside has changed (a read,
  say) therefore leave the same world to whoever comes next, and have the same future. It is run once and stands for all
  of them; ``outside_of`` compares, and ``FORCED`` cells are run on their own to check the comparison.
- Until the moment, a cell is the undisturbed run. So there is one run, which forks at each moment: the child is hurt
  there, goes on to the end and reports, while the parent goes on undisturbed.
"""

import gc
import os
import pickle
import traceback
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import cycle, groupby, pairwise
from operator import itemgetter
from typing import Any

from hurt import Hurt, Question, Then
from outside import outside_of
from seen import seen_by_people, twice_there
from watched import Fate, Moment

Journey = Callable[[], Mapping[str, Any]]
"""What a world is made with."""

FORKS = "ignore:This process .* is multi-threaded:DeprecationWarning"
"""For tests that run cells: newer Pythons warn of a fork beside threads, but a child here touches memory alone."""

FORCED = 97
"""Every so many-th moment that shares another's future is run all the same."""

_AFTER_DEATH: tuple[Then, ...] = ("lost", "redelivered")
_AFTER_RETURN: tuple[Then, ...] = ("outlived", "overtaken")
_AFTER_LOSS: tuple[Then, ...] = ("emptied", "wiped")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One moment and what follows it; ``stands_for`` counts the moments that have the same future."""

    moment: Moment
    then: Then
    stands_for: int

    def __str__(self) -> str:
        return f"{self.moment}, {self.then}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How the run of a cell ended. A call that was in flight when its sender was replaced is paid (RUN-07)."""

    cell: Cell
    fired: bool = False
    error: str = ""
    lost: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    paid_twice: tuple[Question, ...] = ()
    in_flight: int = 0
    recovery_s: float = 0.0
    zombie_wrote: bool = False

    @property
    def wrong(self) -> str:
        """What is wrong with it; empty when all is well."""
        found = {
            "the fault never fired": not self.fired,
            self.error: self.error,
            f"differs in {', '.join(self.lost)}": self.lost,
            f"twice there: {', '.join(self.doubled)}": self.doubled,
            f"paid twice: {', '.join(map(str, self.paid_twice))}": self.paid_twice,
            "went on writing after it was replaced": self.zombie_wrote,
        }
        return "; ".join(text for text, said in found.items() if said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Moments in a row that leave the same world behind; ``message`` is the number of the one that was handled."""

    moments: Sequence[Moment]
    message: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The undisturbed run: what people saw in the end, and its moments in groups."""

    picture: Mapping[str, object]
    groups: Sequence[Group]

    @property
    def moments(self) -> Mapping[tuple[int, bool], Moment]:
        """Every moment by its call."""
        return {(one.call, one.after): one for group in self.groups for one in group.moments}

    def deaths(self) -> tuple[Cell, ...]:
        """One cell for each world that a death can leave behind, its message lost or redelivered in turn."""
        found = []
        for group, turn in zip(self.groups, cycle(_AFTER_DEATH), strict=False):
            first, *others = group.moments
            then = turn if group.message else "lost"
            found.append(Cell(moment=first, then=then, stands_for=len(group.moments)))
            found += [Cell(moment=one, then=then, stands_for=0) for one in others if one.number % FORCED == 0]
        return tuple(found)

    def losses(self) -> tuple[Cell, ...]:
        """Two cells for the beginning of each message: Redis is emptied there, and the message is lost or goes on."""
        starts = [
            group.moments[0] for before, group in pairwise(self.groups) if group.message not in (None, before.message)
        ]
        return tuple(Cell(moment=one, then=then, stands_for=1) for one in starts for then in _AFTER_LOSS)

    def losses_amid(self, *, every: int) -> tuple[Cell, ...]:
        """One cell for every so many-th group: Redis is emptied there, and whoever is at work goes on."""
        groups = self.groups[::every]
        return tuple(Cell(moment=one.moments[0], then="emptied", stands_for=len(one.moments)) for one in groups)

    def returns(self, *, every: int) -> tuple[Cell, ...]:
        """One cell for every so many-th call that changed something: its sender is replaced there, and comes back."""
        changes = [group.moments[0] for group in self.groups if group.message and group.moments[0].after][::every]
        ways = cycle(_AFTER_RETURN)
        return tuple(Cell(moment=self.moments[one.call, False], then=next(ways), stands_for=1) for one in changes)


def make_plan(journey: Journey) -> Plan:
    """Run a journey undisturbed and return its plan."""
    marks: list[tuple[Moment, tuple[int | None, bytes]]] = []

    def reached(moment: Moment) -> None:
        marks.append((moment, (world.handled if world.in_hand else None, outside_of(world))))

    world = Hurt(**journey(), fate=Fate(reached))
    world.run()
    groups = [
        Group(moments=[moment for moment, _ in group], message=message)
        for (message, _), group in groupby(marks, key=itemgetter(1))
    ]
    return Plan(picture=seen_by_people(world), groups=groups)


plan_of = cache(make_plan)


def run_cells(journey: Journey, plan: Plan, cells: Sequence[Cell]) -> list[Told]:
    """Run ``cells``, one after the other, each in a process of its own."""
    return _Parting(journey, plan, cells).run()


class _Parting:
    """One undisturbed run that forks where a cell begins."""

    def __init__(self, journey: Journey, plan: Plan, cells: Sequence[Cell]) -> None:
        self._plan, self._told = plan, list[Told]()
        self._cells = defaultdict[int, list[Cell]](list)
        for cell in cells:
            self._cells[cell.moment.number].append(cell)
        self._mine: Cell | None = None
        self._world = Hurt(**journey(), fate=Fate(self._reached))

    def run(self) -> list[Told]:
        """Return what was told of each cell. In a child, this is where the process ends."""
        try:
            self._world.run()
            told = self._judged()
        except BaseException:
            if self._mine is None:
                raise
            told = Told(cell=self._mine, fired=self._world.hurt, error=traceback.format_exc(limit=-3))
        if self._mine is not None:
            os.write(self._pipe, pickle.dumps(told))
            os._exit(0)
        return self._told

    def _reached(self, moment: Moment) -> None:
        for cell in () if self._mine else self._cells.pop(moment.number, ()):
            assert cell.moment == moment, f"the same run made other calls: {moment} where {cell.moment} was"
            read, write = os.pipe()
            child = os.fork()
            if child == 0:
                self._mine, self._pipe = cell, write
                return self._hurt(cell)
            os.close(write)
            with os.fdopen(read, "rb") as pipe:
                said = pipe.read()
            os.waitpid(child, 0)
            silent = Told(cell=cell, error="its process ended silently")
            self._told.append(pickle.loads(said) if said else silent)  # noqa: S301 - our own child wrote it
        return None

    def _hurt(self, cell: Cell) -> None:
        gc.disable()
        self._world.then = cell.then
        if cell.then in _AFTER_LOSS:
            self._world.lose_redis()
        if cell.then in (*_AFTER_DEATH, "wiped"):
            self._world.die(cell.moment)
        if cell.then in _AFTER_RETURN:
            self._world.outlive()

    def _judged(self) -> Told | None:
        if self._mine is None:
            assert not self._cells, "cells that never came"
            return None
        world, picture = self._world, seen_by_people(self._world)
        paid = world.llm.paid_twice
        in_flight = int(bool(paid) and self._mine.then in _AFTER_RETURN and self._mine.moment.name == "llm.call")
        return Told(
            cell=self._mine,
            fired=world.hurt,
            lost=tuple(name for name, said in picture.items() if said != self._plan.picture[name]),
            doubled=twice_there(world),
            paid_twice=tuple(paid[in_flight:]),
            in_flight=in_flight,
            recovery_s=world.recovered_s,
            zombie_wrote=world.zombie_wrote,
        )
