"""A world in which one process dies, or is thought dead and comes back; the next ones live."""

from dataclasses import dataclass, field
from itertools import chain
from typing import Literal

from watched import Fate, Killed, Moment, watched
from world import World

from cogworks.adapters.memory_llm import ScriptedLlm
from cogworks.adapters.memory_queue import Sent, SentNode, SentStep
from cogworks.model.llm import LlmAnswer, LlmRequest

LEASE_S, VISIBILITY_S = 60.0, 120.0
Then = Literal["lost", "redelivered", "overtaken", "outlived", "emptied", "wiped"]
"""The process dies and its message is lost with it, or redelivered; it is taken for dead, and another does the message,
or all the rest of the run, before it comes back; Redis is emptied and it lives on, or its message is lost too."""


@dataclass(kw_only=True)
class Hurt(World):
    """Watches its process through ``reached``, and knows what happens to a message whose worker is gone.

    One message at a time is handled, so no second process is at work while one dies; what others do meanwhile is
    covered by ``overtaken`` and ``outlived``, where they do it inside a call of the process that is thought dead.
    """

    fate: Fate = field(default_factory=Fate)
    then: Then = "lost"

    def __post_init__(self) -> None:
        """Plug the fate in, and a model that knows what was paid for."""
        self.plug = lambda ports: ports if self.hurt else watched(ports, self.fate)
        self.hurt, self.hurt_at_s, self.recovered_s = False, 0.0, 0.0
        self.in_hand: Sent | None = None
        self.handled, self.zombie_wrote = 0, False
        self._unseen, self._back = "", list[tuple[float, list[Sent]]]()
        super().__post_init__()
        self.llm = Accounts(self)
        self.house = self.new_house()

    # -- what can happen ----------------------------------------------------------------------------------------------

    def die(self, moment: Moment) -> None:
        """End the process at ``moment``."""
        self._harm()
        raise Killed(str(moment))

    def outlive(self) -> None:
        """Let the lease of the process run out and another one do what it did; then it comes back and goes on.

        ``overtaken``: the other did the same message. ``outlived``: the whole run has come to its end.
        """
        message = self.in_hand
        assert message is not None
        self._harm()
        self.house = self.new_house()
        self.clock.advance(LEASE_S + 1)
        self.handle(message)
        if self.then == "outlived":
            self.run()
        self._unseen = self.fingerprint()

    def lose_redis(self) -> None:
        """Lose all that Redis holds; what was paid and recorded before counts as recorded."""
        self._harm()
        self.llm.note_recorded()
        super().lose_redis()

    def _harm(self) -> None:
        self.hurt, self.hurt_at_s, self._unseen = True, self.clock.monotonic(), self.fingerprint()

    # -- what follows -------------------------------------------------------------------------------------------------

    def handle(self, message: Sent) -> None:
        """Handle ``message``; when its process dies, the message is lost with it or comes back later."""
        healthy = not self.hurt
        self.in_hand, self.handled = message, self.handled + 1
        try:
            super().handle(message)
        except Killed:
            self.house = self.new_house()
            self._gone(message)
        if healthy and self.hurt and self.then in ("overtaken", "outlived"):
            self.zombie_wrote = self._unseen != self.fingerprint()
        self.in_hand = None
        self._notice_recovery()

    def _gone(self, message: Sent) -> None:
        """Lose ``message``, or keep it until the broker takes its owner for dead; a chain goes as one (RUN-04)."""
        chained = [message]
        follower = self.queue.waiting[0] if self.queue.waiting else None
        alone = isinstance(message, SentNode) and not message.announce
        if alone and isinstance(follower, SentStep) and follower.hint == "nodes_ended":
            chained.append(self.queue.waiting.popleft())
        if self.then == "redelivered":
            self._back.append((self.clock.monotonic() + VISIBILITY_S, chained))

    def _upkeep(self) -> None:
        now = self.clock.monotonic()
        due = [messages for at_s, messages in self._back if at_s <= now]
        self._back = [one for one in self._back if one[0] > now]
        self.queue.waiting.extend(chain.from_iterable(due))
        try:
            super()._upkeep()
        except Killed:
            self.house = self.new_house()

    def _notice_recovery(self) -> None:
        if self.hurt and not self.recovered_s and self._unseen != self.fingerprint():
            self.recovered_s = self.clock.monotonic() - self.hurt_at_s


class Accounts(ScriptedLlm):
    """Keeps the questions that were asked again although their answer was recorded."""

    def __init__(self, world: Hurt) -> None:
        super().__init__(world.rules)
        self._memo = world.memo
        self._calls: dict[Question, str] = {}
        self._recorded: set[Question] = set()
        self.paid_twice: list[Question] = []

    def call(self, request: LlmRequest) -> LlmAnswer:
        """Answer by the script."""
        asked, call_id = _question(request), request.identity.call_id
        self.note_recorded()
        if asked in self._recorded:
            self.paid_twice.append(asked)
        self._calls[asked] = call_id
        return super().call(request)

    def note_recorded(self) -> None:
        """Remember which answers the memo holds; it may be lost later, when the journal has to hold them."""
        self._recorded |= {asked for asked, call_id in self._calls.items() if self._memo.get(call_id) is not None}


Question = tuple[str | int | None, ...]


def _question(request: LlmRequest) -> Question:
    """Return what is asked for, whatever the words: the same again has another call key when its words differ."""
    who = request.identity
    return who.node, who.sub_work_item, who.attempt, who.purpose, who.template, len(request.turns)
