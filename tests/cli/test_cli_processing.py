"""`process`, `run`, `process-all`, `poll`: work in this process, and how it ends (CLI-01, CLI-02)."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cli_stand import COGWORKS, REPO, CommandLine, Program
from hand_made import post_state

from cogworks.adapters.redis_start import EmbeddedRedis, start_redis


@pytest.fixture
def faults(anthropic: Program) -> Iterator[Callable[[list[dict[str, object]]], None]]:
    """Set faults of the model provider for one test."""
    yield lambda plan: anthropic.control("faults", plan)
    anthropic.control("faults", [])


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    with start_redis(folder=tmp_path / "r") as server:
        yield server


@pytest.mark.parametrize(("number", "why"), [(2, "nobody labelled it"), (3, "a person holds it")])
def test_nothing_to_do_is_exit_0(cogworks: CommandLine, github: Program, number: int, why: str) -> None:
    before = github.control("counts")["content_writes"]
    said = cogworks("process", f"{REPO}#{number}", "--json")
    assert (said.code, said.document["data"]["result"]) == (0, "nothing"), why
    assert github.control("counts")["content_writes"] == before, why


def test_a_private_redis_is_warned_of_and_every_log_line_is_json(cogworks: CommandLine) -> None:
    said = cogworks("process", f"{REPO}#2", "--json")
    lines = [json.loads(line) for line in said.err.splitlines()]
    assert any("private Redis" in line["message"] and line["level"] == "warning" for line in lines)
    assert cogworks("process", f"{REPO}#2", "--quiet").err == ""


def test_one_step_and_its_nodes_then_all_of_them_to_the_end(cogworks: CommandLine) -> None:
    first = cogworks("process", f"{REPO}#1", "--json").document["data"]
    assert [(one["node"], one["attempt"], one["result"]) for one in first["nodes"]] == [("intake", 1, "invalid")]
    assert (first["steps"], first["status"]) == (1, "running")

    rest = cogworks("process", f"{REPO}#1", "--until-blocked", "--json")
    assert [one["attempt"] for one in rest.document["data"]["nodes"]] == [2, 3, 4, 5, 6]
    assert (rest.code, rest.document["data"]["status"]) == (1, "escalated")
    assert rest.document["errors"][0]["code"] == "retry_exhausted"

    again = cogworks("process", f"{REPO}#1", "--json")
    assert (again.code, again.document["data"]["nodes"]) == (1, []), "it stays stopped until a person acts"


def test_a_restart_is_a_new_run_from_the_start(cogworks: CommandLine, github: Program) -> None:
    number = _new_issue(github, "Once more", "cogworks:run")
    first = cogworks("process", f"{REPO}#{number}", "--until-blocked", "--json").document["data"]
    again = cogworks("process", f"{REPO}#{number}", "--restart", "--json").document["data"]

    assert (first["status"], again["status"]) == ("escalated", "running")
    assert again["run_id"] != first["run_id"]
    assert [(one["node"], one["attempt"]) for one in again["nodes"]] == [("intake", 1)]
    assert "cogworks:restart" not in _labels(github, number)


def test_a_limit_of_the_provider_is_exit_75_and_waited_for(
    cogworks: CommandLine, github: Program, faults: Callable[[list[dict[str, object]]], None]
) -> None:
    faults([{"match": {"path": "/v1/messages"}, "kind": "rate_limit", "reset_in": 3600}])
    number = _new_issue(github, "Limited")
    said = cogworks("process", f"{REPO}#{number}", "--until-blocked", "--json")
    document = said.document
    assert (said.code, document["retriable"], document["data"]["status"]) == (75, True, "waiting")
    assert 3500 <= document["retry_after_s"] <= 3700
    assert "cogworks:node:failed" not in _labels(github, number)
    standing = cogworks("status", f"{REPO}#{number}", "--json").document["data"]["standing"]
    assert standing.startswith("waiting for rate_limit")


def test_many_items_go_on_after_a_failure_and_the_worst_exit_counts(cogworks: CommandLine, github: Program) -> None:
    good = _new_issue(github, "Held", "cogworks:hold")
    said = cogworks("process-all", REPO, "--json", "--dry-run")
    items = {one["issue"]: one["exit_code"] for one in said.document["data"]["items"]}
    assert items[f"{REPO}#{good}"] == 0
    assert said.code == max(items.values())
    assert len(cogworks("process-all", REPO, "--limit", "1", "--dry-run", "--json").document["data"]["items"]) == 1


def test_another_worker_at_work_is_exit_0(cogworks: CommandLine, redis: EmbeddedRedis) -> None:
    from cogworks.adapters.redis_connection import connect
    from cogworks.adapters.redis_leases import RedisLeases
    from cogworks.model.ids import parse_item

    cogworks.set(redis_url=redis.url)
    assert RedisLeases(connect(redis.url)).take_step(parse_item(f"{REPO}#2")) is not None
    said = cogworks("process", f"{REPO}#2", "--json")
    assert (said.code, said.document["data"]["held_elsewhere"]) == (0, True)


def test_a_cluster_is_asked_and_does_the_work_itself(cogworks: CommandLine, redis: EmbeddedRedis) -> None:
    cogworks.set(redis_url=redis.url)
    said = cogworks("process", f"{REPO}#2", "--enqueue", "--json")
    assert said.document["data"] == {"enqueued": [f"{REPO}#2"]}
    assert "asked for a step" in cogworks("process", f"{REPO}#2", "--enqueue").out
    assert cogworks("process", f"{REPO}#999", "--enqueue").code == 2
    polled = cogworks("poll", REPO, "--once", "--json")
    assert polled.code == 0
    assert f"{REPO}#3" not in polled.document["data"]["enqueued"], "a person holds it"


def test_a_redis_that_is_away_is_exit_75(cogworks: CommandLine) -> None:
    cogworks.set(redis_url="redis://127.0.0.1:9/0")
    said = cogworks("process", f"{REPO}#2", "--json")
    assert (said.code, said.document["errors"][0]["code"]) == (75, "service_unavailable")
    assert said.document["retry_after_s"] > 0


def test_wrong_files_are_exit_2_with_every_problem(cogworks: CommandLine, github: Program) -> None:
    path = f"/repos/{REPO}/contents/.cogworks/pipeline.toml"
    body = {"message": "Break it", "content": "c2NoZW1hX3ZlcnNpb24gPSA3Cg==", "branch": "main"}
    made = github.call("PUT", path, body, login="maria")
    try:
        number = _new_issue(github, "Wrong files")
        said = cogworks("process", f"{REPO}#{number}", "--json")
        codes = {error["code"] for error in said.document["errors"]}
        assert (said.code, "E_SCHEMA_VERSION" in codes) == (2, True)
    finally:
        github.call(
            "DELETE", path, {"message": "Mend it", "sha": made["content"]["sha"], "branch": "main"}, login="maria"
        )


@pytest.mark.parametrize(
    ("words", "changes", "expected", "why"),
    [
        (["process", "acme/nosuch#1"], {}, (2, "issue_not_found", "issue"), "no such repository"),
        (["process-all", "acme/nosuch"], {}, (2, "repository_not_found", "repo"), "asked for as a whole"),
        (["poll", "acme/nosuch", "--once"], {}, (2, "repository_not_found", "repo"), "a typing error in a poller"),
        (["config", "check", "acme/nosuch"], {}, (2, "repository_not_found", "repo"), "nothing to check"),
        (["process-all", REPO, "--milestone", "no"], {}, (2, "milestone_not_found", "--milestone"), "GH-36"),
        (["run", "--repo", REPO, "--issue", "999"], {}, (2, "issue_not_found", "issue"), "before any label is made"),
        (["process", f"{REPO}#2", "--restart"], {}, (2, "restart_refused", "--restart"), "nothing ran there"),
        (["process", f"{REPO}#2", "--accept-graph", "--enqueue"], {}, (2, "usage", "--accept-graph"), "done here"),
        (
            ["process", f"{REPO}#1"],
            {"github_token": "nonsense"},
            (1, "github_error", "COGWORKS_GITHUB_TOKEN"),
            "a token that GitHub does not know",
        ),
        (
            ["process", f"{REPO}#1"],
            {"temp_dir": "/dev/null"},
            (2, "not_a_folder", "COGWORKS_TEMP_DIR"),
            "no folder to work in",
        ),
    ],
)
def test_wrong_input_is_one_clear_error_and_nothing_is_written(
    cogworks: CommandLine,
    github: Program,
    words: list[str],
    changes: dict[str, str],
    expected: tuple[int, str, str],
    why: str,
) -> None:
    before = _written(github)
    cogworks.set(**changes)
    said = cogworks(*words, "--json")
    [error] = said.document["errors"]
    assert (said.code, error["code"], error["field"]) == expected, why
    assert error["hint"], why
    assert _written(github) == before, why


def test_run_labels_neither_a_pull_request_nor_a_closed_issue(cogworks: CommandLine, github: Program) -> None:
    [pull] = github.call("GET", f"/repos/{REPO}/pulls?state=all")[:1]
    closed = github.call("POST", f"/repos/{REPO}/issues", {"title": "Closed"}, login="maria")["number"]
    github.call("PATCH", f"/repos/{REPO}/issues/{closed}", {"state": "closed"}, login="maria")
    for number in (pull["number"], closed):
        assert cogworks("run", "--repo", REPO, "--issue", str(number)).code == 0
        assert _labels(github, number) == set()


def test_ctrl_c_is_exit_130_and_the_next_process_goes_on(
    cogworks: CommandLine, github: Program, anthropic: Program, faults: Callable[[list[dict[str, object]]], None]
) -> None:
    faults([{"match": {"path": "/v1/messages"}, "nth": 1, "kind": "hold_before"}])
    words = [*COGWORKS, "run", "--repo", REPO, "--issue", "5", "--json"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)
    assert anthropic.control("holds?wait=30"), "the node is at work"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    anthropic.control("release", {})
    assert (process.returncode, out) == (130, "")
    assert "state saved" in err
    data = cogworks("process", f"{REPO}#5", "--json").document["data"]
    assert [(one["node"], one["attempt"]) for one in data["nodes"]] == [("intake", 1)]
    assert data["nodes"][0]["result"] not in ("live", "settling")


def test_time_that_is_up_is_exit_75(
    cogworks: CommandLine, github: Program, anthropic: Program, faults: Callable[[list[dict[str, object]]], None]
) -> None:
    faults([{"match": {"path": "/v1/messages"}, "nth": 1, "kind": "slow", "delay_ms": 20_000}])
    number = _new_issue(github, "Slow")
    said = cogworks("process", f"{REPO}#{number}", "--timeout", "4", "--json")
    assert (said.code, said.document["errors"][0]["code"]) == (75, "timeout")


def test_waiting_at_a_gate_is_exit_0(cogworks: CommandLine, github: Program) -> None:
    number = _new_issue(github, "Waits")
    post_state(github, number)
    said = cogworks("process", f"{REPO}#{number}", "--until-blocked", "--json")
    assert (said.code, said.document["data"]["status"]) == (0, "waiting")


def test_a_command_in_a_comment_acts_and_is_answered_with_a_thumb(cogworks: CommandLine, github: Program) -> None:
    """GH-10, on the wire: found by listing, judged by its author's rights, acted on once."""
    number = _new_issue(github, "Is called off")
    post_state(github, number, sub_work_items=())
    issue = f"/repos/{REPO}/issues/{number}"
    comment = github.call("POST", f"{issue}/comments", {"body": "/cogworks cancel not needed"}, login="maria")["id"]

    for _ in range(2):
        said = cogworks("process", f"{REPO}#{number}", "--json")
        assert said.document["data"]["status"] == "cancelled"
    thumbs = github.call("GET", f"/repos/{REPO}/issues/comments/{comment}/reactions")
    assert [(one["user"]["login"], one["content"]) for one in thumbs] == [("cogworks", "+1")]
    bodies = [one["body"] for one in github.call("GET", f"{issue}/comments")]
    assert sum("not needed" in body and "kind=summary" in body for body in bodies) == 1
    assert "cogworks:cancel" in [one["name"] for one in github.call("GET", issue)["labels"]]


def _new_issue(github: Program, title: str, *labels: str) -> int:
    body = {"title": title, "labels": ["cogworks:run", *labels]}
    number: int = github.call("POST", f"/repos/{REPO}/issues", body, login="maria")["number"]
    return number


def _written(github: Program) -> list[str]:
    entries = github.control("log")["log"]
    return [f"{one['method']} {one['path']}" for one in entries if one["method"] not in ("GET", "HEAD")]


def _labels(github: Program, number: int) -> set[str]:
    return {one["name"] for one in github.call("GET", f"/repos/{REPO}/issues/{number}")["labels"]}
