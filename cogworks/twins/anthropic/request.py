"""A messages request, read into plain parts."""

from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from cogworks.twins.anthropic.wire import JsonObject, compact, invalid

Role = Literal["user", "assistant"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message of the conversation; text alone is read as one text block."""

    role: Role
    blocks: tuple[JsonObject, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesRequest:
    """What the client asks; `body` is the request as it came."""

    body: JsonObject
    model: str
    max_tokens: int
    stream: bool
    system: tuple[JsonObject, ...]
    tools: tuple[JsonObject, ...]
    turns: tuple[Turn, ...]
    tool_choice: JsonObject
    thinking: JsonObject
    output_format: JsonObject | None

    @property
    def turn_number(self) -> int:
        """The number of assistant messages so far: 0 starts a conversation."""
        return sum(turn.role == "assistant" for turn in self.turns)

    def text(self) -> str:
        """Return all that the model reads, as a person would: texts, tool results and tool inputs, one a line."""
        blocks = [*self.system, *(block for turn in self.turns for block in turn.blocks)]
        return "\n".join(part for block in blocks for part in _texts(block))


def _texts(block: JsonObject) -> list[str]:
    found: list[str] = []
    for key in ("text", "thinking", "content", "input", "source"):
        value = block.get(key)
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, list):
            found.extend(part for inner in value if isinstance(inner, dict) for part in _texts(inner))
        elif value is not None:
            found.append(compact(value))
    return found


def read_request(body: JsonValue, *, counting: bool = False) -> MessagesRequest:
    """Read a body of the right shape; ApiError names the first part that is not. Counting needs no `max_tokens`."""
    if not isinstance(body, dict):
        raise invalid("The request body must be a JSON object")
    output_config = _object(body, "output_config")
    return MessagesRequest(
        body=body,
        model=_model(body),
        max_tokens=1 if counting else _max_tokens(body),
        stream=body.get("stream") is True,
        system=_blocks(body.get("system", []), "system"),
        tools=_objects(body.get("tools", []), "tools"),
        turns=tuple(_turn(message, index) for index, message in enumerate(_messages(body))),
        tool_choice=_object(body, "tool_choice"),
        thinking=_object(body, "thinking"),
        output_format=_object(output_config, "format", "output_config.format") or None,
    )


def _model(body: JsonObject) -> str:
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise invalid("model: Field required")
    return model


def _max_tokens(body: JsonObject) -> int:
    max_tokens = body.get("max_tokens")
    if not isinstance(max_tokens, int) or isinstance(max_tokens, bool):
        raise invalid("max_tokens: Field required")
    if max_tokens < 1:
        raise invalid("max_tokens: Input should be greater than or equal to 1")
    return max_tokens


def _messages(body: JsonObject) -> list[JsonValue]:
    messages = body.get("messages")
    if not isinstance(messages, list):
        raise invalid("messages: Field required")
    if not messages:
        raise invalid("messages: at least one message is required")
    return messages


def _turn(message: JsonValue, index: int) -> Turn:
    place = f"messages.{index}"
    if not isinstance(message, dict):
        raise invalid(f"{place}: Input should be an object")
    role = message.get("role")
    if role == "user":
        return Turn(role="user", blocks=_blocks(message.get("content"), f"{place}.content"))
    if role != "assistant":
        raise invalid(f"{place}.role: Input should be 'user' or 'assistant'")
    return Turn(role="assistant", blocks=_blocks(message.get("content"), f"{place}.content"))


def _blocks(content: JsonValue, place: str) -> tuple[JsonObject, ...]:
    return ({"type": "text", "text": content},) if isinstance(content, str) else _objects(content, place)


def _objects(found: JsonValue, place: str) -> tuple[JsonObject, ...]:
    if not isinstance(found, list):
        raise invalid(f"{place}: Input should be a valid list")
    objects = tuple(entry for entry in found if isinstance(entry, dict))
    if len(objects) != len(found):
        raise invalid(f"{place}: Input should be a list of objects")
    return objects


def _object(parent: JsonObject, key: str, place: str = "") -> JsonObject:
    found = parent.get(key)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise invalid(f"{place or key}: Input should be an object")
    return found
