"""How many tokens a text has: a quarter of its bytes, rounded up."""

from pydantic import JsonValue

from cogworks.twins.anthropic.wire import JsonObject, compact

_BYTES_PER_TOKEN = 4
_COUNTED_KEYS = ("system", "tools", "messages", "output_config")


def tokens_in(value: JsonValue) -> int:
    """Return the tokens of the compact JSON of `value`."""
    return tokens_of_bytes(bytes_of(value))


def input_tokens(body: JsonObject) -> int:
    """Return the tokens of a request: its `system`, `tools`, `messages` and `output_config`."""
    return tokens_in({key: body[key] for key in _COUNTED_KEYS if key in body})


def bytes_of(value: JsonValue) -> int:
    """Return the UTF-8 bytes of the compact JSON of `value`."""
    return len(compact(value).encode())


def tokens_of_bytes(count: int) -> int:
    """Return the tokens of so many bytes."""
    return -(-count // _BYTES_PER_TOKEN)
