"""Leases in Redis: who may decide for a run, and who may work on an attempt."""

import uuid
from contextlib import AbstractContextManager
from typing import cast

from redis import Redis

from cogworks.adapters.redis_connection import EPOCH_KEY, RedisScripts, item_key, redis_errors
from cogworks.adapters.redis_keeper import LeaseKeeper, Renewal
from cogworks.model.ids import AttemptKey, Item
from cogworks.ports.runtime import Claim, Holding, Keeper, Refusal, Starts, StepLease

_WAKE_KEPT_S = 7 * 24 * 3600


class RedisLeases:
    """Implements Leases. Every verb is one script, so that any number of workers may call at once.

    ``settle_s`` is how long after a loss of Redis only living owners get back what they held (RUN-14); the default
    is one lease, 0 suits a private Redis that nobody else can have used.
    """

    def __init__(
        self, client: Redis, *, lease_s: float = 60.0, settle_s: float | None = None, max_starts: int = 5
    ) -> None:
        self._client = client
        self._scripts = RedisScripts(client)
        self._lease_s = lease_s
        self._lease_ms = max(1, round(lease_s * 1000))
        self._settle_ms = round((lease_s if settle_s is None else settle_s) * 1000)
        self._max_starts = max_starts

    def take_step(self, item: Item, *, fence_floor: int = 0) -> StepLease | None:
        """Take the run's lease; None when held, after counting a wake-up for the holder."""
        token = uuid.uuid4().hex
        keys = [item_key("lease", item), item_key("wake", item), item_key("run", item), EPOCH_KEY]
        answer = self._scripts.run(
            "take_step", keys, [token, fence_floor, self._lease_ms, self._settle_ms, _WAKE_KEPT_S]
        )
        if answer[0] != "taken":
            return None
        return StepLease(item=item, fence=int(answer[1]), wakes=int(answer[2]), token=token)

    def end_step(self, lease: StepLease) -> bool:
        """Give the lease back; True when somebody called meanwhile."""
        keys = [item_key("lease", lease.item), item_key("wake", lease.item), item_key("run", lease.item)]
        return self._scripts.run("end_step", keys, [lease.token, lease.fence, lease.wakes]) == ["called"]

    def keep_step(self, lease: StepLease) -> AbstractContextManager[Keeper]:
        """Renew the step's lease until the block ends."""

        def renew() -> Renewal:
            keys = [item_key("lease", lease.item), item_key("run", lease.item), EPOCH_KEY]
            return cast(Renewal, self._scripts.run("renew_step", keys, [lease.token, lease.fence, self._lease_ms])[0])

        return LeaseKeeper(renew, lease_s=self._lease_s, what=f"step of {lease.item}")

    def claim(self, key: AttemptKey, *, owner: str, fence_floor: int, seen_before: bool = False) -> Claim | Refusal:
        """Take the attempt, or say why not."""
        # Redis-py may send a command again after a broken connection: the nonce tells the second from a stranger's.
        nonced = f"{owner} {uuid.uuid4().hex}"
        args: list[str | int] = [attempt_field(key), outcome_field(key), key.attempt, nonced, fence_floor]
        args += [self._lease_ms, self._settle_ms, self._max_starts, "1" if seen_before else "0"]
        answer = self._scripts.run("claim", [item_key("run", key.item), EPOCH_KEY], args)
        if answer[0] != "claimed":
            return Refusal(answer[0])
        return Claim(key=key, fence=int(answer[1]), starts=int(answer[2]), owner=nonced)

    def keep(self, claim: Claim, *, limit_s: float | None = None) -> AbstractContextManager[Keeper]:
        """Renew the claim until the block ends, or until its time is up."""

        def renew() -> Renewal:
            key = claim.key
            args: list[str | int] = [attempt_field(key), outcome_field(key), key.attempt, claim.fence, claim.starts]
            args += [claim.owner, self._lease_ms]
            return cast(Renewal, self._scripts.run("renew", [item_key("run", key.item), EPOCH_KEY], args)[0])

        return LeaseKeeper(renew, lease_s=self._lease_s, what=str(claim.key), limit_s=limit_s)

    def complete(self, claim: Claim, outcome: str) -> bool:
        """Store the outcome and end the lease; False when the claim is stale."""
        key = claim.key
        args: list[str | int] = [attempt_field(key), outcome_field(key), key.attempt, claim.fence, outcome, claim.owner]
        return self._scripts.run("complete", [item_key("run", key.item)], args) == ["stored"]

    def abandon(self, claim: Claim) -> None:
        """End the lease without an outcome: the attempt may be taken again."""
        args: list[str | int] = [attempt_field(claim.key), claim.key.attempt, claim.fence]
        self._scripts.run("abandon", [item_key("run", claim.key.item)], args)

    def live(self, item: Item) -> frozenset[str]:
        """Return the texts of the attempt keys whose lease is live."""
        answer = self._scripts.run("live", [item_key("run", item)], [])
        fields, attempts = answer[::2], answer[1::2]
        return frozenset(
            f"{item}/{name.removeprefix('a:')}/{attempt}" for name, attempt in zip(fields, attempts, strict=True)
        )

    def starts(self, key: AttemptKey) -> Starts:
        """Return what is known of the beginnings of an attempt."""
        answer = self._scripts.run("starts", [item_key("run", key.item)], [attempt_field(key), key.attempt])
        if answer == ["none"]:
            return Starts()
        count, held, nonced = int(answer[0]), answer[1] == "held", answer[2]
        owner = nonced.rpartition(" ")[0] or nonced
        return Starts(count=count, owner=owner, spent=not held and count >= self._max_starts)

    def holdings(self, item: Item) -> tuple[Holding, ...]:
        """Return every lease on the run that its holder did not give back."""
        answer = self._scripts.run("holdings", [item_key("lease", item), item_key("run", item)], [])
        rows = zip(answer[::4], answer[1::4], answer[2::4], answer[3::4], strict=True)
        return tuple(
            Holding(
                what=what if what == "step" else f"{item}/{what.removeprefix('a:')}/{attempt}",
                owner=owner,
                left_s=int(left_ms) / 1000,
                silent_s=max(0.0, self._lease_s - int(left_ms) / 1000),
            )
            for what, attempt, owner, left_ms in rows
        )

    def unlock(self, item: Item, *, force: bool) -> None:
        """End the lapsed leases of a run, and with ``force`` the live ones."""
        self._scripts.run("unlock", [item_key("lease", item), item_key("run", item)], ["1" if force else "0"])

    def stop(self, item: Item, *, reason: str) -> None:
        """Refuse claims on this run and tell running attempts to stop; an empty reason lifts it."""
        with redis_errors():
            if reason:
                self._client.hset(item_key("run", item), "stop", reason)
            else:
                self._client.hdel(item_key("run", item), "stop")


def attempt_field(key: AttemptKey) -> str:
    """Return the field that holds the newest attempt of the key's node instance."""
    return f"a:{key.run_id}/{key.ref.node}/{'-' if key.ref.swi is None else key.ref.swi}"


def outcome_field(key: AttemptKey) -> str:
    """Return the field that holds the outcome of one attempt."""
    return f"o:{key}"
