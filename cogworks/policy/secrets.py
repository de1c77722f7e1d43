"""Strings that look like credentials: refused in outputs, redacted elsewhere (40 section 9).

First small rule set: shapes that are certain. Entropy warnings and exceptions come with the full detector.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cogworks.model.json_value import JsonValue

_SHAPES: tuple[tuple[str, str], ...] = (
    ("anthropic_key", r"sk-ant-[A-Za-z0-9_-]{8,}"),
    ("github_token", r"gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}"),
    ("aws_key", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    ("slack_token", r"xox[abprs]-[A-Za-z0-9-]{10,}"),
    ("stripe_key", r"\b[sr]k_live_[A-Za-z0-9]{16,}"),
    ("private_key", r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"),
    ("jwt", r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),
    ("url_password", r"[a-z][a-z0-9+.-]{1,15}://[^\s/:@<>${}\"']{1,64}:[^\s/@<>${}\"']{3,}@"),
    (
        "assigned_credential",
        r"""(?i:\b[a-z0-9_]*(?:key|secret|passw(?:or)?d|token)[a-z0-9_]*["']?\s*[:=]\s*["'](?!<|\$\{|REPLACE)[^"'\s]{8,}["'])""",
    ),
)
_PATTERN = re.compile("|".join(f"(?P<{name}>{shape})" for name, shape in _SHAPES))


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretHit:
    """Where a secret-like text stands; its value is never carried around."""

    kind: str
    line: int


def find_secrets(text: str) -> tuple[SecretHit, ...]:
    """Return every secret-like text in ``text`` by kind and line (from 1)."""
    return tuple(
        SecretHit(kind=found.lastgroup or "", line=text.count("\n", 0, found.start()) + 1)
        for found in _PATTERN.finditer(text)
    )


def redact(text: str) -> str:
    """Return ``text`` with every secret-like part replaced by ``[REDACTED:<kind>]``."""
    return _PATTERN.sub(lambda found: f"[REDACTED:{found.lastgroup}]", text)


def redact_value(value: JsonValue) -> JsonValue:
    """Return ``value`` with every text in it redacted; names of fields stay."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {name: redact_value(one) for name, one in value.items()}
    if isinstance(value, Sequence):
        return [redact_value(one) for one in value]
    return value
