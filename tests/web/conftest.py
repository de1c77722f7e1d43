"""One GitHub twin and one Redis for all; each test has an application of its own."""

import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient
from web_stand import OLD_SECRET, SECRET, MakeSite, Site

from cogworks.adapters.memory_queue import RecordingQueue
from cogworks.adapters.redis_connection import connect
from cogworks.adapters.redis_start import EmbeddedRedis, start_redis
from cogworks.model.ids import RepoName
from cogworks.settings import Settings
from cogworks.web.app import build_app
from cogworks.web.office import Office, open_office

# The stand of the command line's tests: the same twins, the same hand-made states.
sys.path.append(str(Path(__file__).parents[1] / "cli"))

from cli_stand import Program, running, write_seed


@pytest.fixture(scope="session")
def web_github(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    folder = tmp_path_factory.mktemp("github")
    seed = write_seed(
        folder,
        [
            ("<script>alert(1)</script>", ["cogworks:run"]),
            ("No run yet", []),
            ("Died", ["cogworks:run", "cogworks:node:failed"]),
        ],
    )
    words = [sys.executable, "-m", "cogworks.twins.github", "--seed", str(seed), "--state", str(folder / "state")]
    with running(*words) as twin:
        yield twin


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    with start_redis(folder=tmp_path_factory.mktemp("r")) as server:
        yield server


@pytest.fixture
def office(web_github: Program, redis_server: EmbeddedRedis) -> Iterator[Office]:
    """An office on the twin and an empty Redis, with a queue that remembers."""
    with connect(redis_server.url) as client:
        client.flushall()
    settings = Settings.model_construct(
        github_token=SecretStr(web_github.tokens["cogworks"]),
        github_api_url=web_github.url,
        llm_api_key=SecretStr("key"),
        llm_api_url="http://127.0.0.1:9",
        redis_url=SecretStr(redis_server.url),
        repos=(RepoName("acme/tally"),),
        webhook_secret=SecretStr(SECRET),
        webhook_secret_old=SecretStr(OLD_SECRET),
        domain_services_config="nowhere/services.toml",
        lease_seconds=60,
        visibility_seconds=120,
        constitution_approval=None,
        console_token=None,
    )
    with closing(open_office(settings, on_loopback=True)) as opened:
        yield opened


@pytest.fixture
def site(office: Office) -> MakeSite:
    """Makes an application; keywords change its office."""

    def make(*, base_url: str = "http://127.0.0.1", **changed: object) -> Site:
        queue = RecordingQueue()
        app = build_app(replace(office, **{"queue": queue, **changed}), webhooks=True, console=True)
        return Site(client=TestClient(app, base_url=base_url), queue=queue)

    return make
