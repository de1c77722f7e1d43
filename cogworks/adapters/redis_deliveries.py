"""Which webhook deliveries were taken already (GH-48)."""

from redis import Redis

from cogworks.adapters.redis_connection import PREFIX, redis_errors

# GitHub offers a delivery again for three days.
_KEPT_S = 72 * 3600


class RedisDeliveries:
    """Remembers ids of deliveries for 72 hours."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    def close(self) -> None:
        """End the connection."""
        self._client.close()

    def take(self, delivery_id: str) -> bool:
        """Remember a delivery; False when it was taken before."""
        with redis_errors():
            return bool(self._client.set(_name(delivery_id), "1", nx=True, ex=_KEPT_S))

    def give_back(self, delivery_id: str) -> None:
        """Forget a delivery that led to nothing, so that it can come again."""
        with redis_errors():
            self._client.delete(_name(delivery_id))


def _name(delivery_id: str) -> str:
    return f"{PREFIX}delivery:{delivery_id}"
