"""`# @cogworks <interface-id>.<parameter>: <value> [unit]`: what the code says about an interface."""

import ast
import io
import json
import re
import tokenize
from dataclasses import dataclass

from pydantic import JsonValue

_FORM = re.compile(r"^#\s*@cogworks\s+(?P<id>[A-Za-z0-9][\w-]*)\.(?P<parameter>[A-Za-z_][\w.]*)\s*:\s*(?P<rest>.*)$")
_MARK = re.compile(r"^#\s*@cogworks\b")
_QUOTED = re.compile(r"""^(?P<value>"[^"]*"|'[^']*'|\S+)(\s+(?P<unit>\S+))?\s*$""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """One annotation, with the constant it describes if there is one."""

    interface_id: str
    parameter: str
    value: JsonValue
    unit: str | None
    line: int
    constant: str | None = None
    constant_value: JsonValue = None

    @property
    def disagrees(self) -> bool:
        """Whether the constant has another value than the annotation states."""
        return self.constant is not None and not _same(self.value, self.constant_value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotations:
    """All of one file, and the lines that were meant to be one but cannot be read."""

    read: tuple[Annotation, ...]
    unread: tuple[tuple[int, str], ...]


def annotations_of(text: str, tree: ast.Module) -> Annotations:
    """The annotations of a file that parses."""
    constants = _constants(tree)
    read: list[Annotation] = []
    unread: list[tuple[int, str]] = []
    for line, comment in _comments(text):
        if not _MARK.match(comment):
            continue
        annotation = _read(comment, line=line, constants=constants)
        if isinstance(annotation, str):
            unread.append((line, annotation))
        else:
            read.append(annotation)
    return Annotations(read=tuple(read), unread=tuple(unread))


def _read(comment: str, *, line: int, constants: dict[int, tuple[str, JsonValue, bool]]) -> Annotation | str:
    form = _FORM.match(comment)
    if form is None:
        return "the annotation has not the form `@cogworks <interface-id>.<parameter>: <value> [unit]`"
    name, constant_value, is_literal = constants.get(line) or constants.get(line + 1) or (None, None, False)
    said = _QUOTED.match(form["rest"].strip())
    if said is None and not is_literal:
        return f"{form['id']}.{form['parameter']} has neither a value nor a constant with a literal value"
    return Annotation(
        interface_id=form["id"],
        parameter=form["parameter"],
        value=constant_value if said is None else _value(said["value"]),
        unit=None if said is None else said["unit"],
        line=line,
        constant=name if is_literal else None,
        constant_value=constant_value,
    )


def _comments(text: str) -> list[tuple[int, str]]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    try:
        return [(token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT]
    except (tokenize.TokenError, SyntaxError):
        return []  # unreachable for text that parses, except for odd endings without comments


def _constants(tree: ast.Module) -> dict[int, tuple[str, JsonValue, bool]]:
    """Line of the assignment -> name, value, and whether the value is a literal."""
    found: dict[int, tuple[str, JsonValue, bool]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name):
                found[node.lineno] = (target.id, *_literal(node.value))
    return found


def _literal(node: ast.expr) -> tuple[JsonValue, bool]:
    try:
        value = ast.literal_eval(node)
        json.dumps(value, allow_nan=False)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None, False
    return (list(value) if isinstance(value, tuple) else value), True


def _value(text: str) -> JsonValue:
    if text[0] in "\"'":
        return text[1:-1]
    lowered = {"true": True, "false": False}.get(text.lower())
    if lowered is not None:
        return lowered
    try:
        return int(text.replace("_", ""), 0)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text


def _same(stated: JsonValue, real: JsonValue) -> bool:
    if isinstance(stated, bool) or isinstance(real, bool):
        return stated is real
    if isinstance(stated, int | float) and isinstance(real, int | float):
        return abs(stated - real) <= 1e-9 * max(abs(stated), abs(real))
    return stated == real
