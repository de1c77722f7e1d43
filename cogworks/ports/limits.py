"""Limits of others that all our processes share: turns at the model provider, and what GitHub still takes.

Both are counted per credential in the time of the store, so that clocks of workers do not matter. Only the moments
that a provider names are turned into durations by the process that reads them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

from cogworks.model.ids import RepoName
from cogworks.model.llm import RateLimits

RequestKind = Literal["read", "write", "content"]
"""What a request to GitHub does: ``content`` is a write that creates something people see."""


class Pressure(StrEnum):
    """How tight the limits of a key are."""

    OPEN = "open"
    LOW = "low"
    PAUSED = "paused"
    PROBING = "probing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is left of a key: the scarcest kind of limit, empty when none is known, and who waits."""

    pressure: Pressure = Pressure.OPEN
    kind: str = ""
    remaining: int = 0
    limit: int = 0
    reset_s: float = 0.0
    paused_s: float = 0.0
    queued: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The answer to a call that asks to be sent: it may go when ``wait_s`` is 0, else that is how long it may take."""

    wait_s: float
    standing: Standing

    @property
    def granted(self) -> bool:
        """Whether the call may be sent now."""
        return self.wait_s <= 0


class Permits(Protocol):
    """Turns at the provider, one for each call; the oldest waiter is served first (LLM-10 to LLM-12).

    A waiter asks again every second or so; one that does not is forgotten after some seconds, as its process is dead.
    """

    def ask(self, ticket: str, *, low_water: float, needs: Mapping[str, int], probe_s: float) -> Turn:
        """Take a permit, or a place in the queue.

        Below ``low_water`` of any limit calls are spaced to last until its reset, by what this one ``needs`` of each
        kind. After a pause one call probes; the others wait for its end, at most ``probe_s``.
        """
        ...

    def answered(self, ticket: str, limits: RateLimits) -> None:
        """Note what is left; the success of a probe lets the others go."""
        ...

    def limited(self, ticket: str, *, wait_s: float, limits: RateLimits) -> None:
        """Pause the whole key: the provider refused the call for a limit."""
        ...

    def failed(self, ticket: str) -> None:
        """Note that the call came to nothing that tells of limits; a probe is then taken up by the next."""
        ...

    def leave(self, ticket: str) -> None:
        """Give up the place in the queue."""
        ...

    def standing(self, *, low_water: float) -> Standing:
        """Return what is left, for those who only look."""
        ...


class Quota(Protocol):
    """What GitHub still takes from our token (GH-40 to GH-42)."""

    def rests_s(self) -> float:
        """Return how long no run can go on, because a limit is on or our pace holds writes back; 0 when one can."""
        ...

    def admits(self) -> str:
        """Return why nothing new may begin, or an empty text: little is left, or nothing gets through."""
        ...

    def keep_floor(self, repo: RepoName, floor: int) -> None:
        """Note from how many requests on ``repo`` wants them spared; the most careful repository counts."""
        ...
