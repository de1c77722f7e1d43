"""Provider answers in Redis, so that a crash after an answer does not pay for it twice."""

from typing import cast

from redis import Redis

from cogworks.adapters.redis_connection import PREFIX, redis_errors

_KEPT_S = 7 * 24 * 3600


class RedisMemo:
    """Implements Memo."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    def get(self, call_key: str) -> str | None:
        """Return the answer stored under this key in the last seven days."""
        with redis_errors():
            return cast(str | None, self._client.get(f"{PREFIX}memo:{call_key}"))

    def put(self, call_key: str, answer: str) -> None:
        """Keep the first answer to a call; a second one for the same key is dropped."""
        with redis_errors():
            self._client.set(f"{PREFIX}memo:{call_key}", answer, ex=_KEPT_S, nx=True)
