"""The leader lease: of several processes that could act, one does (RUN-24)."""

from redis import Redis

from cogworks.adapters.redis_connection import PREFIX, RedisScripts
from cogworks.adapters.redis_pulse import RedisPulse
from cogworks.model.pulse import Tick
from cogworks.ports.runtime import Clock


class RedisLeader:
    """One candidate for the lead called ``name``; call ``acts`` before each action."""

    def __init__(self, client: Redis, *, owner: str, name: str = "beat", lease_s: float = 30.0) -> None:
        self._scripts = RedisScripts(client)
        self._key = f"{PREFIX}leader:{name}"
        self._owner = owner
        self._lease_ms = round(lease_s * 1000)

    def acts(self) -> bool:
        """Take or keep the lead; False when another candidate has it."""
        return self._scripts.run("lead", [self._key], [self._owner, self._lease_ms]) == ["yes"]

    def resign(self) -> None:
        """Give the lead up, so that the next candidate need not wait for its end."""
        self._scripts.run("resign", [self._key], [self._owner])


class RedisBeatLead:
    """The lead of beat: whoever has it leaves a sign of life each time that it acts."""

    def __init__(self, client: Redis, *, owner: str, clock: Clock, lease_s: float = 30.0) -> None:
        self._leader, self._pulse = RedisLeader(client, owner=owner, lease_s=lease_s), RedisPulse(client)
        self._owner, self._clock = owner, clock

    def acts(self) -> bool:
        """Take or keep the lead and note the tick; False, and nothing is written, when another beat has it."""
        if not self._leader.acts():
            return False
        self._pulse.ticked(Tick(at=self._clock.now(), by=self._owner))
        return True

    def resign(self) -> None:
        """Give the lead up."""
        self._leader.resign()
