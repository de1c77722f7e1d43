"""From bytes to tables: what cannot be read is noted, and the rest is read all the same."""

import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from typing import TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from cogworks.graph.faults import Faults, element, key, listed, nearest
from cogworks.graph.tables import Table
from cogworks.model.json_value import JsonValue

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 32

_AT = re.compile(r"\(at line (\d+), column (\d+)\)")
_NESTED = frozenset({"alignment", "rework", "shift_work", "tool_overrides"})
_T = TypeVar("_T", bound=Table)
_Loc = tuple[int | str, ...]


def read_text(text: bytes, *, into: Faults) -> Mapping[str, object] | None:
    """Return the TOML document in ``text``; None, and the reason in ``into``, when there is none."""
    if len(text) > MAX_BYTES:
        into.add("too_large", "", f"the file has {len(text)} bytes", allowed=f"at most {MAX_BYTES} bytes")
        return None
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        into.add("bad_encoding", f"byte {error.start}", "the file is not UTF-8", allowed="UTF-8")
        return None
    if "\0" in decoded:
        into.add("bad_encoding", f"byte {text.index(0)}", "the file holds a NUL character", allowed="text")
        return None
    return _parsed(decoded, into=into)


def read(table: type[_T], raw: object, *, at: str, into: Faults) -> _T | None:
    """Return ``raw`` as a ``table``, without the keys that are wrong; None when a required one is."""
    if not isinstance(raw, dict):
        into.add("E_BAD_VALUE", at, f"{_shown(raw)} is not a table", allowed="a table")
        return None
    try:
        return table.model_validate(raw)
    except ValidationError as error:
        details = error.errors(include_url=False)
    for detail in details:
        _note(detail, table=table, at=at, into=into)
    try:
        return table.model_validate(_without(raw, [detail["loc"] for detail in details]))
    except ValidationError:
        return None


def _parsed(text: str, *, into: Faults) -> Mapping[str, object] | None:
    try:
        document = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        into.add("E_TOML_SYNTAX", _place(str(error), text), _AT.sub("", str(error)).strip())
    except RecursionError:
        into.add("too_deep", "", "the file is nested too deeply", allowed=f"at most {MAX_DEPTH} levels")
    except (ValueError, ArithmeticError) as error:
        into.add("E_TOML_SYNTAX", "", str(error) or "a number cannot be read")
    else:
        if _shallow(document, MAX_DEPTH):
            return document
        into.add("too_deep", "", "the file is nested too deeply", allowed=f"at most {MAX_DEPTH} levels")
    return None


def _place(message: str, text: str) -> str:
    found = _AT.search(message)
    if found:
        return f"line {found[1]}, column {found[2]}"
    return f"line {text.count(chr(10)) + 1}, column {len(text) - text.rfind(chr(10))}"


def _shallow(value: object, levels: int) -> bool:
    if isinstance(value, dict):
        return levels > 0 and all(_shallow(part, levels - 1) for part in value.values())
    if isinstance(value, list):
        return levels > 0 and all(_shallow(part, levels - 1) for part in value)
    return True


def _note(detail: ErrorDetails, *, table: type[BaseModel], at: str, into: Faults) -> None:
    path = _path(at, detail["loc"])
    name = str(detail["loc"][-1]) if detail["loc"] else ""
    if detail["type"] == "extra_forbidden":
        known = keys_of(_table_at(table, detail["loc"][:-1]))
        message = f"unknown key {name}{nearest(name, known)}"
        into.add("E_UNKNOWN_KEY", path, message, allowed=listed(known))
    elif detail["type"] == "missing":
        into.add("E_BAD_VALUE", path, f"{name} is missing")
    else:
        into.add("E_BAD_VALUE", path, f"{_shown(detail['input'])} is not valid", allowed=_allowed(detail))


def keys_of(table: type[BaseModel]) -> tuple[str, ...]:
    """Return the keys that ``table`` knows, as they are written in the file."""
    return tuple(field.alias or name for name, field in table.model_fields.items())


def _table_at(table: type[BaseModel], loc: _Loc) -> type[BaseModel]:
    for part in loc:
        fields = {field.alias or name: field for name, field in table.model_fields.items()}
        if isinstance(part, str) and part in fields:
            table = next((kind for kind in _kinds(fields[part].annotation) if issubclass(kind, BaseModel)), table)
    return table


def _kinds(annotation: object) -> list[type]:
    if isinstance(annotation, type) and not get_args(annotation):
        return [annotation]
    return [kind for part in get_args(annotation) for kind in _kinds(part)]


def _allowed(detail: ErrorDetails) -> str:
    return detail["msg"].removeprefix("Input should be ").removeprefix("a valid ")


def _path(at: str, loc: _Loc) -> str:
    for part in loc:
        at = element(at, part) if isinstance(part, int) else key(at, part)
    return at


def _shown(value: object) -> str:
    text = str(value) if isinstance(value, Decimal) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _without(raw: Mapping[str, object], locs: list[_Loc]) -> dict[str, object]:
    """Return ``raw`` without what ``locs`` point at: a key of a small table, else the whole key."""
    kept = dict(raw)
    for loc in locs:
        first = str(loc[0]) if loc else ""
        inner = kept.get(first)
        if first in _NESTED and len(loc) > 1 and isinstance(inner, dict):
            kept[first] = {name: value for name, value in inner.items() if name != loc[1]}
        else:
            kept.pop(first, None)
    return kept


def plain(value: object) -> JsonValue:
    """Return a TOML value as a JSON value: numbers with a point as floats, dates as text."""
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return tuple(plain(part) for part in value)
    if isinstance(value, Decimal):
        return float(value)
    return value if isinstance(value, str | int | float) or value is None else str(value)
