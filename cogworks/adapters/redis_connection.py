"""One way to reach Redis: the client, the keys, the scripts, and its errors in our words."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from typing import cast

from redis import Redis
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, ReadOnlyError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from cogworks.model.errors import DependencyUnavailable, FailureCategory
from cogworks.model.ids import Item

PREFIX = "cogworks:"
EPOCH_KEY = f"{PREFIX}epoch"
OPEN_RUNS_KEY = f"{PREFIX}open"

# The server is there and refuses to write or to answer yet: the operator has to act, the run waits.
_UNFIT = (OutOfMemoryError, ReadOnlyError)
_UNFIT_WORDS = ("MISCONF", "NOREPLICAS", "MASTERDOWN", "OOM ", "READONLY ")


def connect(redis_url: str, *, timeout_s: float = 30.0) -> Redis:
    """Return a client for ``redis_url`` (``redis://``, ``rediss://`` or ``unix://``); it connects when first used."""
    # One immediate try more: a pooled connection that the server closed meanwhile is not an outage.
    return Redis.from_url(
        redis_url,
        decode_responses=True,
        socket_timeout=timeout_s,
        socket_connect_timeout=min(timeout_s, 5.0),
        health_check_interval=25,
        retry=Retry(NoBackoff(), 1),
    )


def item_key(kind: str, item: Item) -> str:
    """Return the key of ``kind`` for one work item; all keys of an item share a hash tag."""
    return f"{PREFIX}{kind}:{{{item}}}"


@contextmanager
def redis_errors() -> Iterator[None]:
    """Turn an absent or unfit Redis into DependencyUnavailable; faults of our own commands stay as they are."""
    try:
        yield
    except (RedisConnectionError, RedisTimeoutError, *_UNFIT) as error:
        raise _unavailable(error) from error
    except ResponseError as error:
        if any(word in str(error) for word in _UNFIT_WORDS):
            raise _unavailable(error) from error
        raise


def _unavailable(error: RedisError) -> DependencyUnavailable:
    text = f"Redis cannot be used: {error}"
    return DependencyUnavailable(text, category=FailureCategory.SERVICE_UNAVAILABLE, retry_after_s=5.0)


class RedisScripts:
    """Runs the Lua files beside this module by their hash; a server that does not know one is sent it.

    Each script answers a list of texts, so that numbers keep every digit.
    """

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._loaded: dict[str, Script] = {}

    def run(self, name: str, keys: Sequence[str], args: Sequence[str | int]) -> list[str]:
        """Return the answer of ``name``.lua; raise DependencyUnavailable when Redis cannot be used."""
        with redis_errors():
            return cast(list[str], self._script(name)(keys=list(keys), args=list(args)))

    def _script(self, name: str) -> Script:
        if name not in self._loaded:
            folder = files("cogworks.adapters") / "lua"
            text = "".join((folder / f"{part}.lua").read_text("utf-8") for part in ("prelude", name))
            self._loaded[name] = self._client.register_script(text)
        return self._loaded[name]
