"""The part of JSON Schema that structured outputs take; everything else belongs into descriptions."""

from collections.abc import Iterator

from pydantic import JsonValue

from cogworks.twins.anthropic.wire import JsonObject, invalid

_KEYWORDS = frozenset(
    {
        "$defs", "$ref", "enum", "const", "anyOf", "allOf", "type", "description", "title", "properties",
        "additionalProperties", "required", "format", "items", "minItems",
    }
)  # fmt: skip
_FORMATS = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
)  # fmt: skip


def check_schema(schema: JsonValue, place: str) -> None:
    """Refuse a schema with a keyword that is not taken, or an object that leaves room for further properties."""
    if not isinstance(schema, dict):
        raise invalid(f"{place}: Input should be an object")
    for keyword in schema:
        if keyword not in _KEYWORDS:
            kind = schema.get("type", "schema")
            raise invalid(f"{place}: For '{kind}' type, property '{keyword}' is not supported")
    _check_object(schema, place)
    _check_string_and_array(schema, place)
    for child_place, child in _children(schema):
        check_schema(child, f"{place}.{child_place}")


def _children(schema: JsonObject) -> Iterator[tuple[str, JsonValue]]:
    for keyword in ("properties", "$defs"):
        named = schema.get(keyword)
        if isinstance(named, dict):
            yield from ((f"{keyword}.{name}", child) for name, child in named.items())
    for keyword in ("anyOf", "allOf"):
        listed = schema.get(keyword)
        if isinstance(listed, list):
            yield from ((f"{keyword}.{index}", child) for index, child in enumerate(listed))
    if "items" in schema:
        yield "items", schema["items"]


def _check_object(schema: JsonObject, place: str) -> None:
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        raise invalid(f"{place}: For 'object' type, 'additionalProperties' must be explicitly set to false")


def _check_string_and_array(schema: JsonObject, place: str) -> None:
    if "format" in schema and schema["format"] not in _FORMATS:
        raise invalid(f"{place}: For 'string' type, format '{schema['format']}' is not supported")
    if schema.get("minItems", 0) not in (0, 1):
        raise invalid(f"{place}: For 'array' type, 'minItems' values other than 0 or 1 are not supported")
