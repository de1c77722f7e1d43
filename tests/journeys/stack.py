"""A whole installation as processes: twins, Redis, service, workers, beat (HAR-01)."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
from conformance import check_recording
from people import Person
from processes import PROJECT, Program, clean_environment, start, until
from redis import Redis
from scripts import Rule, write_script
from seeds import REPO, Seed

from cogworks.adapters.redis_start import EmbeddedRedis, start_redis

_CELERY = (sys.executable, "-m", "celery", "-A", "tasks")
_WORKER = ("--without-gossip", "--without-mingle", "-E")
WORKERS: Mapping[str, Sequence[str]] = {
    "worker-control": (*_CELERY, "worker", "-Q", "control", "-c", "1", "-n", "control@%h", *_WORKER),
    "worker-llm": (*_CELERY, "worker", "-Q", "llm", "-c", "2", "-n", "llm@%h", *_WORKER),
    "worker-tool": (*_CELERY, "worker", "-Q", "tool,aux", "-c", "1", "-n", "tool@%h", *_WORKER),
}
QUICK: Mapping[str, str] = MappingProxyType({"COGWORKS_POLL_INTERVAL": "1", "COGWORKS_SWEEP_SECONDS": "1"})
"""polls and sweeps often; all else as in production"""
FORGETFUL: Mapping[str, str] = {**QUICK, "COGWORKS_LEASE_SECONDS": "3", "COGWORKS_VISIBILITY_SECONDS": "5"}
"""gives up on a lost worker soon"""


@dataclass(slots=True, kw_only=True)
class Stack:
    """The running installation; ``maria`` is the person who uses it."""

    folder: Path
    seed: Path
    script: Path
    settings: Mapping[str, str]
    service_home: Path
    redis: EmbeddedRedis
    programs: dict[str, Program] = field(default_factory=dict)
    github: dict[str, Any] = field(default_factory=dict)
    anthropic: dict[str, Any] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)

    @property
    def maria(self) -> Person:
        """The person who labels and merges."""
        return self.person("maria")

    def person(self, login: str) -> Person:
        """Return somebody with an account on the twin."""
        if login not in self.people:
            headers = {"authorization": f"Bearer {self.github['tokens'][login]}"}
            client = httpx.Client(base_url=self.github["url"], headers=headers, timeout=20)
            self.people[login] = Person(client=client)
        return self.people[login]

    def start_outside(self) -> None:
        """Start what is no part of CogWorks: GitHub and the model provider."""
        recording = ("--record", str(self.folder / "github.jsonl"))
        self._start(
            "github",
            *_module("cogworks.twins.github", "--seed", self.seed, "--state", self.folder / "github"),
            *recording,
            says_ready=True,
        )
        self._start(
            "anthropic",
            *_module("cogworks.twins.anthropic", "--script", self.script, "--state", self.folder / "anthropic"),
            says_ready=True,
        )

    def start_service(self) -> None:
        """Start the Python service on its socket."""
        options = ("--socket", self.folder / "python.sock", "--home", self.service_home)
        self._start("service-python", *_module("cogworks.service.python", *options), says_ready=True)

    def await_outside(self) -> None:
        """Return when everything that CogWorks needs is ready."""
        self.github = json.loads(self.programs["github"].ready_line())
        self.anthropic = json.loads(self.programs["anthropic"].ready_line())
        assert json.loads(self.programs["service-python"].ready_line())["status"] == "ready"

    def start_cogworks(self) -> None:
        """Start workers and beat, as the Procfile does, each queue with few processes."""
        for name in WORKERS:
            self.start_worker(name)
        self.start_beat()

    def start_beat(self, name: str = "beat") -> None:
        """Start a beat; of several one leads."""
        self._start(name, *_CELERY, "beat", env=self.environment())

    def start_procfile(self) -> None:
        """Start the very commands of the Procfile, as any supervisor does."""
        lines = (PROJECT / "Procfile").read_text("utf-8").splitlines()
        commands = dict(line.split(": ", 1) for line in lines if ": " in line and not line.startswith("#"))
        for name in (*WORKERS, "beat"):
            self._start(name, "/bin/sh", "-c", commands[name], env=self.environment())

    def start_worker(self, name: str) -> None:
        """Start one worker."""
        self._start(name, *WORKERS[name], env=self.environment())

    def environment(self) -> dict[str, str]:
        """Return the operator's settings."""
        return {
            **clean_environment(),
            "COGWORKS_GITHUB_TOKEN": self.github["tokens"]["cogworks"],
            "COGWORKS_GITHUB_API_URL": self.github["url"],
            # The twin has no limits unless it is told to have some.
            "COGWORKS_GITHUB_WRITES_PER_MINUTE": "0",
            "COGWORKS_GITHUB_WRITES_PER_HOUR": "0",
            "COGWORKS_LLM_API_KEY": self.anthropic["tokens"]["api_key"],
            "COGWORKS_LLM_API_URL": self.anthropic["url"],
            "COGWORKS_REDIS_URL": self.redis.url,
            "COGWORKS_REPOS": REPO,
            "COGWORKS_TEMP_DIR": str(self.folder / "work"),
            "COGWORKS_LOG_FORMAT": "text",
            "TMPDIR": str(self.folder),
            "REMAP_SIGTERM": "SIGQUIT",
            **self.settings,
        }

    def stop_cogworks(self) -> None:
        """End workers, beat, service and Redis: asked first, then killed while they still clear up."""
        ours = [one for name, one in self.programs.items() if name not in ("github", "anthropic")]
        for program in ours:
            program.ask_to_end()
        until(lambda: not self.programs["beat"].runs, within_s=10, what="beat ends when it is asked to")
        for program in ours:
            program.kill()
        self.redis.kill()

    def restart_with_empty_redis(self) -> None:
        """Start again what ``stop_cogworks`` ended, with nothing in Redis."""
        home = self.folder / "redis"
        shutil.rmtree(home)
        self.redis = start_redis(folder=home)
        self.start_service()
        self.programs["service-python"].ready_line()
        self.start_cogworks()

    def replace_redis(self) -> None:
        """Kill Redis under everybody, and start it empty in its place."""
        home = self.folder / "redis"
        self.redis.kill()
        self.redis.stop()
        shutil.rmtree(home)
        self.redis = start_redis(folder=home)

    def empty_redis(self) -> None:
        """Forget everything in Redis while all go on."""
        with Redis.from_url(self.redis.url) as client:
            client.flushall()

    def ask(self, twin: str, path: str, *, method: str = "GET", body: Any = None) -> Any:
        """Use one of a twin's own routes."""
        url = (self.github if twin == "github" else self.anthropic)["url"]
        return httpx.request(method, f"{url}/_twin/{path}", json=body, timeout=20).raise_for_status().json()

    def set_faults(self, twin: str, faults: Sequence[Mapping[str, Any]]) -> None:
        """Let a twin fail as told."""
        self.ask(twin, "faults", method="POST", body=list(faults))

    def holds_a_request(self) -> bool:
        """Whether a twin holds a request back."""
        return any(self.ask(twin, "holds")["holds"] for twin in ("github", "anthropic"))

    def let_go(self) -> None:
        """Let every held request go on."""
        for twin in ("github", "anthropic"):
            self.ask(twin, "release", method="POST", body={})

    def asked_twice(self) -> list[str]:
        """Return the calls of the model whose answer arrived, and that were sent and paid again."""
        log = self.ask("anthropic", "log")["requests"]
        paid = Counter(json.dumps(one["request"]) for one in log if one["outcome"] == "delivered")
        return [f"{count} times: {text[:300]}" for text, count in paid.items() if count > 1]

    def paid_microusd(self) -> int:
        """Return what the model provider charged for answers that arrived."""
        charged: int = self.ask("anthropic", "counts")["delivered"]["cost_microusd"]
        return charged

    def requests(self, *, after: int = 0) -> list[dict[str, Any]]:
        """Return what CogWorks asked the GitHub twin for."""
        log = self.ask("github", f"log?after={after}")["log"]
        return [one for one in log if one["login"] == "cogworks"]

    def command(self, *words: str) -> dict[str, Any]:
        """Call the command line as the operator does and return its JSON document."""
        command = (sys.executable, "-m", "cogworks.cli.main", *words, "--json")
        said = subprocess.run(command, env=self.environment(), cwd=PROJECT, capture_output=True, text=True, timeout=60)
        assert said.stdout, said.stderr
        document: dict[str, Any] = json.loads(said.stdout)
        return document

    def clone(self, branch: str) -> Path:
        """Return a fresh clone of a branch."""
        target = self.folder / f"clone-{branch.replace('/', '-')}"
        url = self.github["url"].replace("://", f"://x-access-token:{self.github['tokens']['maria']}@")
        command = ("git", "clone", "--quiet", "--branch", branch, f"{url}/{REPO}.git", str(target))
        program = start("clone", command, folder=self.folder, env=clean_environment())
        assert program.process.wait(timeout=30) == 0, program.log.read_text()
        return target

    def logged_errors(self) -> list[str]:
        """Return every line that a worker or beat logged as an error."""
        names = (*WORKERS, "beat")
        lines = [line for name in names for line in self.programs[name].log.read_text().splitlines()]
        return [line for line in lines if " ERROR " in line or "Traceback" in line]

    def conforms(self) -> list[str]:
        """Return what is wrong with the GitHub twin's answers, by GitHub's own description."""
        return check_recording(self.folder / "github.jsonl")

    def logs(self) -> str:
        """Return the end of every log, for a person who looks for what went wrong."""
        tails = []
        for path in sorted(self.folder.glob("*.log")):
            lines = [line for line in path.read_text("utf-8", "replace").splitlines() if "tasks.upkeep" not in line]
            tails.append(f"==== {path.name}\n" + "\n".join(lines[-40:]))
        return "\n".join(tails)

    def _start(self, name: str, *command: str, env: Mapping[str, str] | None = None, says_ready: bool = False) -> None:
        self.programs[name] = start(
            name, command, folder=self.folder, env=env or clean_environment(), says_ready=says_ready
        )

    def close(self) -> None:
        """End everything that was started here."""
        for person in self.people.values():
            person.client.close()
        for program in reversed(self.programs.values()):
            program.kill()
        self.redis.stop()


