"""`python -m cogworks.service.python` runs the reference Python service until SIGTERM."""

import json
import logging
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import uvicorn

from cogworks.service.python.app import Calls, build_app
from cogworks.service.python.faults import ServiceFault
from cogworks.service.python.homes import open_home, process_scratch
from cogworks.service.python.listening import CannotListen, Place, listen_on_tcp, listen_on_unix
from cogworks.service.python.options import read_options
from cogworks.service.python.replies import Reply
from cogworks.service.python.settings import Settings
from cogworks.service.python.workshop import open_workshop

_GRACE_SECONDS = 5


class Server(uvicorn.Server):
    """Ends the calls in flight when it is told to stop, so that none of them holds the process back."""

    def __init__(self, config: uvicorn.Config, *, calls: Calls) -> None:
        super().__init__(config)
        self._calls = calls

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM or SIGINT came."""
        self._calls.cancel_all()
        super().handle_exit(sig, frame)


def main(arguments: Sequence[str]) -> int:
    """Listen, say so in one line of JSON, serve; exit 2 when it cannot start."""
    settings = read_options(arguments)
    # uvicorn raises the signal again when it is done; without this the process would end before it has tidied up.
    signal.signal(signal.SIGTERM, _leave)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    try:
        open_home(settings.home)
        place = _listen(settings)
    except CannotListen as error:
        sys.stderr.write(f"error: {error.reason}\n")
        return 2
    scratch = process_scratch(settings.home)
    try:
        return _serve(settings, place, scratch=scratch)
    except ServiceFault as fault:
        sys.stderr.write(f"error: {fault}\n")
        return 2
    finally:
        place.leave()
        shutil.rmtree(scratch, ignore_errors=True)


def _leave(sig: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the form of a signal handler
    sys.exit(0)


def _listen(settings: Settings) -> Place:
    if settings.socket is not None:
        return listen_on_unix(settings.socket)
    return listen_on_tcp(settings.host, settings.port)


def _serve(settings: Settings, place: Place, *, scratch: Path) -> int:
    reply = Reply(workshop=open_workshop(settings, scratch=scratch))
    calls = Calls(reply, max_concurrency=settings.max_concurrency)
    config = uvicorn.Config(
        build_app(calls), log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=_GRACE_SECONDS
    )
    shown = reply.handshake()
    where = {"path": place.address} if place.transport == "unix" else {"url": place.address}
    line = {"service": "python", "transport": place.transport, **where, "status": shown.status, "reason": shown.reason}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
    Server(config, calls=calls).run(sockets=[place.listener])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
