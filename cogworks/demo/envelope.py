"""The one JSON document that --json prints, in the form of every command (CLI-03)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """One thing that went wrong."""

    code: str
    message: str
    hint: str = ""


def document(*, exit_code: int, data: dict[str, Any] | None, wrongs: Sequence[Wrong] = ()) -> str:
    """Return the document of a demo that ended with ``exit_code``."""
    value = {
        "schema_version": "1",
        "command": "demo",
        "ok": exit_code == 0,
        "exit_code": exit_code,
        "retriable": False,
        "retry_after_s": None,
        "data": data,
        "errors": [
            {"code": one.code, "message": one.message, "file": "", "field": "", "hint": one.hint} for one in wrongs
        ],
    }
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
