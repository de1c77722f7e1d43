"""Leases, projection, memo and ETag cache in memory, with the rules of those in Redis."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace

from cogworks.model.errors import Cancelled, StaleFence
from cogworks.model.ids import AttemptKey, Item, NodeRef, RepoName, RunId
from cogworks.ports.runtime import Claim, Clock, Holding, Keeper, ProjectedRun, Refusal, Starts, StepLease


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    number: int
    fence: int
    ends_s: float
    starts: int
    owner: str

    @property
    def ended(self) -> bool:
        return self.ends_s <= 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    text: str
    seq: int
    fence: int


@dataclass(slots=True)
class _Run:
    fence: int | None = None
    step: tuple[str, float] | None = None
    step_fence: int = 0
    step_ended: int = 0
    wakes: int = 0
    stopped: bool = False
    open: bool = False
    state: _State | None = None
    attempts: dict[tuple[RunId, NodeRef], _Attempt] = field(default_factory=dict)
    outcomes: dict[AttemptKey, str] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)

    def next_fence(self, floor: int) -> int:
        self.fence = max(self.fence or 0, floor) + 1
        return self.fence

    def raise_fence(self, fence: int) -> None:
        self.fence = max(self.fence or 0, fence)


class MemoryStore:
    """What leases and projection share; ``wipe`` loses everything, as a Redis started empty does."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.wipe()

    def wipe(self) -> None:
        """Lose everything."""
        self.runs: dict[Item, _Run] = {}
        self.cursors: dict[tuple[RepoName, str], str] = {}
        self._epoch_s: float | None = None

    def run(self, item: Item) -> _Run:
        """Return what is known of a run; at first nothing."""
        return self.runs.setdefault(item, _Run())

    def now_s(self) -> float:
        """Return the time, never 0."""
        return self._clock.monotonic() + 1

    def age_s(self) -> float:
        """Return how long this store has been in use."""
        if self._epoch_s is None:
            self._epoch_s = self.now_s()
        return self.now_s() - self._epoch_s


