"""The command line of the service."""

import argparse
import ipaddress
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cogworks.service.python.homes import default_home
from cogworks.service.python.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A loopback host and a port; port 0 lets the system choose."""

    host: str
    port: int


def read_options(arguments: Sequence[str]) -> Settings:
    """The settings that the arguments ask for; a wrong one ends the program with one clear error and exit 2."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    address: Address | None = chosen.http
    socket: Path | None = None if address else (chosen.socket or default_home() / "python.sock")
    if socket is not None and not socket.is_absolute():
        parser.error(f"argument --socket: {socket} is not an absolute path")
    return Settings(
        socket=socket,
        host=address.host if address else "127.0.0.1",
        port=address.port if address else 0,
        python=chosen.python,
        home=chosen.home,
        allow_unsandboxed=chosen.allow_unsandboxed,
        bubblewrap=chosen.bubblewrap,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cogworks service run python", description="The reference domain service for Python.", allow_abbrev=False
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--socket", type=Path, metavar="PATH", help="listen on this unix socket (the default transport)")
    where.add_argument("--http", type=_address, metavar="HOST:PORT", help="listen on TCP, loopback only")
    parser.add_argument(
        "--python",
        type=_interpreter,
        default=Path(sys.executable),
        metavar="PATH",
        help="interpreter whose environment holds the target's dependencies and pytest",
    )
    parser.add_argument("--home", type=Path, default=default_home(), metavar="DIR", help="private working directory")
    parser.add_argument("--bubblewrap", default="bwrap", metavar="PATH", help="the program that makes the sandbox")
    parser.add_argument(
        "--allow-unsandboxed", action="store_true", help="run tests even where no sandbox works; development only"
    )
    return parser


def _interpreter(text: str) -> Path:
    path = Path(text).absolute()
    if not (path.is_file() and os.access(path, os.X_OK)):
        raise argparse.ArgumentTypeError(f"{text} is not an interpreter that can be run")
    return path


def _address(text: str) -> Address:
    host, colon, port = text.removeprefix("http://").rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT, for example 127.0.0.1:9100")
    bare = "127.0.0.1" if host == "localhost" else host.strip("[]")
    try:
        loopback = ipaddress.ip_address(bare).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise argparse.ArgumentTypeError(f"{host!r} is not a loopback address; the service has no authentication")
    return Address(host=bare, port=int(port))
