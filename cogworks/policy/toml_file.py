"""TOML under ``.cogworks/`` and ``twins/``: bytes to checked values, every problem at once (CFG-02)."""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time
from difflib import get_close_matches
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from cogworks.model.errors import ConfigError, Problem

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 32
OWN_CODES = frozenset({"label_duplicate", "label_reserved", "safety_floor", "missing_price", "unknown_alias"})
"""Codes that a type's own check reports under their names."""

_T = TypeVar("_T")
_BOM = b"\xef\xbb\xbf"
_PLACE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")
_UNKNOWN = frozenset({"unexpected_keyword_argument", "extra_forbidden"})
_SHAPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
}
_MISSING = frozenset({"missing", "missing_argument", "missing_keyword_only_argument"})


def read_toml(text: bytes, *, file: str) -> dict[str, object]:
    """Return the document in ``text``; raise ConfigError when it is not a TOML file of ours."""
    if len(text) > MAX_BYTES:
        raise _broken("too_large", file, f"the file has {len(text)} bytes", allowed=f"at most {MAX_BYTES} bytes")
    document = _parse(_decode(text, file=file), file=file)
    if _too_deep(document):
        raise _broken("too_deep", file, "tables or lists are nested too deep", allowed=f"at most {MAX_DEPTH} levels")
    return document


def read_as(adapter: TypeAdapter[_T], raw: object, *, file: str, at: str = "") -> _T:
    """Return ``raw`` as the type of ``adapter``; raise ConfigError with one problem for each thing wrong.

    ``at`` is the place of ``raw`` inside ``file``. Nothing is converted: a number in quotes is not a number.
    """
    # Through JSON text, because only there does strict mode read lists as tuples and tables as dataclasses.
    text = json.dumps(raw, default=_foreign)
    try:
        return adapter.validate_json(text, strict=True)
    except ValidationError as error:
        schema = adapter.json_schema(by_alias=True)
        details = error.errors(include_url=False, include_input=False)
        raise ConfigError(problems=tuple(_problem(d, schema, file=file, at=at) for d in details)) from error


def place(parts: Sequence[int | str], *, at: str = "") -> str:
    """Return the path of a value as people write it: ``services[0].name``."""
    path = at
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that ``name`` was probably meant to be, or an empty text."""
    return next(iter(get_close_matches(name, sorted(known), n=1)), "")


def _decode(text: bytes, *, file: str) -> str:
    try:
        decoded = text.removeprefix(_BOM).decode()
    except UnicodeDecodeError as error:
        raise _broken("bad_encoding", file, f"byte {error.start} is not UTF-8", allowed="UTF-8") from error
    if "\0" in decoded:
        raise _broken("bad_encoding", file, "the file holds a NUL", allowed="UTF-8 without NUL")
    return decoded


def _parse(text: str, *, file: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _PLACE.search(str(error))
        where = f"line {found[1]}, column {found[2]}" if found and found[1] else "end of document"
        raise _broken("toml_syntax", file, _PLACE.sub("", str(error)), field=where) from error
    except RecursionError as error:
        allowed = f"at most {MAX_DEPTH} levels"
        raise _broken("too_deep", file, "tables or lists are nested too deep", allowed=allowed) from error
    except ValueError as error:
        raise _broken("toml_syntax", file, str(error)) from error


def _too_deep(document: object) -> bool:
    level: list[object] = [document]
    for _ in range(MAX_DEPTH + 1):
        if not level:
            return False
        level = [child for value in level for child in _children(value)]
    return True


def _children(value: object) -> Iterable[object]:
    inside: Iterable[object] = ()
    if isinstance(value, dict):
        inside = value.values()
    elif isinstance(value, list):
        inside = value
    return [child for child in inside if isinstance(child, dict | list)]


def _foreign(value: object) -> object:
    # No key of ours is a date: shown as an object it is a wrong type wherever it stands.
    assert isinstance(value, date | time)
    return {"date": value.isoformat()}


def _broken(code: str, file: str, message: str, *, field: str = "", allowed: str = "") -> ConfigError:
    return ConfigError(problems=(Problem(code=code, file=file, field=field, message=message, allowed=allowed),))


def _problem(detail: ErrorDetails, schema: Mapping[str, object], *, file: str, at: str) -> Problem:
    path = detail["loc"]
    code = _code(detail["type"])
    field = place(path, at=at)
    if code == "unknown_key":
        names = sorted(_properties(_node(schema, path[:-1])))
        guess = nearest(str(path[-1]), names)
        message = f"unknown key; did you mean {guess}?" if guess else "unknown key"
        return Problem(code=code, file=file, field=field, message=message, allowed=", ".join(names))
    if code == "missing_key":
        return Problem(code=code, file=file, field=field, message="this key is missing")
    return Problem(code=code, file=file, field=field, message=detail["msg"], allowed=_described(_node(schema, path)))


def _code(kind: str) -> str:
    if kind in OWN_CODES:
        return kind
    if kind in _UNKNOWN:
        return "unknown_key"
    if kind in _MISSING:
        return "missing_key"
    return "wrong_type" if kind.endswith("_type") else "out_of_range"


def _node(schema: Mapping[str, object], path: Sequence[int | str]) -> Mapping[str, object]:
    node = _resolved(schema, schema)
    for part in path:
        inner = node.get("items") if isinstance(part, int) else _properties(node).get(part)
        node = _resolved(inner if inner is not None else node.get("additionalProperties"), schema)
    return node


def _resolved(node: object, root: Mapping[str, object]) -> Mapping[str, object]:
    if not isinstance(node, Mapping):
        return {}
    choices = node.get("anyOf")
    if isinstance(choices, list):
        return _resolved({**choices[0], **{k: v for k, v in node.items() if k != "anyOf"}}, root)
    ref = node.get("$ref")
    definitions = root.get("$defs")
    if isinstance(ref, str) and isinstance(definitions, Mapping):
        return _resolved(
            {**definitions[ref.rpartition("/")[2]], **{k: v for k, v in node.items() if k != "$ref"}}, root
        )
    return node


def _properties(node: Mapping[str, object]) -> Mapping[str, object]:
    found = node.get("properties")
    return found if isinstance(found, Mapping) else {}


def _described(node: Mapping[str, object]) -> str:
    if "description" in node and node.get("type") != "object":
        return str(node["description"])
    if isinstance(options := node.get("enum"), list):
        return ", ".join(str(option) for option in options)
    if "pattern" in node:
        return f"text like {node['pattern']}"
    low, high, above = node.get("minimum"), node.get("maximum"), node.get("exclusiveMinimum")
    if low is not None and high is not None:
        return f"{low} to {high}"
    if low is not None:
        return f"{low} or more"
    if above is not None:
        return f"more than {above}"
    return _SHAPES.get(str(node.get("type")), "")
