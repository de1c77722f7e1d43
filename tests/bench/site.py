"""Where measurements happen: one Redis with a database for each party, a GitHub twin, and workers of one child."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from cogworks.adapters.redis_start import start_redis
from tests.bench.houses import ISSUES, RATE_ISSUES, TRIGGER, pipeline_of
from tests.bench.shapes import CHAIN, IDLE_REPO, RATE_REPO, REPO, files, title
from tests.journeys.processes import Program, start, until

READY = " ready."
_SEED = '[[users]]\nlogin = "maria"\npermission = "write"\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What runs while figures are taken."""

    folder: Path
    redis: str
    github: Mapping[str, Any]
    _stack: ExitStack

    def database(self, number: int) -> str:
        """Return the URL of one database, so that nobody takes another's messages."""
        return f"{self.redis}?db={number}"

    def environment(self, *, database: int, forge: str = "twin") -> dict[str, str]:
        """Return an operator's settings."""
        own = ("COGWORKS_", "FLOWER_", "GIT_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(own)}
        return {
            **kept,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "COGWORKS_REDIS_URL": self.database(database),
            "COGWORKS_GITHUB_TOKEN": self.github["tokens"]["cogworks"],
            "COGWORKS_GITHUB_API_URL": self.github["url"],
            "COGWORKS_GITHUB_WRITES_PER_MINUTE": "1000000",
            "COGWORKS_GITHUB_WRITES_PER_HOUR": "1000000",
            "COGWORKS_LLM_API_KEY": "not-used-by-a-scripted-model",
            "COGWORKS_REPOS": IDLE_REPO,
            "COGWORKS_TEMP_DIR": str(self.folder / f"work-{database}"),
            "COGWORKS_LOG_FORMAT": "text",
            "BENCH_FORGE": forge,
        }

    def start_worker(
        self, name: str, app: str, *, database: int, forge: str = "twin", until_ready: bool = True
    ) -> Program:
        """Start a worker for every queue with one child; it ends with the site at the latest."""
        options = ("-Q", "control,llm,tool,aux", "-c", "1", "-n", f"{name}@%h", "-l", "INFO")
        command = (
            sys.executable,
            "-m",
            "celery",
            "-A",
            app,
            "worker",
            *options,
            "--without-gossip",
            "--without-mingle",
        )
        env = self.environment(database=database, forge=forge)
        program = start(name, (*command, "-E"), folder=self.folder, env=env)
        self._stack.callback(program.kill)
        if until_ready:
            until(lambda: READY in program.log.read_text(), within_s=30, what=f"{name} is ready")
        return program

    def log(self, *, after: int = 0) -> list[dict[str, Any]]:
        """Return the requests that the GitHub twin was sent."""
        answer = httpx.get(f"{self.github['url']}/_twin/log", params={"after": after}, timeout=30)
        found: list[dict[str, Any]] = answer.raise_for_status().json()["log"]
        return found


@contextmanager
def opened(folder: Path) -> Iterator[Site]:
    """Run Redis and the GitHub twin until the block ends."""
    with ExitStack() as stack:
        redis = stack.enter_context(start_redis(folder=folder / "redis"))
        command = ("-m", "cogworks.twins.github", "--seed", str(_seed(folder)), "--state", str(folder / "github"))
        twin = start("github", (sys.executable, *command), folder=folder, env=os.environ, says_ready=True)
        stack.callback(twin.kill)
        yield Site(folder=folder, redis=redis.url, github=json.loads(twin.ready_line()), _stack=stack)


def _seed(folder: Path) -> Path:
    for name, text in files().items():
        path = folder / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    busy = [_issue(pipeline_of(number)) for number in range(1, ISSUES + 1)]
    rate = [_issue(CHAIN) for _ in range(RATE_ISSUES)]
    path = folder / "seed.toml"
    parts = [_repository(REPO), *busy, _repository(IDLE_REPO), _repository(RATE_REPO), *rate]
    path.write_text(_SEED + "".join(parts), encoding="utf-8")
    return path


def _repository(name: str) -> str:
    return f'[[repositories]]\nfull_name = "{name}"\nsource = "./source"\n'


def _issue(pipeline: str) -> str:
    return (
        f'[[repositories.issues]]\ntitle = "{title(pipeline)}"\nbody = "Go."\n'
        f'author = "maria"\nlabels = ["{TRIGGER}"]\n'
    )