def _module(name: str, *options: object) -> tuple[str, ...]:
    return (sys.executable, "-m", name, *map(str, options))


@contextmanager
def running(
    seed: Seed,
    rules: Sequence[Rule],
    *,
    service_home: Path,
    settings: Mapping[str, str] = QUICK,
    from_procfile: bool = False,
) -> Iterator[Stack]:
    """Run an installation until the block ends; its logs are shown when it fails."""
    # Sockets have short names, so the folder has one too.
    with tempfile.TemporaryDirectory(prefix="cwj-") as name:
        folder = Path(name)
        stack = Stack(
            folder=folder,
            seed=seed.write(folder, service_socket=folder / "python.sock"),
            script=write_script(folder / "script.jsonl", rules),
            settings=settings,
            service_home=service_home,
            redis=start_redis(folder=folder / "redis"),
        )
        try:
            stack.start_outside()
            stack.start_service()
            stack.await_outside()
            if from_procfile:
                stack.start_procfile()
            else:
                stack.start_cogworks()
            yield stack
        except BaseException:
            sys.stdout.write(stack.logs())
            raise
        finally:
            stack.close()


def by_route(requests: Sequence[Mapping[str, Any]]) -> Counter[str]:
    """Count requests by method, route and status."""
    return Counter(f"{one['method']} {one['route'] or one['path']} {one['status']}" for one in requests)
