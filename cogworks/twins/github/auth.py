"""Whose token a request carries."""

import base64
import binascii


def token_in(authorization: str | None) -> str | None:
    """Return the token of an `Authorization` header in any of the forms that GitHub and git use."""
    scheme, _, value = (authorization or "").strip().partition(" ")
    if scheme.lower() in {"token", "bearer"}:
        return value.strip()
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(value).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    # The token may stand in either place: https://TOKEN@host or https://x-access-token:TOKEN@host.
    return password if password not in {"", "x-oauth-basic"} else user
