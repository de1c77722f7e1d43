"""The index of dead letters in memory, with the rules of the one in Redis."""

from dataclasses import replace
from datetime import datetime

from cogworks.model.dead_letter import DeadLetter, LetterStatus
from cogworks.ports.dead_letters import Answer


class MemoryDeadLetters:
    """Implements DeadLetters; keeps everything."""

    def __init__(self) -> None:
        self._letters: dict[str, DeadLetter] = {}

    def wipe(self) -> None:
        """Lose everything."""
        self._letters.clear()

    def put(self, letter: DeadLetter) -> bool:
        """Index the letter; True when its key is new."""
        known = self._letters.get(letter.key)
        if known is not None:
            self._letters[letter.key] = replace(known, last_seen=max(known.last_seen, letter.last_seen))
            return False
        self._letters[letter.key] = letter
        return True

    def get(self, key: str) -> DeadLetter | None:
        """Return the letter of this key."""
        return self._letters.get(key)

    def open(self) -> tuple[DeadLetter, ...]:
        """Return the letters that wait for an answer."""
        return tuple(letter for letter in self._letters.values() if letter.status is LetterStatus.OPEN)

    def all(self) -> tuple[DeadLetter, ...]:
        """Return every letter, answered ones too."""
        return tuple(self._letters.values())

    def answer(self, key: str, answer: Answer, *, at: datetime) -> bool:
        """Answer an open letter; False when it is unknown or was answered before."""
        known = self._letters.get(key)
        if known is None or known.status is not LetterStatus.OPEN:
            return False
        self._letters[key] = replace(known, status=answer, last_seen=at)
        return True
