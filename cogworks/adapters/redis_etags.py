"""Bodies of earlier answers with their ETag, so that asking again costs no quota."""

import hashlib
from typing import cast

from redis import Redis

from cogworks.adapters.redis_connection import PREFIX, redis_errors

_KEPT_S = 24 * 3600


class RedisEtags:
    """A cache of conditional GET answers; whoever shares the token may share it."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    def get(self, key: str) -> tuple[str, str] | None:
        """Return ETag and body stored under ``key``."""
        with redis_errors():
            etag, body = cast(list[str | None], self._client.hmget(_name(key), ["etag", "body"]))
        return None if etag is None or body is None else (etag, body)

    def put(self, key: str, etag: str, body: str) -> None:
        """Keep ``body`` under ``key`` for a day."""
        with redis_errors(), self._client.pipeline(transaction=True) as pipe:
            pipe.hset(_name(key), mapping={"etag": etag, "body": body})
            pipe.expire(_name(key), _KEPT_S)
            pipe.execute()


def _name(key: str) -> str:
    return f"{PREFIX}etag:{hashlib.sha256(key.encode()).hexdigest()}"