class MemoryLeases:
    """Implements Leases for one thread; a kept lease is renewed whenever its keeper is asked."""

    def __init__(
        self, store: MemoryStore, *, lease_s: float = 60.0, settle_s: float | None = None, max_starts: int = 5
    ) -> None:
        self._store = store
        self._lease_s = lease_s
        self._settle_s = lease_s if settle_s is None else settle_s
        self._max_starts = max_starts
        self._tokens = 0

    def take_step(self, item: Item, *, fence_floor: int = 0) -> StepLease | None:
        """Take the run's lease; None when held, after counting a wake-up for the holder."""
        run, now, age = self._store.run(item), self._store.now_s(), self._store.age_s()
        settling = fence_floor > 0 and age < self._settle_s and run.fence is None
        if settling or (run.step and run.step[1] > now):
            run.wakes += 1
            return None
        self._tokens += 1
        token = f"token-{self._tokens}"
        run.step = (token, now + self._lease_s)
        run.step_fence = run.next_fence(fence_floor)
        return StepLease(item=item, fence=run.step_fence, wakes=run.wakes, token=token)

    def end_step(self, lease: StepLease) -> bool:
        """Give the lease back; True when somebody called meanwhile."""
        run = self._store.run(lease.item)
        if run.step and run.step[0] == lease.token:
            run.step = None
        run.step_ended = max(run.step_ended, lease.fence)
        return run.wakes != lease.wakes

    def keep_step(self, lease: StepLease) -> AbstractContextManager[Keeper]:
        """Renew the step's lease until the block ends."""
        return _kept(_StepKeeper(self._store, lease, self._lease_s))

    def claim(self, key: AttemptKey, *, owner: str, fence_floor: int, seen_before: bool = False) -> Claim | Refusal:
        """Take the attempt, or say why not."""
        run, now, age = self._store.run(key.item), self._store.now_s(), self._store.age_s()
        known = run.attempts.get((key.run_id, key.ref))
        same = known if known and known.number == key.attempt else None
        refusal = _refusal(run, key, known, now=now)
        if refusal:
            return refusal
        if same is None and seen_before and age < self._settle_s:
            return Refusal.SETTLING
        starts = same.starts if same else 0
        if starts >= self._max_starts:
            return Refusal.EXHAUSTED
        fence = run.next_fence(fence_floor)
        taken = _Attempt(number=key.attempt, fence=fence, ends_s=now + self._lease_s, starts=starts + 1, owner=owner)
        run.attempts[key.run_id, key.ref] = taken
        return Claim(key=key, fence=fence, starts=taken.starts, owner=owner)

    def keep(self, claim: Claim, *, limit_s: float | None = None) -> AbstractContextManager[Keeper]:
        """Renew the claim until the block ends, or until its time is up."""
        return _kept(_AttemptKeeper(self._store, claim, self._lease_s, limit_s=limit_s))

    def complete(self, claim: Claim, outcome: str) -> bool:
        """Store the outcome and end the lease; False when the claim is stale."""
        key, run = claim.key, self._store.run(claim.key.item)
        known = run.attempts.get((key.run_id, key.ref))
        if not _mine(known, claim) or (known is None and key in run.outcomes):
            return False
        run.raise_fence(claim.fence)
        ended = _Attempt(number=key.attempt, fence=claim.fence, ends_s=0, starts=0, owner=claim.owner)
        run.attempts[key.run_id, key.ref] = ended
        run.outcomes[key] = outcome
        return True

    def abandon(self, claim: Claim) -> None:
        """End the lease without an outcome: the attempt may be taken again."""
        run, place = self._store.run(claim.key.item), (claim.key.run_id, claim.key.ref)
        known = run.attempts.get(place)
        if known and _mine(known, claim) and not known.ended:
            run.attempts[place] = replace(known, ends_s=0, starts=max(0, known.starts - 1))

    def live(self, item: Item) -> frozenset[str]:
        """Return the texts of the attempt keys whose lease is live."""
        now = self._store.now_s()
        return frozenset(
            str(AttemptKey(item, run_id, ref, attempt.number))
            for (run_id, ref), attempt in self._store.run(item).attempts.items()
            if attempt.ends_s > now
        )

    def starts(self, key: AttemptKey) -> Starts:
        """Return what is known of the beginnings of an attempt."""
        known = self._store.run(key.item).attempts.get((key.run_id, key.ref))
        if known is None or known.number != key.attempt:
            return Starts()
        held = known.ends_s > self._store.now_s()
        return Starts(count=known.starts, owner=known.owner, spent=not held and known.starts >= self._max_starts)

    def holdings(self, item: Item) -> tuple[Holding, ...]:
        """Return every lease on the run that its holder did not give back."""
        run, now = self._store.run(item), self._store.now_s()
        found = [self._holding("step", "", run.step[1] - now)] if run.step and run.step[1] > now else []
        for (run_id, ref), attempt in run.attempts.items():
            if not attempt.ended:
                key = AttemptKey(item, run_id, ref, attempt.number)
                found.append(self._holding(str(key), attempt.owner, attempt.ends_s - now))
        return tuple(found)

    def _holding(self, what: str, owner: str, left_s: float) -> Holding:
        return Holding(what=what, owner=owner, left_s=left_s, silent_s=max(0.0, self._lease_s - left_s))

    def unlock(self, item: Item, *, force: bool) -> None:
        """End the lapsed leases of a run, and with ``force`` the live ones."""
        run, now = self._store.run(item), self._store.now_s()
        if run.step and force:
            run.step, run.step_ended = None, max(run.step_ended, run.step_fence)
        for place, attempt in run.attempts.items():
            if not attempt.ended and (force or attempt.ends_s <= now):
                run.attempts[place] = replace(attempt, ends_s=0)

    def stop(self, item: Item, *, reason: str) -> None:
        """Refuse claims on this run and tell running attempts to stop; an empty reason lifts it."""
        self._store.run(item).stopped = bool(reason)


class _StepKeeper:
    def __init__(self, store: MemoryStore, lease: StepLease, lease_s: float) -> None:
        self._store, self._lease, self._lease_s = store, lease, lease_s

    def guard(self) -> None:
        run = self._store.run(self._lease.item)
        self._store.age_s()
        held = run.step if run.step and run.step[1] > self._store.now_s() else None
        lost = held is not None and held[0] != self._lease.token
        passed = run.step_fence > self._lease.fence or run.step_ended >= self._lease.fence
        if lost or (held is None and passed):
            raise StaleFence(f"step of {self._lease.item}: somebody else took over")
        run.raise_fence(self._lease.fence)
        run.step_fence = self._lease.fence
        run.step = (self._lease.token, self._store.now_s() + self._lease_s)


