"""What is left when a process is gone: everything that decides what happens next, as one digest."""

import hashlib
import io
import pickle
from itertools import count
from types import FunctionType, MethodType
from typing import Any

from world import World

from cogworks.adapters.memory_commits import MemoryCommit
from cogworks.adapters.memory_forge import MemoryForge, MemoryRepo
from cogworks.model.github import Comment, Issue, IssueEvent, Pull, Review

_FINAL = (Comment, Issue, IssueEvent, Pull, Review)


def outside_of(world: World) -> bytes:
    """Return a digest of all that a fresh process finds: GitHub, Redis, the queue, the disk, the time, what was paid.

    Equal digests mean equal futures, for nothing else is handed to the engine but new ids: of those that the dead
    process drew and told nobody nothing is left, and the next ones are other names for the same. Unequal digests may
    still mean equal futures (a set in another order): that costs a run, never an error.
    """
    found = (
        {name: vars(repo) for name, repo in world.forge.repos.items()},
        vars(world.store),
        vars(world.memo),
        vars(world.ledger),
        vars(world.git),
        list(world.queue.waiting),
        vars(world.clock),
        len(world.llm.requests),
        len(world.service.calls),
    )
    kept = io.BytesIO()
    pickler = _ByValue(kept)
    # Without the memo, a value is written the same whether it is the same object as another or only equal.
    pickler.fast = True
    pickler.dump(found)
    return hashlib.blake2b(kept.getbuffer(), digest_size=16).digest()


class _ByValue(pickle.Pickler):
    def reducer_override(self, found: Any) -> Any:
        if isinstance(found, MemoryCommit):
            return str, (found.sha,)
        if isinstance(found, MemoryForge | MemoryRepo):
            return str, (type(found).__name__,)  # what they hold is told on its own
        if isinstance(found, _FINAL):
            return str, (_written(found),)
        if isinstance(found, FunctionType | MethodType):
            return str, (found.__qualname__,)
        if isinstance(found, count):
            return str, (repr(found),)
        return NotImplemented


_WRITTEN: dict[int, tuple[Any, str]] = {}


def _written(value: Any) -> str:
    """Return the text of a frozen value; the value is kept with it, so that its id stays its own."""
    known = _WRITTEN.get(id(value))
    if known is None:
        known = _WRITTEN[id(value)] = (value, repr(value))
    return known[1]
