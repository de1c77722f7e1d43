"""The projection in Redis: a rebuildable copy of what GitHub holds of open runs."""

from collections.abc import Mapping
from typing import cast

from redis import Redis

from cogworks.adapters.redis_connection import OPEN_RUNS_KEY, PREFIX, RedisScripts, item_key, redis_errors
from cogworks.model.errors import StaleFence
from cogworks.model.ids import AttemptKey, Item, RepoName, parse_item
from cogworks.ports.runtime import ProjectedRun

_CLOSED_RUN_KEPT_S = 7 * 24 * 3600


class RedisProjection:
    """Implements Projection; a closed run is kept for a week."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._scripts = RedisScripts(client)

    def load(self, item: Item) -> ProjectedRun | None:
        """Return what is known of the run, or None when its state has to be read from GitHub."""
        with redis_errors():
            fields = cast(dict[str, str], self._client.hgetall(item_key("run", item)))
        if "state" not in fields:
            return None
        return ProjectedRun(state=fields["state"], outcomes=_under("o:", fields), facts=_under("f:", fields))

    def save(self, item: Item, *, state: str, seq: int, fence: int, open_run: bool) -> None:
        """Store the state; raise StaleFence when a newer one is there."""
        keys = [item_key("run", item), OPEN_RUNS_KEY]
        args: list[str | int] = [state, seq, fence, "1" if open_run else "0", str(item), _CLOSED_RUN_KEPT_S]
        if self._scripts.run("save_state", keys, args) == ["stale"]:
            raise StaleFence(f"{item}: a newer state than {seq} of fence {fence} is stored")

    def outcome(self, key: AttemptKey) -> str | None:
        """Return the recorded outcome of an attempt."""
        with redis_errors():
            return cast(str | None, self._client.hget(item_key("run", key.item), f"o:{key}"))

    def note(self, item: Item, facts: Mapping[str, str]) -> None:
        """Remember small facts of a run."""
        if facts:
            with redis_errors():
                self._client.hset(item_key("run", item), mapping={f"f:{name}": text for name, text in facts.items()})

    def known(self) -> tuple[Item, ...]:
        """Return every open run that has a projection, sorted."""
        with redis_errors():
            members = cast(set[str], self._client.smembers(OPEN_RUNS_KEY))
        return tuple(parse_item(text, file="redis", field=OPEN_RUNS_KEY) for text in sorted(members))

    def forget(self, item: Item) -> None:
        """Forget state, outcomes and facts; leases, fences and a stop stay."""
        self._scripts.run("forget_run", [item_key("run", item), OPEN_RUNS_KEY], [str(item)])

    def cursor(self, repo: RepoName, name: str) -> str | None:
        """Return how far the poller has read, by the name of the list."""
        with redis_errors():
            return cast(str | None, self._client.hget(f"{PREFIX}cursor:{repo}", name))

    def move_cursor(self, repo: RepoName, name: str, value: str) -> None:
        """Remember how far the poller has read."""
        with redis_errors():
            self._client.hset(f"{PREFIX}cursor:{repo}", name, value)


def _under(prefix: str, fields: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix(prefix): text for name, text in fields.items() if name.startswith(prefix)}
