"""Limits of GitHub, and answers lost on the way, as a person at the command line meets them (GH-41, GH-44, CLI-01)."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cli_stand import REPO, CommandLine, Program

from cogworks.adapters.redis_start import EmbeddedRedis, start_redis

Strike = Callable[..., None]


@pytest.fixture
def strike(github: Program) -> Iterator[Strike]:
    """Set one fault of GitHub for one test."""

    def set_fault(match: dict[str, str], **fault: Any) -> None:
        github.control("faults", [{"match": match, **fault}])

    yield set_fault
    github.control("faults", [])


@pytest.fixture
def shared(cogworks: CommandLine) -> Iterator[EmbeddedRedis]:
    """A Redis that all commands of a test share, as processes of a cluster do."""
    with start_redis() as server:
        cogworks.set(redis_url=server.url)
        yield server


def labelled(github: Program, title: str) -> int:
    body = {"title": title, "labels": ["cogworks:run"]}
    number: int = github.call("POST", f"/repos/{REPO}/issues", body, login="maria")["number"]
    return number


def asked(github: Program, number: int) -> list[int]:
    """The answers to every request for the issue itself, oldest first."""
    path = f"/repos/{REPO}/issues/{number}"
    return [one["status"] for one in github.control("log")["log"] if (one["method"], one["path"]) == ("GET", path)]


def test_a_short_limit_is_one_wait_and_then_success(
    cogworks: CommandLine, github: Program, shared: EmbeddedRedis, strike: Strike
) -> None:
    number = labelled(github, "Limited for a moment")
    strike({"path": f"/issues/{number}$", "method": "GET"}, kind="rate_limit", reset_in=1, nth=1)
    said = cogworks("process", f"{REPO}#{number}", "--json")
    assert said.code == 0
    assert said.document["data"]["nodes"][0]["node"] == "intake"
    statuses = asked(github, number)
    assert statuses[0] == 403
    assert 403 not in statuses[1:], "one refusal, one wait"


def test_a_long_limit_is_exit_75_and_nobody_asks_again(
    cogworks: CommandLine, github: Program, shared: EmbeddedRedis, strike: Strike
) -> None:
    number = labelled(github, "Limited for twenty minutes")
    strike({"path": f"/issues/{number}$", "method": "GET"}, kind="rate_limit", reset_in=1200, nth=1)
    for time in ("first", "second"):
        said = cogworks("process", f"{REPO}#{number}", "--json")
        assert said.code == 75, time
        assert said.document["retry_after_s"] == pytest.approx(1200, abs=30), time
        [error] = said.document["errors"]
        assert "primary limit lifts at 20" in error["message"], time
    assert asked(github, number) == [403], "the second command knew without asking"
    labels = github.call("GET", f"/repos/{REPO}/issues/{number}")["labels"]
    assert [one["name"] for one in labels] == ["cogworks:run"]


def test_a_comment_whose_answer_is_lost_is_there_once(
    cogworks: CommandLine, github: Program, shared: EmbeddedRedis, strike: Strike
) -> None:
    number = labelled(github, "Its comment is answered by a dropped connection")
    path = f"/repos/{REPO}/issues/{number}/comments"
    strike({"path": f"/issues/{number}/comments$", "method": "POST"}, kind="drop_after", nth=1)
    said = cogworks("process", f"{REPO}#{number}", "--json")
    assert said.code == 0
    marks = [one["body"].splitlines()[0] for one in github.call("GET", path)]
    assert len([one for one in marks if "cogworks:state" in one]) == 1, marks
    assert len(marks) == len(set(marks)), marks
