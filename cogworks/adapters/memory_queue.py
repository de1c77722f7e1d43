"""A queue that remembers what was sent, for tests and for running everything in one process."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from cogworks.model.ids import Item, NodeRef


@dataclass(frozen=True, slots=True, kw_only=True)
class SentStep:
    """A step was asked for."""

    item: Item
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SentNode:
    """An attempt was dispatched; ``announce`` as for one member of several."""

    item: Item
    ref: NodeRef
    attempt: int
    queue: str
    announce: bool


Sent = SentStep | SentNode


class RecordingQueue:
    """Implements Queue: messages wait in ``waiting``, oldest first, and all ever sent stay in ``sent``."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.waiting: deque[Sent] = deque()

    def step(self, item: Item, *, hint: str) -> None:
        """Remember the wish for a step."""
        self._send(SentStep(item=item, hint=hint))

    def run_nodes(self, item: Item, attempts: Sequence[tuple[NodeRef, int, str]]) -> None:
        """Remember each attempt, and the step that follows them all."""
        announce = len(attempts) > 1
        for ref, attempt, queue in attempts:
            self._send(SentNode(item=item, ref=ref, attempt=attempt, queue=queue, announce=announce))
        if attempts:
            self._send(SentStep(item=item, hint="nodes_ended"))

    def take(self) -> Sent | None:
        """Return the oldest message that nobody took yet."""
        return self.waiting.popleft() if self.waiting else None

    def _send(self, message: Sent) -> None:
        self.sent.append(message)
        self.waiting.append(message)
