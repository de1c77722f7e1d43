"""`status`, `cost-report`, `health`, `--dry-run`: what GitHub holds, in text and JSON; nothing is written (CLI-05)."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cli_stand import REPO, CommandLine, Program
from hand_made import post_state

from cogworks.model.state import RunState, RunStatus, state_as_value

REPORT = """\
Pipeline #4 Cost Report
=======================
Node                      Tokens     Cost
─────────────────────────────────────────
1. Task Classification     2,300    $0.03
2. Architecture           15,000    $0.22
3. Interface Design        8,500    $0.12
4. Planning               12,000    $0.18
5. Code Generation
   SWI #1                 45,000    $0.67
   SWI #2                 38,000    $0.57
   SWI #3                 52,000    $0.78
6. Review
   SWI #1 (4 passes)      20,000    $0.30
   SWI #2 (4 passes)      18,000    $0.27
   SWI #3 (4 passes + 1 remediation)
                          27,000    $0.40
─────────────────────────────────────────
Total                    237,800    $3.54
Budget                   500,000   $10.00
Remaining                262,200    $6.46
"""


@pytest.fixture(scope="module")
def state(github: Program) -> RunState:
    return post_state(github, 4)


@pytest.fixture
def no_writes(github: Program) -> Iterator[None]:
    """Whatever the test does, GitHub is only read."""
    before = len(github.control("log")["log"])
    yield
    asked = github.control("log")["log"][before:]
    assert asked
    # `health` learns of its rights by changes of what does not exist, which GitHub refuses.
    done = [one for one in asked if one["status"] < 400]
    assert {one["method"] for one in done if one["path"].startswith("/repos")} <= {"GET"}


@pytest.fixture
def faults(github: Program) -> Iterator[Callable[[list[dict[str, object]]], None]]:
    """Set faults of the twin for one test."""
    yield lambda plan: github.control("faults", plan)
    github.control("faults", [])


@pytest.mark.usefixtures("state", "no_writes")
def test_the_cost_report_is_the_specified_text(cogworks: CommandLine) -> None:
    assert cogworks("cost-report", f"{REPO}#4").out == REPORT
    assert cogworks("cost-report", f"https://github.com/{REPO}/issues/4").out == REPORT


@pytest.mark.usefixtures("state", "no_writes")
def test_the_cost_report_is_exact_in_json(cogworks: CommandLine) -> None:
    data = cogworks("--json", "cost-report", f"{REPO}#4").document["data"]
    assert data["total"] == {"tokens": 237_800, "microusd": 3_540_000}
    assert sum(row["tokens"] or 0 for row in data["rows"]) == 237_800
    assert data["remaining"] == {"tokens": 262_200, "microusd": 6_460_000}


@pytest.mark.usefixtures("state", "no_writes")
def test_a_redis_that_is_away_changes_no_report(cogworks: CommandLine) -> None:
    cogworks.set(redis_url="unix:///nowhere/redis.sock")
    assert cogworks("cost-report", f"{REPO}#4").out == REPORT
    assert cogworks("status", f"{REPO}#4", "--json").document["data"]["live_attempts"] is None


@pytest.mark.usefixtures("no_writes")
def test_the_status_is_the_whole_state(cogworks: CommandLine, state: RunState) -> None:
    said = cogworks("status", f"{REPO}#4", "--graph", "--json")
    data = said.document["data"]
    assert data["state"] == state_as_value(state)
    assert (data["title"], data["open"], data["standing"]) == ("Has a state", True, "waiting for approval at review")
    assert data["graph"].startswith("flowchart TD")


@pytest.mark.usefixtures("state", "no_writes")
def test_the_status_is_readable(cogworks: CommandLine) -> None:
    text = cogworks("status", f"{REPO}#4").out
    assert "acme/tally#4  Has a state" in text
    assert "cost $3.54 of $10.00 · 237,800 of 500,000 tokens" in text
    assert "SWI 3 (#103) pr-open · PR #203: Part 3" in text
    assert re.search(r"planning +completed +1 +0 +0 +\$0\.18", text)


@pytest.mark.usefixtures("no_writes")
def test_an_item_without_a_run(cogworks: CommandLine) -> None:
    assert "no run was started yet" in cogworks("status", f"{REPO}#2").out
    assert cogworks("cost-report", f"{REPO}#2", "--json").document["data"] is None


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["status", f"{REPO}#999"], "no such issue"),
        (["cost-report", f"{REPO}#999"], "nor a cost of it"),
        (["status", "acme/nothing#1"], "no such repository"),
        (["process", f"{REPO}#999"], "nor can it be processed"),
        (["process", f"{REPO}#999", "--dry-run"], "not even in thought"),
    ],
)
def test_a_missing_issue_is_exit_2(cogworks: CommandLine, words: list[str], why: str) -> None:
    document = cogworks(*words, "--json", "--log-level=error").document
    assert (document["exit_code"], document["errors"][0]["code"]) == (2, "issue_not_found"), why


@pytest.mark.parametrize("words", [["status"], ["cost-report"], ["process"], ["process", "--dry-run"]])
def test_a_limit_that_lifts_late_is_exit_75(
    cogworks: CommandLine, faults: Callable[[list[dict[str, object]]], None], words: list[str]
) -> None:
    faults([{"match": {"path": "/issues/2"}, "kind": "rate_limit", "reset_in": 660}])
    said = cogworks(*words, f"{REPO}#2", "--json", "--log-level=error")
    document = said.document
    assert (said.code, document["retriable"], document["errors"][0]["code"]) == (75, True, "github_error")
    assert 640 <= document["retry_after_s"] <= 661


def test_a_damaged_state_is_not_guessed(cogworks: CommandLine, github: Program) -> None:
    post_state(github, 6)
    comments = f"/repos/{REPO}/issues/6/comments"
    [comment] = github.call("GET", comments)
    body = comment["body"].replace('"seq":17', '"seq":18')
    github.call("PATCH", f"/repos/{REPO}/issues/comments/{comment['id']}", {"body": body})
    said = cogworks("status", f"{REPO}#6", "--json")
    assert (said.code, said.document["errors"][0]["code"]) == (1, "state_conflict")


@pytest.mark.parametrize(
    ("number", "would", "why"),
    [
        (7, "start a run of pipeline default at node intake", "it is labelled"),
        (2, "do nothing", "it is not labelled"),
        (3, "do nothing", "a person holds it"),
        (4, "go on with the run: waiting for approval at review, 3 pull requests so far", "it has a run"),
    ],
)
@pytest.mark.usefixtures("state", "no_writes")
def test_a_dry_run_says_what_would_happen(cogworks: CommandLine, number: int, would: str, why: str) -> None:
    said = cogworks("process", f"{REPO}#{number}", "--dry-run", "--json")
    assert said.code == 0, why
    assert said.document["data"]["would"].startswith(would), why


@pytest.mark.usefixtures("no_writes")
def test_files_of_a_repository_are_checked_over_github(cogworks: CommandLine) -> None:
    data = cogworks("config", "check", REPO, "--json").document["data"]
    assert data["files"] == [".cogworks/config.toml", ".cogworks/constitutional-rules.md"]
    assert cogworks("pipeline", "graph", REPO, "--format", "json").code == 0


@pytest.mark.usefixtures("no_writes")
def test_health_of_everything(cogworks: CommandLine) -> None:
    cogworks.set(repos=REPO)
    said = cogworks("health", "--all", "--json")
    assert said.code == 0
    assert {one["name"]: one["ok"] for one in said.document["data"]["checks"]} == {
        "github": True,
        "model key": True,
        "redis": True,
    }


def test_health_says_who_is_away(cogworks: CommandLine, tmp_path: Path) -> None:
    cogworks.set(github_api_url="http://127.0.0.1:9", redis_url="redis://127.0.0.1:9/0", llm_api_key="")
    services = tmp_path / "services.toml"
    services.write_text('[[services]]\nname = "python"\ntransport = "unix"\npath = "/nowhere/python.sock"\n')
    cogworks.set(domain_services_config=str(services))
    said = cogworks("health", "--all", "--json")
    assert said.code == 3
    bad = {error["field"]: error["code"] for error in said.document["errors"]}
    assert bad == {
        "python": "unreachable",
        "github": "github_error",
        "model key": "missing_key",
        "redis": "redis_unreachable",
    }


def test_a_watch_ends_with_the_run(cogworks: CommandLine, github: Program) -> None:
    made = github.call("POST", f"/repos/{REPO}/issues", {"title": "Over"}, login="maria")
    post_state(github, made["number"], status=RunStatus.COMPLETED, wait=None)
    said = cogworks("status", f"{REPO}#{made['number']}", "--watch")
    assert (said.code, "completed" in said.out) == (0, True)
