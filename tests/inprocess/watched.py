"""A process that can be killed before or after any call to the outside."""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

from cogworks.ports.bundle import Ports

_GROUPS = ("issues", "labels", "comments", "pulls", "contents")
_UNTOUCHED = ("clock", "ids", "quota", "pulse")


class Killed(BaseException):
    """The process is gone; nothing of ours may catch this and go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A process is about to call somebody outside, or has just been answered."""

    number: int
    call: int
    name: str
    after: bool

    def __str__(self) -> str:
        return f"{'after' if self.after else 'before'} call {self.call} {self.name}"


class Fate:
    """Hears of every moment of a process; a listener that raises ``Killed`` ends it. Once dead, it calls nobody."""

    def __init__(self, reached: Callable[[Moment], None] = lambda _moment: None) -> None:
        self._reached, self._passed = reached, 0
        self.calls: list[str] = []
        self.dead = False

    def meet(self, name: str, act: Callable[[], Any]) -> Any:
        """Perform ``act`` unless the time has come."""
        if self.dead:
            raise Killed(f"{name} by a dead process")
        call = len(self.calls)
        self.calls.append(name)
        self._pass(call, name, after=False)
        result = act()
        self._pass(call, name, after=True)
        return result

    def _pass(self, call: int, name: str, *, after: bool) -> None:
        moment = Moment(number=self._passed, call=call, name=name, after=after)
        self._passed += 1
        try:
            self._reached(moment)
        except Killed:
            self.dead = True
            raise


class Watched:
    """Stands in front of one port, or a part of one."""

    def __init__(self, real: Any, name: str, fate: Fate) -> None:
        self._real, self._name, self._fate = real, name, fate

    def __getattr__(self, verb: str) -> Any:
        found, name = getattr(self._real, verb), f"{self._name}.{verb}"
        if verb in _GROUPS:
            return Watched(found, name, self._fate)
        if not callable(found):
            return found
        if verb == "guarded_by":
            return lambda guard: Watched(found(guard), self._name, self._fate)
        if verb in ("keep", "keep_step"):
            return lambda lease, **k: self._kept(found(lease, **k), name)
        if verb == "checkout":
            return lambda *a, **k: Watched(self._fate.meet(name, lambda: found(*a, **k)), "tree", self._fate)
        return lambda *a, **k: self._fate.meet(name, lambda: found(*a, **k))

    @contextmanager
    def _kept(self, lease: Any, name: str) -> Any:
        with lease as keeper:
            yield Watched(keeper, name, self._fate)


def watched(ports: Ports, fate: Fate) -> Ports:
    """The same ports, watched."""
    return Ports(
        **{
            one.name: getattr(ports, one.name)
            if one.name in _UNTOUCHED
            else Watched(getattr(ports, one.name), one.name, fate)
            for one in fields(ports)
        }
    )
