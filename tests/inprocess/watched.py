"""A process that can be killed before or after any call to the outside."""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import Any

from cogworks.ports.bundle import Ports

_GROUPS = ("issues", "labels", "comments", "pulls", "contents")
_UNTOUCHED = ("clock", "ids", "quota", "pulse")


class Killed(BaseException):
    """The process is gone; nothing of ours may catch this and go on."""


@dataclass(slots=True)
class Fate:
    """When a process dies: at its ``cell``-th call, before or after it was performed. Once dead, it calls nobody."""

    cell: int | None = None
    after: bool = False
    calls: list[str] = field(default_factory=list)
    dead: bool = False

    def meet(self, name: str, act: Callable[[], Any]) -> Any:
        """Perform ``act`` unless the time has come."""
        if self.dead:
            raise Killed(f"{name} by a dead process")
        here = len(self.calls) == self.cell
        self.calls.append(name)
        if here and not self.after:
            self._die(name)
        result = act()
        if here:
            self._die(name)
        return result

    def _die(self, name: str) -> None:
        self.dead = True
        raise Killed(name)


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
