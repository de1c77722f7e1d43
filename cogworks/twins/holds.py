"""Requests that a fault stopped, seen and let go by a harness."""

import asyncio
import itertools
from collections.abc import Mapping
from typing import Literal

from pydantic import JsonValue

Ending = Literal["released", "left"]


class Hold:
    """One stopped request."""

    def __init__(self, number: int, *, kind: str, facts: Mapping[str, str]) -> None:
        """Stop a request with these facts."""
        self.number = number
        self.released = asyncio.Event()
        self.ending: Ending | None = None
        self._kind = kind
        self._facts = dict(facts)

    def end(self, ending: Ending) -> None:
        """Note how the hold came to its end."""
        self.ending = ending

    def report(self) -> dict[str, JsonValue]:
        """Return the hold as JSON."""
        facts: dict[str, JsonValue] = dict(self._facts)
        return {"id": self.number, "kind": self._kind, "request": facts, "ending": self.ending}


class Holds:
    """All holds of a twin's life, the open ones among them."""

    def __init__(self) -> None:
        """Start with none."""
        self._numbers = itertools.count(1)
        self._all: list[Hold] = []
        self._news = asyncio.Condition()

    def add(self, *, kind: str, facts: Mapping[str, str]) -> Hold:
        """Open a hold and tell whoever waits for one."""
        hold = Hold(next(self._numbers), kind=kind, facts=facts)
        self._all.append(hold)
        self._tell = asyncio.ensure_future(self._notify())
        return hold

    async def _notify(self) -> None:
        async with self._news:
            self._news.notify_all()

    def _open(self) -> list[Hold]:
        return [hold for hold in self._all if hold.ending is None and not hold.released.is_set()]

    async def wait_for_one(self, seconds: float) -> None:
        """Return when a request is held, or after so many seconds."""
        try:
            async with asyncio.timeout(seconds), self._news:
                await self._news.wait_for(lambda: bool(self._open()))
        except TimeoutError:
            return

    def release(self, number: int | None = None) -> list[int]:
        """Let one held request go on, or all of them; returns the numbers of those that did."""
        freed = [hold for hold in self._open() if number in {None, hold.number}]
        for hold in freed:
            hold.released.set()
        return [hold.number for hold in freed]

    def report(self) -> dict[str, JsonValue]:
        """Return the open holds and the ended ones as JSON."""
        return {
            "holds": [hold.report() for hold in self._open()],
            "ended": [hold.report() for hold in self._all if hold.ending is not None],
        }
