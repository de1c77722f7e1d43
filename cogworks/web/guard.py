"""Who may see and use the API: anybody on this machine, elsewhere only who has the token (WEB-03)."""

import hmac
import ipaddress
from urllib.parse import urlsplit

from starlette.requests import Request

from cogworks.web.office import Office


def may_see(office: Office, request: Request) -> bool:
    """Tell whether a request for the API or a page is answered."""
    if office.console_token and _token_fits(request, office.console_token):
        return True
    # A page of another site, or a proxy on this machine, comes with another host's name.
    return office.on_loopback and is_loopback(urlsplit(f"//{request.headers.get('host', '')}").hostname or "")


def may_change(office: Office, request: Request) -> bool:
    """Tell whether a request that changes something is answered: one that a page of another site sent is not."""
    if office.console_token and _token_fits(request, office.console_token):
        return True
    origin = request.headers.get("origin")
    own = origin is None or urlsplit(origin).netloc == request.headers.get("host")
    return own and may_see(office, request)


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach ``host``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _token_fits(request: Request, token: str) -> bool:
    given = request.headers.get("authorization", "")
    return hmac.compare_digest(given.encode(), f"Bearer {token}".encode())
