"""The leader lease: of several processes that could act, one does (RUN-24)."""

from redis import Redis

from cogworks.adapters.redis_connection import PREFIX, RedisScripts


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
