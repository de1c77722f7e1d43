"""Which rule answers: chosen once at the beginning of a conversation, followed to its end."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from cogworks.twins.anthropic.calls import Call
from cogworks.twins.anthropic.request import MessagesRequest
from cogworks.twins.anthropic.script import ScriptedRule
from cogworks.twins.anthropic.store import Store
from cogworks.twins.anthropic.wire import JsonObject, canonical


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The rule that answers a request, and for the how-manyeth time it was chosen."""

    rule: ScriptedRule
    use: int
    turn: int

    def report(self) -> JsonObject:
        """Return it as JSON, for the log."""
        return {"line": self.rule.line, "use": self.use, "turn": self.turn}


def answer_key(request: MessagesRequest, call: Call) -> str:
    """Return what the same request of the same asker has in common."""
    return hashlib.sha256(f"{call.asker()}\n{canonical(request.body)}".encode()).hexdigest()


def choose(request: MessagesRequest, call: Call, *, rules: Sequence[ScriptedRule], store: Store) -> Chosen | None:
    """Return the rule for a request and count its use when the conversation begins; None when no rule is left."""
    turn = request.turn_number
    key = _conversation_key(request, call)
    followed = store.conversation(key) if turn else None
    if followed is not None:
        for rule in rules:
            if rule.key == followed[0]:
                return Chosen(rule=rule, use=followed[1], turn=turn)
    text = request.text()
    for rule in rules:
        if not rule.matches(call, model=request.model, text=text):
            continue
        if rule.times is not None and store.uses(rule.key) >= rule.times:
            continue
        use = store.count_use(rule.key)
        if rule.reply.error is None:
            store.follow(key, rule=rule.key, use=use)
        return Chosen(rule=rule, use=use, turn=turn)
    return None


def _conversation_key(request: MessagesRequest, call: Call) -> str:
    """Return what all turns of a conversation have in common: the asker and the messages before the first answer."""
    opening: list[JsonObject] = []
    for turn in request.turns:
        if turn.role == "assistant":
            break
        opening.extend(_unmarked(block) for block in turn.blocks)
    return hashlib.sha256(f"{call.asker()}\n{request.model}\n{canonical(list(opening))}".encode()).hexdigest()


def _unmarked(block: JsonObject) -> JsonObject:
    return {key: value for key, value in block.items() if key != "cache_control"}
