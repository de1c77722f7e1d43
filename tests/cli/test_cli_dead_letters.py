"""`dlq`: the letters of the cluster, in text and JSON, and how they are answered (70 section 1, RB-23)."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_stand import REPO, CommandLine, Program
from hand_made import post_dead_letter
from redis import Redis

from cogworks.adapters.redis_connection import connect
from cogworks.adapters.redis_start import start_redis
from cogworks.model.dead_letter import DeadLetter, letter_as_value

NUMBER = 8


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with start_redis(folder=tmp_path_factory.mktemp("r")) as server:
        yield server.url


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with connect(redis_url) as client:
        client.flushall()
        yield client


@pytest.fixture
def letter(github: Program, redis: Redis) -> DeadLetter:
    """A letter on GitHub alone; what earlier tests left on the issue is gone."""
    for comment in github.call("GET", f"/repos/{REPO}/issues/{NUMBER}/comments"):
        github.call("PATCH", f"/repos/{REPO}/issues/comments/{comment['id']}", {"body": "obsolete"})
    return post_dead_letter(github, NUMBER)


@pytest.fixture
def dlq(cogworks: CommandLine, redis_url: str) -> CommandLine:
    cogworks.set(redis_url=redis_url, repos=REPO)
    return cogworks


def letter_comment(github: Program) -> str:
    comments = github.call("GET", f"/repos/{REPO}/issues/{NUMBER}/comments")
    return str(next(one["body"] for one in comments if "cogworks:letter" in one["body"]))


def test_an_empty_index_says_so(dlq: CommandLine, redis: Redis) -> None:
    assert dlq("dlq", "list").out == "no dead letters\n"
    assert dlq("dlq", "list", "--json").document["data"] == {"letters": []}


def test_letters_are_rebuilt_listed_and_shown(dlq: CommandLine, letter: DeadLetter) -> None:
    rebuilt = dlq("dlq", "rebuild", "--json").document
    assert rebuilt["data"] == {"repos": [REPO], "found": 1, "added": 1}
    assert (rebuilt["command"], rebuilt["ok"]) == ("dlq rebuild", True)
    assert "0 were missing here" in dlq("dlq", "rebuild", REPO).out, "nothing is added twice"

    listed = dlq("dlq", "list", "--json").document["data"]["letters"]
    assert listed == [letter_as_value(letter)]
    row = dlq("dlq", "list").out
    assert row == (f"{letter.key}  open  2026-11-01 12:00Z  infrastructure_failure at exec: its workers died\n"), (
        "one line a letter"
    )
    assert dlq("dlq", "show", letter.key, "--json").document["data"] == listed[0]
    shown = dlq("dlq", "show", letter.key).out
    assert "starts: 5\n" in shown
    assert "last_owner: host:7\n" in shown


def test_a_replay_writes_the_wish_on_github_asks_for_a_step_and_acts_once(
    dlq: CommandLine, letter: DeadLetter, redis: Redis, github: Program
) -> None:
    first, second = (dlq("dlq", "replay", letter.key, "--json") for _ in range(2))
    assert (first.code, first.document["data"]["result"]) == (0, "replayed")
    assert (second.code, second.document["data"]["result"]) == (0, "duplicate")
    assert '"status":"replayed"' in letter_comment(github)
    assert redis.llen("control") >= 1
    assert dlq("dlq", "list").out == "no dead letters\n"
    assert [one["status"] for one in dlq("dlq", "list", "--all", "--json").document["data"]["letters"]] == ["replayed"]


def test_a_drop_needs_a_reason_and_says_it_on_github(dlq: CommandLine, letter: DeadLetter, github: Program) -> None:
    assert dlq("dlq", "drop", letter.key).code == 2
    assert dlq("dlq", "drop", letter.key, "--reason", " ").code == 2
    dropped = dlq("dlq", "drop", letter.key, "--reason", "the host is gone")
    assert (dropped.code, dropped.out) == (0, f"{letter.key}: dropped\n")
    assert "dropped: the host is gone" in letter_comment(github)
    assert "duplicate" in dlq("dlq", "drop", letter.key, "--reason", "again").out

    refused = dlq("dlq", "replay", letter.key, "--json")
    assert refused.code == 1
    assert refused.document["errors"][0]["code"] == "refused"
    assert refused.document["errors"][0]["message"] == "it was dropped"


@pytest.mark.parametrize("words", [("show",), ("replay",), ("drop", "--reason", "x")], ids=lambda words: words[0])
def test_an_unknown_letter_is_exit_2(dlq: CommandLine, redis: Redis, words: tuple[str, ...]) -> None:
    said = dlq("dlq", words[0], f"{REPO}#{NUMBER}/run/intake/-/1", *words[1:], "--json")
    assert said.code == 2
    assert said.document["errors"][0]["code"] == "letter_not_found"


def test_without_a_cluster_there_is_no_index(cogworks: CommandLine) -> None:
    said = cogworks("dlq", "list", "--json")
    assert said.code == 2
    assert said.document["errors"][0]["field"] == "COGWORKS_REDIS_URL"


def test_a_rebuild_needs_to_know_where_to_look(cogworks: CommandLine, redis_url: str) -> None:
    cogworks.set(redis_url=redis_url)
    said = cogworks("dlq", "rebuild")
    assert said.code == 2
    assert "COGWORKS_REPOS" in said.err


def test_a_redis_that_is_away_is_exit_75(cogworks: CommandLine, tmp_path: Path) -> None:
    cogworks.set(redis_url=f"unix://{tmp_path}/nobody.sock")
    assert cogworks("dlq", "list").code == 75
