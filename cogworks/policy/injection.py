"""Whether a text from outside gives orders to the machine (40 section 7).

First small rule set, on plain and normalised text; the full detector replaces the rules behind the same call.
"""

import re
import unicodedata
from dataclasses import dataclass

_RULES: tuple[tuple[str, str], ...] = (
    (
        "instruction_override",
        r"\b(?:ignore|disregard|forget)\b.{0,30}\b(?:previous|prior|above|earlier)\b.{0,30}\binstructions?\b",
    ),
    ("persona_override", r"\byou are (?:now|no longer)\b.{0,40}\b(?:assistant|ai|model|reviewer|admin)\b"),
    ("prompt_extraction", r"\b(?:print|output|reveal|repeat|show)\b.{0,30}\b(?:system prompt|hidden instructions)\b"),
    ("role_forgery", r"(?:^|\n)\s*(?:</?cw-item|<\|?(?:system|assistant)\|?>)"),
    (
        "exfiltration",
        r"\b(?:send|post|upload|exfiltrate)\b.{0,40}\b(?:api keys?|tokens?|secrets?|credentials)\b.{0,40}\bhttps?://",
    ),
)
_COMPILED = tuple((category, re.compile(rule, re.IGNORECASE | re.DOTALL)) for category, rule in _RULES)
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\U000e0000-\U000e007f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """What was found: its category and the offending text, cut short."""

    category: str
    offending_text: str
    offset: int


def scan(text: str) -> Detection | None:
    """Return the first order to the machine found in ``text``, or None."""
    for form in (text, _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))):
        for category, rule in _COMPILED:
            found = rule.search(form)
            if found:
                return Detection(category=category, offending_text=found.group()[:2000], offset=found.start())
    return None