class _AttemptKeeper:
    def __init__(self, store: MemoryStore, claim: Claim, lease_s: float, *, limit_s: float | None) -> None:
        self._store, self._claim, self._lease_s = store, claim, lease_s
        self._until_s = None if limit_s is None else store.now_s() + limit_s

    def guard(self) -> None:
        key, fence = self._claim.key, self._claim.fence
        if self._until_s is not None and self._store.now_s() >= self._until_s:
            raise StaleFence(f"{key}: its time is up, somebody else may take it")
        run = self._store.run(key.item)
        self._store.age_s()
        known = run.attempts.get((key.run_id, key.ref))
        if key in run.outcomes or not _mine(known, self._claim) or (known and known.ended):
            raise StaleFence(f"{key}: somebody else took over")
        run.raise_fence(fence)
        run.attempts[key.run_id, key.ref] = _Attempt(
            number=key.attempt,
            fence=fence,
            ends_s=self._store.now_s() + self._lease_s,
            starts=self._claim.starts,
            owner=self._claim.owner,
        )
        if run.stopped:
            raise Cancelled(f"{key}: the run was stopped")


class MemoryProjection:
    """Implements Projection."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def load(self, item: Item) -> ProjectedRun | None:
        """Return what is known of the run, or None when its state has to be read from GitHub."""
        run = self._store.run(item)
        if run.state is None:
            return None
        outcomes = {str(key): outcome for key, outcome in run.outcomes.items()}
        return ProjectedRun(state=run.state.text, outcomes=outcomes, facts=dict(run.facts))

    def save(self, item: Item, *, state: str, seq: int, fence: int, open_run: bool) -> None:
        """Store the state; raise StaleFence when a newer one is there."""
        run = self._store.run(item)
        if run.state and (run.state.fence, run.state.seq) > (fence, seq):
            raise StaleFence(f"{item}: a newer state than {seq} of fence {fence} is stored")
        run.raise_fence(fence)
        run.state, run.open = _State(text=state, seq=seq, fence=fence), open_run

    def outcome(self, key: AttemptKey) -> str | None:
        """Return the recorded outcome of an attempt."""
        return self._store.run(key.item).outcomes.get(key)

    def note(self, item: Item, facts: Mapping[str, str]) -> None:
        """Remember small facts of a run."""
        self._store.run(item).facts.update(facts)

    def known(self) -> tuple[Item, ...]:
        """Return every open run that has a projection, sorted."""
        return tuple(sorted((item for item, run in self._store.runs.items() if run.open), key=str))

    def forget(self, item: Item) -> None:
        """Forget state, outcomes and facts; leases, fences and a stop stay."""
        run = self._store.run(item)
        run.state, run.open = None, False
        run.outcomes.clear()
        run.facts.clear()

    def cursor(self, repo: RepoName, name: str) -> str | None:
        """Return how far the poller has read, by the name of the list."""
        return self._store.cursors.get((repo, name))

    def move_cursor(self, repo: RepoName, name: str, value: str) -> None:
        """Remember how far the poller has read."""
        self._store.cursors[repo, name] = value


class MemoryMemo:
    """Implements Memo."""

    def __init__(self) -> None:
        self._answers: dict[str, str] = {}

    def wipe(self) -> None:
        """Lose everything."""
        self._answers.clear()

    def get(self, call_key: str) -> str | None:
        """Return the answer stored under this key."""
        return self._answers.get(call_key)

    def put(self, call_key: str, answer: str) -> None:
        """Keep the first answer to a call; a second one for the same key is dropped."""
        self._answers.setdefault(call_key, answer)


class MemoryEtags:
    """The cache of conditional GET answers."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[str, str]] = {}

    def get(self, key: str) -> tuple[str, str] | None:
        """Return ETag and body stored under ``key``."""
        return self._kept.get(key)

    def put(self, key: str, etag: str, body: str) -> None:
        """Keep ``body`` under ``key``."""
        self._kept[key] = (etag, body)


@contextmanager
def _kept(keeper: Keeper) -> Iterator[Keeper]:
    yield keeper


def _mine(known: _Attempt | None, claim: Claim) -> bool:
    """Whether nobody else took the attempt; one that the store lost still belongs to its owner."""
    return known is None or (known.number, known.fence) == (claim.key.attempt, claim.fence)


def _refusal(run: _Run, key: AttemptKey, known: _Attempt | None, *, now: float) -> Refusal | None:
    if key in run.outcomes:
        return Refusal.DONE
    if run.stopped:
        return Refusal.STOPPED
    if known and known.number > key.attempt:
        return Refusal.OLDER
    if known and known.number == key.attempt and known.ends_s > now:
        return Refusal.LIVE
    return None
