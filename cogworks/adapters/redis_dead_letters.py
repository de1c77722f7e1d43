"""The index of dead letters in Redis: a stream that keeps their order, and a hash for each."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

from redis import Redis

from cogworks.adapters.redis_connection import PREFIX, RedisScripts, redis_errors
from cogworks.model.dead_letter import DeadLetter, LetterStatus, letter_of_value, letter_to_json
from cogworks.ports.dead_letters import Answer

_INDEX = f"{PREFIX}dlq"
_ANSWERED_KEPT_S = 30 * 24 * 3600


class RedisDeadLetters:
    """Implements DeadLetters."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._scripts = RedisScripts(client)

    def put(self, letter: DeadLetter) -> bool:
        """Index the letter; True when its key is new."""
        args: list[str | int] = [letter.key, letter_to_json(letter), letter.status.value, _text(letter.last_seen)]
        return self._scripts.run("put_letter", [_INDEX, _hash(letter.key)], args) == ["new"]

    def get(self, key: str) -> DeadLetter | None:
        """Return the letter of this key."""
        with redis_errors():
            return _letter(cast(dict[str, str], self._client.hgetall(_hash(key))))

    def open(self) -> tuple[DeadLetter, ...]:
        """Return the letters that wait for an answer."""
        return tuple(letter for letter in self.all() if letter.status is LetterStatus.OPEN)

    def all(self) -> tuple[DeadLetter, ...]:
        """Return every letter; entries of letters that are not kept any more leave the index."""
        with redis_errors():
            entries = cast("list[tuple[str, dict[str, str]]]", self._client.xrange(_INDEX))
            pipe = self._client.pipeline(transaction=False)
            for _, fields in entries:
                pipe.hgetall(_hash(fields["key"]))
            found = [_letter(fields) for fields in pipe.execute()]
            gone = [entry for (entry, _), letter in zip(entries, found, strict=True) if letter is None]
            if gone:
                self._client.xdel(_INDEX, *gone)
        return tuple(letter for letter in found if letter is not None)

    def answer(self, key: str, answer: Answer, *, at: datetime) -> bool:
        """Answer an open letter; False when it is unknown or was answered before."""
        args: list[str | int] = [answer.value, _text(at), _ANSWERED_KEPT_S]
        return self._scripts.run("answer_letter", [_hash(key)], args) == ["answered"]


def _hash(key: str) -> str:
    return f"{_INDEX}:{key}"


def _text(moment: datetime) -> str:
    # One form and one zone: texts then compare as their times do.
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _letter(fields: Mapping[str, str]) -> DeadLetter | None:
    if not fields:
        return None
    letter = letter_of_value(json.loads(fields["letter"]))
    seen = datetime.fromisoformat(fields["last_seen"])
    return replace(letter, status=LetterStatus(fields["status"]), last_seen=seen)
