"""A whole message as the server-sent events in which the provider streams it."""

import json
from collections.abc import Iterator

from cogworks.twins.anthropic.wire import JsonObject, compact

_CHUNK_CHARACTERS = 200


def message_events(message: JsonObject) -> Iterator[bytes]:
    """Yield the events of a message that ends well."""
    yield from _beginning(message)
    content = message["content"]
    blocks = [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
    for index, block in enumerate(blocks):
        yield from _block_events(index, block)
    delta: JsonObject = {
        "stop_reason": message["stop_reason"], "stop_sequence": None, "stop_details": None, "container": None,
    }  # fmt: skip
    usage = message["usage"]
    kept = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    counts: JsonObject = {key: usage[key] for key in kept} if isinstance(usage, dict) else {}
    yield _event({"type": "message_delta", "delta": delta, "usage": counts})
    yield _event({"type": "message_stop"})


def broken_events(message: JsonObject, error: JsonObject) -> Iterator[bytes]:
    """Yield a stream that begins well and then carries an error."""
    yield from _beginning(message)
    yield _event(error)


def _beginning(message: JsonObject) -> Iterator[bytes]:
    usage = message["usage"]
    started = {**usage, "output_tokens": 1} if isinstance(usage, dict) else {}
    yield _event(
        {"type": "message_start", "message": {**message, "content": [], "stop_reason": None, "usage": started}}
    )
    yield _event({"type": "ping"})


def _block_events(index: int, block: JsonObject) -> Iterator[bytes]:
    empty, deltas = _unfold(block)
    yield _event({"type": "content_block_start", "index": index, "content_block": empty})
    for delta in deltas:
        yield _event({"type": "content_block_delta", "index": index, "delta": delta})
    yield _event({"type": "content_block_stop", "index": index})


def _unfold(block: JsonObject) -> tuple[JsonObject, list[JsonObject]]:
    match block["type"]:
        case "text":
            pieces = _pieces(str(block["text"]))
            return {**block, "text": ""}, [{"type": "text_delta", "text": piece} for piece in pieces]
        case "thinking":
            pieces = _pieces(str(block["thinking"]))
            thoughts: list[JsonObject] = [{"type": "thinking_delta", "thinking": piece} for piece in pieces]
            signature: JsonObject = {"type": "signature_delta", "signature": block["signature"]}
            return {**block, "thinking": "", "signature": ""}, [*thoughts, signature]
        case _:
            pieces = _pieces(compact(block["input"]))
            return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]


def _pieces(text: str) -> list[str]:
    return [text[start : start + _CHUNK_CHARACTERS] for start in range(0, len(text), _CHUNK_CHARACTERS)]


def _event(data: JsonObject) -> bytes:
    return f"event: {data['type']}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()
