"""`serve`: the door for machines, run by uvicorn until SIGTERM (70 section 12)."""

import ipaddress
import json
import socket
import sys

from cogworks.cli.answer import Answer
from cogworks.cli.options import Globals
from cogworks.cli.surroundings import operator
from cogworks.model.errors import ConfigError, Problem
from cogworks.settings import Need


def serve(options: Globals, *, host: str, port: int, console: bool, webhooks: bool) -> Answer:
    """Listen, say where in one line of JSON, and serve; the reason not to start is a ConfigError."""
    needs = [Need.GITHUB, Need.REDIS]
    needs += [Need.WEBHOOKS] if webhooks else []
    needs += [] if is_loopback(host) else [Need.CONSOLE]
    settings = operator(options, *needs)

    import uvicorn

    from cogworks.bootstrap import start_telemetry
    from cogworks.web.app import build_app
    from cogworks.web.office import open_office

    start_telemetry(settings)
    office = open_office(settings, open_to_all=is_loopback(host))
    app = build_app(office, webhooks=webhooks, console=console)
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=5)
    listener = _listen(host, port)
    try:
        found = listener.getsockname()
        shown = f"[{found[0]}]" if ":" in found[0] else found[0]
        sys.stdout.write(json.dumps({"serve": f"http://{shown}:{found[1]}", "webhooks": webhooks}) + "\n")
        sys.stdout.flush()
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        listener.close()
    return Answer()


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach ``host``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        problem = Problem(
            code="out_of_range",
            file="command line",
            field="--port",
            message=f"{host}:{port}: {error.strerror or error}",
        )
        raise ConfigError(problems=(problem,)) from error
