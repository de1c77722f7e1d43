"""`serve`: the door for machines is a program of its own; here its environment is checked before it starts."""

import ipaddress

from cogworks.cli.answer import Answer
from cogworks.cli.options import Globals
from cogworks.cli.programs import become
from cogworks.cli.surroundings import operator
from cogworks.settings import Need


def serve(options: Globals, *, host: str, port: int, console: bool, webhooks: bool) -> Answer:
    """Become the server; what keeps it from starting is a ConfigError that names every variable."""
    needs = [Need.GITHUB, Need.REDIS]
    needs += [Need.WEBHOOKS] if webhooks else []
    needs += [] if is_loopback(host) else [Need.CONSOLE]
    settings = operator(options, *needs)
    words = ["--host", host, "--port", str(port), "--log-level", settings.log_level]
    words += [] if console else ["--no-console"]
    words += [] if webhooks else ["--no-webhooks"]
    return become("cogworks.web", words)


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach ``host``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
