"""`ledger show` and `ledger rebuild`: the figures of Redis and those of GitHub (RUN-18)."""

import pytest
from cli_stand import REPO, CommandLine, Program
from hand_made import post_state

ISSUE = f"{REPO}#4"


@pytest.fixture(scope="module", autouse=True)
def state(github: Program) -> None:
    post_state(github, 4)


def test_a_ledger_that_redis_lost_is_started_from_github(cogworks: CommandLine) -> None:
    shown = cogworks("ledger", "show", ISSUE)
    assert shown.code == 0
    assert "  committed                237,800    $3.54\n" in shown.out
    assert "  unreconciled                   0    $0.00\n" in shown.out


def test_the_figures_are_exact_in_json(cogworks: CommandLine) -> None:
    document = cogworks("--json", "ledger", "rebuild", ISSUE).document
    assert document["ok"]
    assert document["data"]["ledger"]["committed"] == {"tokens": 237_800, "microusd": 3_540_000}
    assert document["data"]["ledger"]["reserved"] == {"tokens": 0, "microusd": 0}


def test_a_ledger_that_says_what_github_says_is_left(cogworks: CommandLine) -> None:
    cogworks("ledger", "show", ISSUE)
    again = cogworks("ledger", "rebuild", ISSUE)
    assert again.code == 0
    assert "the ledger equals what GitHub holds" in again.out


@pytest.mark.parametrize("word", ["show", "rebuild"])
def test_an_issue_that_is_not_there_is_wrong_usage(cogworks: CommandLine, word: str) -> None:
    refused = cogworks("--json", "ledger", word, f"{REPO}#999")
    assert refused.code == 2
    assert refused.document["errors"][0]["code"] == "issue_not_found"
