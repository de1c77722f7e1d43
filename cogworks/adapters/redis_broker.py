"""What waits in the broker: queues are lists, unfinished messages a hash, each entry JSON as kombu writes it."""

import json
from datetime import UTC, datetime
from typing import cast

from redis import Redis

from cogworks.model.pulse import QueueLevel

QUEUES = ("control", "llm", "tool", "aux")
SENT_AT = "sent_at"
"""Header of a message: seconds since 1970 at which it was sent. The queue adapter writes it."""

_UNACKED = "unacked"


def queue_levels(client: Redis) -> tuple[QueueLevel, ...]:
    """Return how much waits in each queue, and since when."""
    return tuple(_level(client, name) for name in QUEUES)


def unacked(client: Redis) -> int:
    """Return how many messages workers have and did not finish."""
    return client.hlen(_UNACKED)


def _level(client: Redis, name: str) -> QueueLevel:
    # New messages come in from the left, workers take from the right.
    oldest = cast(str | None, client.lindex(name, -1))
    return QueueLevel(name=name, depth=client.llen(name), oldest_at=None if oldest is None else _sent(oldest))


def _sent(text: str) -> datetime | None:
    """Return when a message was sent; None when whoever sent it did not say."""
    try:
        at = json.loads(text)["headers"][SENT_AT]
        return datetime.fromtimestamp(float(at), UTC)
    except (ValueError, KeyError, TypeError):
        return None
