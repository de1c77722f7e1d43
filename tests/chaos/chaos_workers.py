"""Starts a worker that is not the one we ship: a broken build, or one whose messages come twice.

`python chaos_workers.py CHANGE worker …` makes one change to the classes in memory and then runs Celery. The matrix
has to fail with each broken build, else it proves nothing.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


def without_fencing() -> None:
    """Whoever lost the lease goes on as if nothing had happened."""
    from cogworks.adapters.redis_keeper import LeaseKeeper

    LeaseKeeper.guard = lambda _self: None  # type: ignore[method-assign]


def without_marker_lookup() -> None:
    """Comments are made without looking whether they are there."""
    from cogworks.engine.comments import CommentBook

    CommentBook._all = lambda _self: {}  # type: ignore[method-assign]


def queue_before_journal() -> None:
    """The outcome goes to Redis and the hint to the queue before GitHub has the journal entry."""
    from cogworks.engine import attempt
    from cogworks.model.outcome import outcome_to_json

    journalled, crafted = attempt._journalled, attempt._done
    claims: dict[Any, Any] = {}

    def noting(house: Any, found: Any, state: Any, key: Any, claim: Any, keeper: Any) -> Any:
        claims[key] = claim
        return worked(house, found, state, key, claim, keeper)

    def done(house: Any, state: Any, key: Any, *rest: Any) -> Any:
        outcome, tally = crafted(house, state, key, *rest)
        house.ports.leases.complete(claims[key], outcome_to_json(outcome))
        house.ports.queue.step(key.item, hint="early")
        return outcome, tally

    # Whoever completed an attempt has no lease any more.
    without_fencing()
    worked = attempt._worked
    attempt._worked, attempt._done, attempt._journalled = noting, done, journalled


def every_message_twice() -> None:
    """Each task is published twice, under one task id, as a broker may deliver it."""
    from kombu.messaging import Producer

    publish = Producer._publish

    def twice(self: Any, *given: Any, **named: Any) -> Any:
        publish(self, *given, **named)
        return publish(self, *given, **named)

    Producer._publish = twice


CHANGES: Mapping[str, Callable[[], None]] = {
    "without-fencing": without_fencing,
    "without-marker-lookup": without_marker_lookup,
    "queue-before-journal": queue_before_journal,
    "every-message-twice": every_message_twice,
}


def launcher(change: str) -> tuple[str, ...]:
    """Return the beginning of a command line that stands where Celery's would."""
    assert change in CHANGES
    return (sys.executable, str(Path(__file__).resolve()), change)


if __name__ == "__main__":
    CHANGES[sys.argv[1]]()
    from celery.__main__ import main

    sys.argv = ["celery", "-A", "tasks", *sys.argv[2:]]
    sys.exit(main())
