"""Keeps credentials out of whatever leaves the process (SEC-03)."""

import base64
import re
from collections.abc import Callable, Mapping
from urllib.parse import quote, urlsplit

Redact = Callable[[str], str]

_MIN_CHARACTERS = 6
_SECRET_NAME = re.compile(
    r"(^|[_-])(token|secret|passw(or)?d|passphrase|api[_-]?key|private[_-]?key|authorization|cookie|dsn)$",
    re.IGNORECASE,
)
_PLAIN_NAMES = frozenset({"fencing_token"})


def redactor(credentials: Mapping[str, str], *, detect: Redact) -> Redact:
    """Return a function that hides every credential, raw, in base64 and URL-encoded, and then what ``detect`` finds."""
    forms = {form: f"[REDACTED:{name}]" for name, value in credentials.items() for form in _forms(value)}
    if not forms:
        return detect
    pattern = re.compile("|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True)))

    def redact(text: str) -> str:
        return detect(pattern.sub(lambda found: forms[found[0]], text))

    return redact


def redact_value(value: object, redact: Redact) -> object:
    """Return ``value`` with every text in it redacted and every secret-named field hidden."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {str(key): _field(str(key), inner, redact) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact_value(inner, redact) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return redact(str(value))


def _field(name: str, value: object, redact: Redact) -> object:
    if value and name not in _PLAIN_NAMES and _SECRET_NAME.search(name):
        return f"[REDACTED:{name}]"
    return redact_value(value, redact)


def _forms(value: str) -> set[str]:
    parts = {value, urlsplit(value).password if "://" in value else value.partition(":")[2]}
    return {form for part in parts if part for form in _written(part) if len(form) >= _MIN_CHARACTERS}


def _written(secret: str) -> set[str]:
    raw = secret.encode()
    whole = {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}
    return {secret, quote(secret), quote(secret, safe=""), *whole, *(_inside_base64(raw, shift) for shift in (0, 1, 2))}


def _inside_base64(raw: bytes, shift: int) -> str:
    # Inside a longer text the secret begins 0, 1 or 2 bytes into a group; the characters at its ends are shared.
    text = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
    return text[(8 * shift + 5) // 6 : -1]
