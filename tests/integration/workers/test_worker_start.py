"""What keeps a process from starting is named, and it ends with 2 (RUN-14, GH-02)."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from cogworks.adapters.memory_clock import VirtualClock
from cogworks.adapters.memory_forge import MemoryForge
from cogworks.adapters.memory_github import MemoryGitHub
from cogworks.adapters.redis_check import check_redis
from cogworks.adapters.redis_connection import connect
from cogworks.adapters.redis_start import start_redis
from cogworks.engine.starting import UNREACHABLE, await_redis, require_rights
from cogworks.model.errors import ConfigError, GitHubTransient, Problem
from cogworks.model.ids import RepoName

REPO = RepoName("acme/tally")
WORKER = ["celery", "-A", "tasks", "worker", "-Q", "llm", "-c", "1", "--without-gossip", "--without-mingle"]
BEAT = ["celery", "-A", "tasks", "beat"]
SERVE = ["cogworks.cli.main", "serve", "--port", "0", "--no-webhooks"]


@pytest.fixture(scope="module")
def own() -> Iterator[tuple[str, Redis]]:
    """A server whose configuration may be spoiled."""
    with start_redis() as server, connect(server.url) as client:
        yield server.url, client


def evicting(client: Redis) -> None:
    client.config_set("maxmemory-policy", "allkeys-lru")


def read_only(client: Redis) -> None:
    client.replicaof("127.0.0.1", "9")


@pytest.fixture
def spoiled(own: tuple[str, Redis], request: pytest.FixtureRequest) -> Iterator[str]:
    url, client = own
    request.param(client)
    yield url
    client.replicaof("NO", "ONE")
    client.config_set("maxmemory-policy", "noeviction")


@pytest.mark.parametrize(
    ("spoiled", "words", "named"),
    [
        pytest.param(evicting, WORKER, "maxmemory-policy is allkeys-lru", id="a worker on an evicting Redis"),
        pytest.param(evicting, BEAT, "maxmemory-policy is allkeys-lru", id="beat on an evicting Redis"),
        pytest.param(evicting, SERVE, "maxmemory-policy is allkeys-lru", id="serve on an evicting Redis"),
        pytest.param(read_only, WORKER, "refuses to write", id="a worker on a read-only Redis"),
    ],
    indirect=["spoiled"],
)
def test_an_unfit_redis_is_named_and_nothing_starts(spoiled: str, words: list[str], named: str, tmp_path: Path) -> None:
    ended = started(words, redis_url=spoiled, folder=tmp_path)
    assert ended.returncode == 2, ended.stderr
    assert named in ended.stderr


def started(words: list[str], *, redis_url: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COGWORKS_", "FLOWER_"))}
    env = {
        **kept,
        "COGWORKS_REDIS_URL": redis_url,
        "COGWORKS_GITHUB_TOKEN": "token",
        "COGWORKS_LLM_API_KEY": "key",
        "COGWORKS_GITHUB_API_URL": "http://127.0.0.1:9",
        "COGWORKS_TEMP_DIR": str(folder),
    }
    return subprocess.run(
        [sys.executable, "-m", *words], env=env, capture_output=True, text=True, timeout=120, check=False
    )


class Old:
    """A server that says that it is of an old version, and takes writes."""

    def info(self) -> dict[str, object]:
        return {"redis_version": "6.0.16", "maxmemory_policy": "noeviction"}

    def set(self, *_: object, **__: object) -> bool:
        return True


def test_a_redis_that_is_too_old_is_named() -> None:
    [problem] = check_redis(Old())  # type: ignore[arg-type]
    assert (problem.code, problem.message) == ("redis_too_old", "Redis is of version 6.0.16")
    with pytest.raises(ConfigError, match=r"6\.0\.16"):
        await_redis(lambda: [problem], clock=VirtualClock(), say=lambda _: None)


def test_a_redis_that_is_away_is_waited_for() -> None:
    away = Problem(code=UNREACHABLE, file="environment", field="COGWORKS_REDIS_URL", message="nobody answers")
    answers: list[list[Problem]] = [[away], [away], []]
    clock, said = VirtualClock(), list[str]()
    await_redis(lambda: answers.pop(0), clock=clock, say=said.append)
    assert (clock.monotonic(), len(said)) == (10.0, 2)


# -- rights -----------------------------------------------------------------------------------------------------------


def forge(*, right: str) -> MemoryForge:
    made = MemoryForge(now=VirtualClock().now)
    made.add_repo(REPO, files={}, issues=[])
    made.repo(REPO).people["cogworks"] = right  # type: ignore[assignment]
    return made


RIGHTS = [
    ("enough", "write", "", ""),
    ("more than enough is a warning", "admin", "", "may administer"),
    ("each missing right is named", "read", "issues: write|pull requests: write|contents: write", ""),
]


@pytest.mark.parametrize(("why", "right", "lacks", "warned"), RIGHTS, ids=[row[0] for row in RIGHTS])
def test_rights_are_checked_at_the_start(why: str, right: str, lacks: str, warned: str) -> None:
    said: list[str] = []
    told = ""
    try:
        require_rights(MemoryGitHub(forge(right=right)), [REPO], say=said.append)
    except ConfigError as error:
        told = str(error)
    assert all(one in told for one in lacks.split("|")), why
    assert bool(told) == bool(lacks), why
    assert [warned in one for one in said] == ([True] if warned else []), why


def test_a_github_that_is_away_does_not_keep_a_worker_from_starting(monkeypatch: pytest.MonkeyPatch) -> None:
    github, said = MemoryGitHub(forge(right="write")), list[str]()

    def away(_: RepoName) -> tuple[str, ...]:
        raise GitHubTransient("no answer")

    monkeypatch.setattr(github.contents, "missing_rights", away)
    require_rights(github, [REPO], say=said.append)
    assert "cannot be asked for now" in said[0]
