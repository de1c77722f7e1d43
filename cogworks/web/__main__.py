"""`python -m cogworks.web`: serves until SIGTERM; started by `cogworks serve`."""

import argparse
import json
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import closing

import uvicorn

from cogworks.bootstrap import redis_problems, start_telemetry
from cogworks.engine.starting import UNREACHABLE
from cogworks.model.errors import ConfigError
from cogworks.settings import Need, Settings, read_settings
from cogworks.web.app import build_app
from cogworks.web.guard import is_loopback
from cogworks.web.office import open_office

_GRACE_S = 5


def main(arguments: Sequence[str]) -> int:
    """Listen, say where in one line of JSON, serve; exit 2 when it cannot start."""
    options = _options(arguments)
    here = is_loopback(options.host)
    needs = [
        Need.GITHUB,
        Need.REDIS,
        *([] if options.no_webhooks else [Need.WEBHOOKS]),
        *([] if here else [Need.CONSOLE]),
    ]
    try:
        settings = read_settings(needs=needs)
        _refuse_unfit_redis(settings)
        listener = _listen(options.host, options.port)
    except (ConfigError, OSError) as error:
        sys.stderr.write(f"serve: {error}\n")
        return 2
    if options.log_level:
        settings = settings.model_copy(update={"log_level": options.log_level})
    start_telemetry(settings)
    office = open_office(settings, on_loopback=here)
    app = build_app(office, webhooks=not options.no_webhooks, console=not options.no_console)
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=_GRACE_S, server_header=False
    )
    # uvicorn raises the signal again when it is done: ending is what was asked, not a failure.
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: sys.exit(0))
    with listener, closing(office):
        _tell(listener, webhooks=not options.no_webhooks)
        uvicorn.Server(config).run(sockets=[listener])
    return 0


def _refuse_unfit_redis(settings: Settings) -> None:
    """Raise ConfigError for a Redis that only an operator can mend; one that is away shows in ``/readyz``."""
    assert settings.redis_url is not None, "Need.REDIS was read"
    found = redis_problems(settings.redis_url.get_secret_value())
    if any(problem.code != UNREACHABLE for problem in found):
        raise ConfigError(problems=tuple(found))


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="cogworks serve")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--log-level", help="default: COGWORKS_LOG_LEVEL")
    parser.add_argument("--no-console", action="store_true")
    parser.add_argument("--no-webhooks", action="store_true")
    return parser.parse_args(arguments)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=128)


def _tell(listener: socket.socket, *, webhooks: bool) -> None:
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    sys.stdout.write(json.dumps({"serve": f"http://{shown}:{port}", "webhooks": webhooks}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
