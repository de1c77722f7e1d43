"""A dead letter in a failure comment: a line for people, and the whole letter as JSON that no text can end (RUN-19)."""

import json
import re
from collections.abc import Mapping

from cogworks.model.dead_letter import DeadLetter, LetterStatus, letter_of_value, letter_to_json
from cogworks.pages.quoting import line

_BLOCK = re.compile(
    r"^\*\*Dead letter\*\*[^\n]*\n<!-- cogworks:letter\n(?P<json>[^\n]*)\ncogworks:end -->$", re.MULTILINE
)
_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "@": "\\u0040"})
"""Inside JSON these stand in texts alone, so the block stays JSON; outside it, the comment could end or ping."""


def render_letter(letter: DeadLetter, *, note: str = "") -> str:
    """Return the block of ``letter``; ``note`` says why it was answered as it was."""
    text = letter_to_json(letter).translate(_ESCAPES)
    return f"**Dead letter** `{letter.key}`: {_standing(letter, note)}\n<!-- cogworks:letter\n{text}\ncogworks:end -->"


def letters_in(body: str) -> tuple[DeadLetter, ...]:
    """Return the letters in a comment; a block that does not hold one, as after an edit by hand, is none."""
    found = (_letter(block["json"]) for block in _BLOCK.finditer(body))
    return tuple(letter for letter in found if letter is not None)


def with_letter(text: str, letter: DeadLetter, *, note: str = "") -> str:
    """Return ``text`` with ``letter`` in place of the one of the same key."""

    def other(block: re.Match[str]) -> str:
        known = _letter(block["json"])
        return render_letter(letter, note=note) if known and known.key == letter.key else block[0]

    return _BLOCK.sub(other, text)


def _letter(text: str) -> DeadLetter | None:
    try:
        value = json.loads(text)
        return letter_of_value(value) if isinstance(value, Mapping) else None
    except ValueError:
        return None


def _standing(letter: DeadLetter, note: str) -> str:
    why = f": {line(note)}" if note else ""
    match letter.status:
        case LetterStatus.REPLAYED:
            return f"replayed{why}."
        case LetterStatus.DISCARDED:
            return f"dropped{why}."
        case LetterStatus.OPEN:
            begun = f", begun {letter.starts} times" if letter.starts > 1 else ""
            return (
                f"{letter.reason} at {letter.stage}{begun}. When the cause is settled: `cogworks dlq replay "
                f"'{letter.key}'`, or `cogworks dlq drop '{letter.key}' --reason TEXT`."
            )
