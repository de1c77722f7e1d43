"""What holds a run together between processes: leases, projection, memo, ledger, queue, clock and ids."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from cogworks.model.ids import AttemptKey, Item, NodeRef, RepoName
from cogworks.model.spending import Call, Sums
from cogworks.model.state import Cost


class Refusal(StrEnum):
    """Why a claim was refused."""

    DONE = "done"
    LIVE = "live"
    OLDER = "older"
    STOPPED = "stopped"
    SETTLING = "settling"
    EXHAUSTED = "exhausted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Ownership of one attempt. ``guard`` raises StaleFence or Cancelled once it is lost; call it before any write."""

    key: AttemptKey
    fence: int
    starts: int
    owner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepLease:
    """Ownership of a run's state for one step, with the fence that its writes carry."""

    item: Item
    fence: int
    wakes: int
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Starts:
    """How often an attempt was begun without coming to an end, and by whom last; ``spent``: it may not be again."""

    count: int = 0
    owner: str = ""
    spent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A lease on a run: of a ``step``, or of the attempt whose key ``what`` is. ``left_s`` is 0 or less once lapsed;
    ``silent_s`` is how long ago it was taken or renewed."""

    what: str
    owner: str
    left_s: float
    silent_s: float


class Keeper(Protocol):
    """Keeps a lease alive in the background."""

    def guard(self) -> None:
        """Raise StaleFence when the lease is lost, Cancelled when the run was stopped; else return."""
        ...


class Leases(Protocol):
    """Who may work: one step lease per run, one claim per attempt, all with fencing tokens (RUN-02, RUN-07).

    Times are the store's own; clocks of workers do not matter.
    """

    def take_step(self, item: Item, *, fence_floor: int = 0) -> StepLease | None:
        """Take the run's lease; None when held, after counting a wake-up for the holder."""
        ...

    def end_step(self, lease: StepLease) -> bool:
        """Give the lease back; True when somebody called meanwhile, so that the caller steps again."""
        ...

    def keep_step(self, lease: StepLease) -> AbstractContextManager[Keeper]: ...
    def claim(self, key: AttemptKey, *, owner: str, fence_floor: int, seen_before: bool = False) -> Claim | Refusal:
        """Take the attempt, or say why not.

        ``seen_before``: it was dispatched earlier, so that after a loss of the store its owner, if alive, comes first.
        """
        ...

    def keep(self, claim: Claim, *, limit_s: float | None = None) -> AbstractContextManager[Keeper]:
        """Renew the claim every quarter of its lease until the block ends, or until ``limit_s`` seconds have passed.

        After that it lapses like that of a dead worker, and its guard raises StaleFence: work that never ends must
        not keep an attempt for ever.
        """
        ...

    def complete(self, claim: Claim, outcome: str) -> bool:
        """Store the outcome and end the lease; False when the claim is stale (nothing is stored)."""
        ...

    def abandon(self, claim: Claim) -> None:
        """End the lease without an outcome: the attempt may be taken again."""
        ...

    def live(self, item: Item) -> frozenset[str]:
        """Return the texts of the attempt keys whose lease is live."""
        ...

    def starts(self, key: AttemptKey) -> Starts:
        """Return what is known of the beginnings of an attempt; ``spent`` never while somebody holds it."""
        ...

    def holdings(self, item: Item) -> tuple[Holding, ...]:
        """Return every lease on the run that its holder did not give back, live or lapsed."""
        ...

    def unlock(self, item: Item, *, force: bool) -> None:
        """End the lapsed leases of a run, and with ``force`` the live ones: their holders are stale from then on."""
        ...

    def stop(self, item: Item, *, reason: str) -> None:
        """Refuse claims on this run and tell running attempts to stop; an empty reason lifts it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectedRun:
    """What Redis knows of a run: the state as last written, recorded outcomes, and small facts."""

    state: str
    outcomes: Mapping[str, str]
    facts: Mapping[str, str]


class Projection(Protocol):
    """A rebuildable copy of what GitHub holds, so that a step need not read it back (20 section 4)."""

    def load(self, item: Item) -> ProjectedRun | None: ...
    def save(self, item: Item, *, state: str, seq: int, fence: int, open_run: bool) -> None:
        """Store the state; raise StaleFence when a newer one is there."""
        ...

    def outcome(self, key: AttemptKey) -> str | None: ...
    def note(self, item: Item, facts: Mapping[str, str]) -> None:
        """Remember small facts of a run, such as comment ids; losing them costs a look-up."""
        ...

    def known(self) -> tuple[Item, ...]:
        """Return every open run that has a projection."""
        ...

    def forget(self, item: Item) -> None: ...
    def cursor(self, repo: RepoName, name: str) -> str | None: ...
    def move_cursor(self, repo: RepoName, name: str, value: str) -> None: ...


class Memo(Protocol):
    """Answers of the provider, kept seven days under their call key, so that a crash does not pay twice (RUN-11)."""

    def get(self, call_key: str) -> str | None: ...
    def put(self, call_key: str, answer: str) -> None: ...


class Grant(StrEnum):
    """Answer of the ledger to a reservation."""

    GRANTED = "granted"
    OVER_RUN_LIMIT = "over_run_limit"
    OVER_NODE_LIMIT = "over_node_limit"
    OVER_TOKEN_LIMIT = "over_token_limit"  # noqa: S105 - the name of a limit
    BUSY = "busy"
    IN_DOUBT = "in_doubt"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendingLimits:
    """What a reservation must stay within; None means no limit of that kind."""

    run_microusd: int
    run_tokens: int
    node_microusd: int | None
    concurrent_calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerView:
    """Sums of a run: paid, held for calls under way, and sent without an answer (worst case, RUN-17)."""

    committed: Cost
    reserved: Cost
    unreconciled: Cost
    by_node: Mapping[str, int] = field(default_factory=dict)


class Ledger(Protocol):
    """The cost ledger: worst case reserved before a call, actual committed after it; every verb is one script."""

    def seed(self, item: Item, sums: Sums, *, again: bool = False) -> None:
        """Start the ledger from the journal's sums when it was not started yet, or ``again``; otherwise do nothing.

        What was booked here and the journal does not know yet is kept: it is the work of owners under way (RUN-14).
        """
        ...

    def reserve(
        self, item: Item, *, call_id: str, holder: str, node: str, ask: Cost, ttl_s: float, limits: SpendingLimits
    ) -> Grant:
        """Hold the worst case of a call for ``holder``, or say why not.

        ``IN_DOUBT``: an earlier holder was about to send the same call and never said what became of it. It may have
        been paid for: book it as unanswered under a name of its own, then ask again (RUN-17).
        """
        ...

    def commit(self, item: Item, *, call_id: str, node: str, actual: Cost) -> bool:
        """Book the actual cost once and free the reservation; False when it was booked before."""
        ...

    def book(self, item: Item, calls: Sequence[Call]) -> bool:
        """Book what an owner knows of its calls, each once; False when the ledger has to be started first.

        A call without an answer counts as unreconciled from now on.
        """
        ...

    def release(self, item: Item, *, call_id: str, holder: str | None) -> None:
        """Free the reservation of a call that ``holder`` certainly did not send; that of another holder stays.

        None frees it whoever holds it: once its worst case is booked under another name.
        """
        ...

    def expire(self, item: Item) -> int:
        """Count reservations past their time as unreconciled and return how many there were."""
        ...

    def show(self, item: Item) -> LedgerView: ...
    def forget(self, item: Item) -> None:
        """Forget the sums of a run that another takes the place of; calls under way are no more part of any."""
        ...


class Queue(Protocol):
    """Sends hints to workers; losing one costs time, never work."""

    def step(self, item: Item, *, hint: str) -> None: ...
    def run_nodes(self, item: Item, attempts: Sequence[tuple[NodeRef, int, str]]) -> None:
        """Dispatch attempts of ``(node, attempt, queue)``: one as a chain, several as a chord; each ends in a step."""
        ...


class Clock(Protocol):
    """Time of this process; leases never use it."""

    def now(self) -> datetime: ...
    def monotonic(self) -> float: ...
    def sleep(self, seconds: float) -> None: ...


class Ids(Protocol):
    """Fresh identifiers and jitter."""

    def uuid(self) -> str: ...
    def jitter(self) -> float:
        """Return a factor between 0.5 and 1.5 for backoff."""
        ...
