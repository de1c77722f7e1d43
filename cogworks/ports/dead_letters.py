"""The index of dead letters. GitHub holds the truth, the failure comments; losing the index loses nothing (RUN-19)."""

from datetime import datetime
from typing import Literal, Protocol

from cogworks.model.dead_letter import DeadLetter, LetterStatus

Answer = Literal[LetterStatus.REPLAYED, LetterStatus.DISCARDED]
"""How a letter can be answered."""


class DeadLetters(Protocol):
    """Dead letters by key. Answered ones are kept for a month."""

    def put(self, letter: DeadLetter) -> bool:
        """Index ``letter``; True when its key is new. A known one keeps its status and was seen once more."""
        ...

    def get(self, key: str) -> DeadLetter | None: ...
    def open(self) -> tuple[DeadLetter, ...]:
        """Return the letters that wait for an answer, in the order they came."""
        ...

    def all(self) -> tuple[DeadLetter, ...]:
        """Return every letter, answered ones too, in the order they came."""
        ...

    def answer(self, key: str, answer: Answer, *, at: datetime) -> bool:
        """Answer an open letter; False when it is unknown or was answered before."""
        ...
