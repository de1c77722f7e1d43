"""The whole system as processes: what is started, with which settings, and when it is ready (DEM-01)."""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cogworks.demo.options import LLM_KEY, Options
from cogworks.demo.processes import Child, Family, StackFailed
from cogworks.demo.redis_server import answers, redis_command, socket_of
from cogworks.demo.world import MACHINE, World

_CELERY = (sys.executable, "-m", "celery", "-A", "tasks")
_QUIET = ("--without-gossip", "--without-mingle", "-E")
_WORKERS: Mapping[str, tuple[str, ...]] = {
    "worker-control": ("-Q", "control", "-c", "1", "-n", "control@%h"),
    "worker-llm": ("-Q", "llm", "-c", "2", "-n", "llm@%h"),
    "worker-tool": ("-Q", "tool,aux", "-c", "1", "-n", "tool@%h"),
}
_READY_S = 45.0
_TICK_S = 0.02
_PLAIN = ("COGWORKS_", "FLOWER_", "GIT_", "PYTEST_", "PYTHONPATH")


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where a running stack is reached; ``anthropic`` is empty with the real provider."""

    github: str
    anthropic: str
    web: str
    human_token: str
    operator: Mapping[str, str]
    """the environment in which `cogworks` commands look at this stack"""

    def __str__(self) -> str:
        """Return the addresses for a line."""
        model = f", model {self.anthropic}" if self.anthropic else ""
        return f"GitHub {self.github}{model}, web {self.web}"


@dataclass(slots=True, kw_only=True)
class Stack:
    """Starts the system; logs and sockets are in ``folder``, what the twins know in ``state``."""

    options: Options
    world: World
    family: Family
    folder: Path
    state: Path
    say: Callable[[str], None]

    def start(self) -> Places:
        """Return when everything is ready; raise StackFailed naming the process that is not, with its log."""
        self._start_outside()
        github = self._ready_line("github")
        anthropic = self._ready_line("anthropic") if self.options.script else {}
        operator = self._operator(github, anthropic)
        self._start_inside(operator)
        self._await_service()
        for name in _WORKERS:
            self._await(name, partial(self._is_at_work, name))
        web = self._ready_line("serve")["serve"]
        return Places(
            github=github["url"],
            anthropic=anthropic.get("url", ""),
            web=web,
            human_token=github["tokens"][self.world.person],
            operator=operator,
        )

    def stop(self) -> None:
        """End everything, users before what they use."""
        self.family.end("beat", *_WORKERS, "serve")
        self.family.end_all()

    def _start_outside(self) -> None:
        """What the product does not own: GitHub, the provider, the service, and Redis."""
        self._start("redis", *redis_command(self.folder / "redis"))
        seed = ("--seed", self.options.seed, "--state", self.state / "github")
        self._module("github", "cogworks.twins.github", *seed)
        if self.options.script:
            script = ("--script", self.options.script, "--state", self.state / "anthropic")
            self._module("anthropic", "cogworks.twins.anthropic", *script)
        self._start_service()
        self._await("redis", lambda: answers(self.folder / "redis"))

    def _start_service(self, *more: str) -> None:
        place = ("--socket", self.folder / "python.sock", "--home", self.folder / "service")
        self._cogworks("service-python", "service", "run", "python", *place, *more)

    def _await_service(self) -> None:
        line = self._ready_line("service-python")
        if line["status"] == "ready":
            return
        self.family.end("service-python")
        self._start_service("--allow-unsandboxed")
        self._ready_line("service-python")
        self.say(f"no sandbox for tests here ({line['reason']}): the service runs with --allow-unsandboxed")

    def _start_inside(self, operator: Mapping[str, str]) -> None:
        for name, queues in _WORKERS.items():
            self._start(name, *_CELERY, "worker", *queues, *_QUIET, env=operator)
        self._start("beat", *_CELERY, "beat", env=operator)
        self._cogworks("serve", "serve", "--no-webhooks", "--port", self.options.port, env=operator)

    def _operator(self, github: Mapping[str, Any], anthropic: Mapping[str, Any]) -> dict[str, str]:
        """Production settings, except for the poll interval."""
        services = self.folder / "services.toml"
        place = json.dumps(str(self.folder / "python.sock"))
        services.write_text(f'[[services]]\nname = "python"\ntransport = "unix"\npath = {place}\n', "utf-8")
        provider = {LLM_KEY: os.environ.get(LLM_KEY, "")}
        if anthropic:
            provider = {LLM_KEY: anthropic["tokens"]["api_key"], "COGWORKS_LLM_API_URL": anthropic["url"]}
        return {
            **_plain_environment(),
            **provider,
            "COGWORKS_GITHUB_TOKEN": github["tokens"][MACHINE],
            "COGWORKS_GITHUB_API_URL": github["url"],
            "COGWORKS_REDIS_URL": f"unix://{socket_of(self.folder / 'redis')}",
            "COGWORKS_REPOS": ",".join(self.world.repos),
            "COGWORKS_DOMAIN_SERVICES_CONFIG": str(services),
            "COGWORKS_TEMP_DIR": str(self.folder / "work"),
            "COGWORKS_POLL_INTERVAL": "1",
        }

    def _module(self, name: str, module: str, *words: object) -> None:
        self._start(name, sys.executable, "-m", module, *map(str, words))

    def _cogworks(self, name: str, *words: object, env: Mapping[str, str] | None = None) -> None:
        self._start(name, sys.executable, "-m", "cogworks.cli.main", *map(str, words), env=env)

    def _start(self, name: str, *command: str, env: Mapping[str, str] | None = None) -> None:
        self.family.start(name, command, env=env or _plain_environment(), cwd=self.folder)

    def _child(self, name: str) -> Child:
        return next(child for child in self.family.children if child.name == name)

    def _is_at_work(self, worker: str) -> bool:
        return " ready." in self._child(worker).log.read_text("utf-8", "replace")

    def _ready_line(self, name: str) -> dict[str, Any]:
        """Return the JSON line by which a program says that it is ready."""
        out = self._child(name).out
        self._await(name, lambda: out.read_bytes().endswith(b"\n"))
        found = json.loads(out.read_text("utf-8").splitlines()[0])
        assert isinstance(found, dict), "ready lines are objects"
        return found

    def _await(self, name: str, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _READY_S
        while not ready():
            self.family.check()
            if time.monotonic() > deadline:
                raise StackFailed(f"{name} was not ready after {_READY_S:.0f} s:\n{self._child(name).tail()}")
            time.sleep(_TICK_S)


def _plain_environment() -> dict[str, str]:
    """Return our environment without anything that steers CogWorks, git or Python."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_PLAIN)}
    return {**kept, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0"}
