"""JSON as values: the type, and the one canonical text that hashes are taken over."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from typing_extensions import TypeAliasType

# A named alias, because pydantic cannot resolve a recursive plain one.
JsonValue = TypeAliasType(
    "JsonValue", "str | int | float | bool | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
)
JsonObject: TypeAlias = Mapping[str, JsonValue]


def compact(value: JsonValue) -> str:
    """Return the canonical text of ``value``: no blanks, keys sorted, UTF-8 kept readable."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def sha256_text(text: str) -> str:
    """Return the SHA-256 of ``text`` in UTF-8, as 64 hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def sha256_json(value: JsonValue) -> str:
    """Return the SHA-256 of the canonical text of ``value``, as 64 hex digits."""
    return sha256_text(compact(value))
