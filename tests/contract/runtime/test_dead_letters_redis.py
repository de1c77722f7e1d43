"""What is particular about dead letters in Redis."""

from datetime import UTC, datetime

from redis import Redis
from test_dead_letters_index import letter

from cogworks.adapters.redis_dead_letters import RedisDeadLetters
from cogworks.model.dead_letter import LetterStatus

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
MONTH_S = 30 * 24 * 3600


def test_an_answered_letter_goes_after_a_month_and_leaves_the_index(client: Redis) -> None:
    letters = RedisDeadLetters(client)
    letters.put(letter(1))
    letters.put(letter(2))
    letters.answer(letter(1).key, LetterStatus.DISCARDED, at=NOW)
    assert 0 < client.ttl(f"cogworks:dlq:{letter(1).key}") <= MONTH_S
    assert client.ttl(f"cogworks:dlq:{letter(2).key}") == -1, "an open one stays until somebody answers"

    client.delete(f"cogworks:dlq:{letter(1).key}")
    assert letters.all() == (letter(2),)
    assert client.xlen("cogworks:dlq") == 1
