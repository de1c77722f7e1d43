"""Health, metrics, the API and the pages: what they show, and to whom (70 section 12)."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import timedelta

import httpx
import pytest
from cli_stand import Program, running
from hand_made import post_state
from web_stand import MakeSite

from cogworks.adapters.redis_start import EmbeddedRedis
from cogworks.model.errors import Problem
from cogworks.model.pulse import Tick, WorkerSign
from cogworks.model.state import RunState, state_as_value, state_to_json
from cogworks.web.office import Office

RUN = "/api/v1/pipelines/acme/tally/1"


@pytest.fixture(scope="session")
def state(web_github: Program) -> RunState:
    return post_state(web_github, 1)


@pytest.fixture
def open_run(office: Office, state: RunState) -> RunState:
    """The run, known to Redis too."""
    assert office.reading.projection is not None
    office.reading.projection.save(
        state.item, state=state_to_json(state), seq=state.seq, fence=state.fence, open_run=True
    )
    return state


def test_alive_means_alive(site: MakeSite) -> None:
    assert site().client.get("/healthz").status_code == 200


def test_ready_names_every_check(site: MakeSite) -> None:
    answer = site().client.get("/readyz")
    assert answer.json() == {
        "redis": "ok",
        "github": "ok",
        "llm_key": "ok",
        "alerts": "ok",
        "config acme/tally": "ok",
    }
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("changed", "check", "why"),
    [
        ({"redis_problems": lambda: [Problem(code="x", message="Redis refuses to write")]}, "redis", "a full Redis"),
        ({"llm_key_is_set": False}, "llm_key", "no key"),
        ({"repos": ("acme/nothing",)}, "config acme/nothing", "a repository that is not there"),
    ],
)
def test_not_ready_says_why(site: MakeSite, changed: Mapping[str, object], check: str, why: str) -> None:
    answer = site(**changed).client.get("/readyz")
    assert answer.status_code == 503, why
    assert answer.json()[check] != "ok", why


def test_a_silent_beat_is_no_readiness(site: MakeSite, office: Office) -> None:
    signs(office, ticked_s_ago=600)
    answer = site().client.get("/readyz")
    assert (answer.status_code, "beat is silent" in answer.json()["alerts"]) == (503, True)


def test_beat_workers_and_queues_are_read_at_each_scrape(site: MakeSite, office: Office) -> None:
    client = site().client
    signs(office, ticked_s_ago=5)
    seen = client.get("/metrics").text
    assert 'cogworks_workers_online{queue="llm"} 1.0' in seen
    assert 'cogworks_workers_online{queue="tool"} 0.0' in seen
    assert 'cogworks_queue_depth{queue="control"} 0.0' in seen
    assert "cogworks_tasks_unacked 0.0" in seen
    [tick] = re.findall(r"^cogworks_beat_last_tick_timestamp (\S+)$", seen, re.MULTILINE)
    assert abs(time.time() - 5 - float(tick)) < 60


def signs(office: Office, *, ticked_s_ago: float) -> None:
    """Let a beat and a worker have given a sign of life."""
    lookout = office.reading.lookout
    assert lookout is not None
    now = lookout.clock.now()
    lookout.pulse.ticked(Tick(at=now - timedelta(seconds=ticked_s_ago), by="beat"))
    lookout.pulse.worked(WorkerSign(name="llm@a", queues=("llm",), seen_at=now, busy=0, slots=3))


def test_open_runs_are_listed_and_counted(site: MakeSite, open_run: RunState) -> None:
    client = site().client
    [run] = client.get("/api/v1/pipelines").json()["pipelines"]
    assert (run["issue"], run["status"], run["cost_microusd"]) == ("acme/tally#1", "waiting", 3_540_000)
    assert 'cogworks_pipelines_active{repo="acme/tally"} 1.0' in client.get("/metrics").text


def test_one_run_is_what_the_command_line_shows(site: MakeSite, state: RunState) -> None:
    client = site().client
    assert client.get(RUN).json()["state"] == state_as_value(state)
    assert client.get(f"{RUN}/cost").json()["total"] == {"tokens": 237_800, "microusd": 3_540_000}
    assert client.get(f"{RUN}/graph").json()["graph"].startswith("flowchart TD")


@pytest.mark.parametrize(
    ("path", "status", "why"),
    [
        ("/api/v1/pipelines/acme/tally/2", 200, "an item without a run"),
        ("/api/v1/pipelines/acme/tally/2/cost", 200, "which cost nothing yet"),
        ("/api/v1/pipelines/acme/tally/999", 404, "no such issue"),
        ("/api/v1/pipelines/acme/tally/0", 404, "no such number"),
        ("/api/v1/pipelines/acme/tally/one", 404, "not a number"),
        ("/api/v1/pipelines/acme/nothing/1", 404, "no such repository"),
        ("/api/v1/pipelines/acme/..%2F..%2Fuser/1", 404, "not a repository"),
        ("/console/acme/tally/999", 404, "nor a page of it"),
        ("/nothing", 404, "no such path"),
    ],
)
def test_addresses(site: MakeSite, path: str, status: int, why: str) -> None:
    assert site().client.get(path).status_code == status, why


@pytest.mark.parametrize(
    "path", ["/api/v1/pipelines", RUN, f"{RUN}/graph", f"{RUN}/cost", "/", "/console/acme/tally/1"]
)
@pytest.mark.parametrize(
    ("host", "loopback", "header", "status", "why"),
    [
        ("127.0.0.1:8080", True, None, 200, "on this machine everybody may look"),
        ("localhost", True, None, 200, "by its other name too"),
        ("[::1]:8080", True, None, 200, "and by its newer address"),
        ("evil.example", True, None, 401, "a page of another site calls us by its own name"),
        ("cogworks.example", False, None, 401, "from elsewhere nobody without a token"),
        ("127.0.0.1", False, None, 401, "a name proves nothing when others can reach us"),
        ("cogworks.example", False, "Bearer wrong", 401, "a wrong token"),
        ("cogworks.example", False, "right", 401, "a token without its word"),
        ("cogworks.example", False, "Bearer right", 200, "the token"),
    ],
)
@pytest.mark.usefixtures("state")
def test_who_may_look(
    site: MakeSite, path: str, host: str, loopback: bool, header: str | None, status: int, why: str
) -> None:
    client = site(on_loopback=loopback, console_token=None if loopback else "right").client
    headers = {"host": host, **({"authorization": header} if header else {})}
    answer = client.get(path, headers=headers)
    assert answer.status_code == status, why
    if status == 401:
        assert "acme" not in answer.text, "no detail"


@pytest.mark.usefixtures("open_run")
def test_pages_show_text_of_strangers_as_text(site: MakeSite) -> None:
    client = site().client
    page = client.get("/console/acme/tally/1")
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert" in page.text
    assert "script-src" not in page.headers["content-security-policy"]
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert "$3.54" in page.text
    assert 'href="/console/acme/tally/1"' in client.get("/").text


def test_served_by_a_process_until_sigterm(web_github: Program, redis_server: EmbeddedRedis) -> None:
    own = {
        "COGWORKS_GITHUB_API_URL": web_github.url,
        "COGWORKS_GITHUB_TOKEN": web_github.tokens["cogworks"],
        "COGWORKS_REDIS_URL": redis_server.url,
    }
    env = {name: value for name, value in os.environ.items() if not name.startswith("COGWORKS_")} | own
    words = [sys.executable, "-m", "cogworks.cli.main", "serve", "--port", "0", "--no-webhooks", "--no-console"]
    with running(*words, env=env) as server:
        assert httpx.get(f"{server.url}/healthz").status_code == 200
        assert httpx.get(f"{server.url}/").status_code == 404, "no console"
        assert httpx.post(f"{server.url}/webhooks/github").status_code == 404, "no webhooks"
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=15) == 0


def test_a_port_that_is_taken_is_exit_2(web_github: Program, redis_server: EmbeddedRedis) -> None:
    taken = web_github.url.rpartition(":")[2]
    env = {
        **os.environ,
        "COGWORKS_GITHUB_TOKEN": web_github.tokens["cogworks"],
        "COGWORKS_REDIS_URL": redis_server.url,
    }
    words = [sys.executable, "-m", "cogworks.web", "--port", taken, "--no-webhooks"]
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "in use" in done.stderr
    assert json.dumps(done.stdout) == '""'
