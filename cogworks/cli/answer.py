"""What a command hands back, and how it is printed: text for people, one JSON document for programs (CLI-03)."""

import json
import sys
from dataclasses import dataclass, field
from enum import IntEnum

from cogworks.model.json_value import JsonObject, JsonValue

SCHEMA_VERSION = "1"


class Exit(IntEnum):
    """What the exit code means (70 section 1)."""

    DONE = 0
    FAILED = 1
    WRONG_USAGE = 2
    OTHER_SIDE = 3
    INTERNAL = 70
    RETRIABLE = 75
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """One thing that went wrong, as programs read it; ``hint`` says what would be right."""

    code: str
    message: str
    file: str = ""
    field: str = ""
    hint: str = ""

    def line(self) -> str:
        """Return it as people read it."""
        where = ": ".join(part for part in (self.file, self.field) if part)
        hint = f" (hint: {self.hint})" if self.hint else ""
        return f"{where}: {self.message}{hint}" if where else f"{self.message}{hint}"

    def value(self) -> JsonObject:
        """Return it as JSON values."""
        return {
            "code": self.code,
            "message": self.message,
            "file": self.file,
            "field": self.field,
            "hint": self.hint,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a command ended: ``text`` for people, ``data`` for programs."""

    text: str = ""
    data: JsonValue = None
    exit_code: Exit = Exit.DONE
    retry_after_s: float | None = None
    errors: tuple[Wrong, ...] = field(default=())


def document(command: str, answer: Answer) -> str:
    """Return the one JSON document of a command."""
    value: JsonObject = {
        "schema_version": SCHEMA_VERSION,
        "command": command,
        "ok": answer.exit_code is Exit.DONE,
        "exit_code": int(answer.exit_code),
        "retriable": answer.exit_code is Exit.RETRIABLE,
        "retry_after_s": None if answer.retry_after_s is None else round(answer.retry_after_s),
        "data": answer.data,
        "errors": [wrong.value() for wrong in answer.errors],
    }
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def deliver(command: str, answer: Answer, *, as_json: bool) -> int:
    """Print ``answer`` and return the exit code of the process."""
    if as_json:
        sys.stdout.write(document(command, answer))
    else:
        sys.stdout.write(answer.text)
        for wrong in answer.errors:
            sys.stderr.write(f"{command}: {wrong.line()}\n")
        if answer.retry_after_s is not None:
            sys.stderr.write(f"{command}: try again in {round(answer.retry_after_s)} s\n")
    sys.stdout.flush()
    return int(answer.exit_code)
