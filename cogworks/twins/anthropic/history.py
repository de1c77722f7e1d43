"""Rules about the messages themselves: roles, tool results, and thinking that comes back unchanged."""

import hashlib

from cogworks.twins.anthropic.catalogue import Model
from cogworks.twins.anthropic.request import MessagesRequest, Turn
from cogworks.twins.anthropic.wire import JsonObject, invalid

_USER_BLOCKS = frozenset({"text", "image", "document", "tool_result", "search_result", "container_upload"})


def sign(thinking: str) -> str:
    """Return the signature that goes with a thinking block."""
    return hashlib.sha256(f"thinking:{thinking}".encode()).hexdigest()


def check_history(request: MessagesRequest, model: Model, *, current: bool) -> None:
    """Refuse a conversation that could not have come about; `current` is whether the newest API version rules."""
    if request.turns[0].role != "user":
        raise invalid("messages: first message must use the user role")
    if request.turns[-1].role == "assistant" and not model.accepts_prefill:
        raise invalid(
            "This model does not support assistant message prefill. The conversation must end with a user message."
        )
    for index, turn in enumerate(request.turns):
        place = f"messages.{index}"
        _check_blocks(turn, place, current=current)
        if turn.role == "assistant":
            _check_thinking(turn, place, model)
            following = request.turns[index + 1] if index + 1 < len(request.turns) else None
            _check_results(turn, following, place)
        else:
            _check_calls(turn, request.turns[index - 1] if index else None, place)


def _check_blocks(turn: Turn, place: str, *, current: bool) -> None:
    if not turn.blocks:
        raise invalid(f"{place}: all messages must have non-empty content")
    for index, block in enumerate(turn.blocks):
        kind = block.get("type")
        if kind == "text" and not str(block.get("text", "")).strip():
            raise invalid(f"{place}: text content blocks must be non-empty and contain non-whitespace text")
        if turn.role == "user":
            _check_user_block(block, f"{place}.content.{index}", current=current)
        elif kind == "document" and current:
            raise invalid(f"{place}.content.{index}: document blocks are not supported in assistant messages")


def _check_user_block(block: JsonObject, place: str, *, current: bool) -> None:
    if block.get("type") not in _USER_BLOCKS:
        raise invalid(f"{place}: Input tag '{block.get('type')}' is not expected in a user message")
    if current and block.get("type") == "text" and block.get("citations"):
        raise invalid(f"{place}.citations: citations on user text must be empty")


def _check_thinking(turn: Turn, place: str, model: Model) -> None:
    for index, block in enumerate(turn.blocks):
        if block.get("type") == "thinking" and block.get("signature") != sign(str(block.get("thinking"))):
            raise invalid(f"{place}.content.{index}: Invalid `signature` in `thinking` block")
    uses_tools = any(block.get("type") == "tool_use" for block in turn.blocks)
    first = turn.blocks[0].get("type")
    if uses_tools and model.thinking_always_on and first not in ("thinking", "redacted_thinking"):
        raise invalid(
            f"{place}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{first}`. "
            "The assistant's content must be sent back unchanged."
        )


def _ids(turn: Turn | None, kind: str, key: str) -> list[str]:
    blocks = turn.blocks if turn is not None else ()
    return [str(block.get(key)) for block in blocks if block.get("type") == kind]


def _check_results(turn: Turn, following: Turn | None, place: str) -> None:
    unanswered = set(_ids(turn, "tool_use", "id")) - set(_ids(following, "tool_result", "tool_use_id"))
    if unanswered:
        raise invalid(
            f"{place}: `tool_use` ids were found without `tool_result` blocks immediately after: "
            f"{', '.join(sorted(unanswered))}"
        )


def _check_calls(turn: Turn, previous: Turn | None, place: str) -> None:
    unasked = set(_ids(turn, "tool_result", "tool_use_id")) - set(_ids(previous, "tool_use", "id"))
    if unasked:
        raise invalid(f"{place}: unexpected `tool_use_id` found in `tool_result` blocks: {', '.join(sorted(unasked))}")
