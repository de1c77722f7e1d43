"""Starting, stopping, coming back: the command line, the seed and what survives (TWG-05)."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from github_twin_process import Twin, start_twin, write_seed

from cogworks.twins.github.seed import SeedError, load_seed


def run_to_end(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cogworks.twins.github", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)


def test_ready_within_two_seconds_with_a_token_for_everyone(fresh_twin: Callable[..., Twin]) -> None:
    began = time.monotonic()
    twin = fresh_twin()
    assert time.monotonic() - began < 2
    assert twin.url.startswith("http://127.0.0.1:")
    assert {"cogworks", "maria", "boss", "tina", "guest", "stranger", "reviewer"} == twin.tokens.keys()


def test_numbers_labels_and_milestone_come_from_the_seed(fresh_twin: Callable[..., Twin]) -> None:
    maria = fresh_twin().as_("maria")
    first = maria("GET", "/issues/1")
    assert first["title"] == "Totals are off by one cent"
    assert first["body"] == "The sum of three items is off.\n"
    assert first["user"]["login"] == "maria"
    assert [label["name"] for label in first["labels"]] == ["cogworks:run"]
    assert first["milestone"]["title"] == "v2.0"
    assert maria("GET", "/issues/2")["user"]["login"] == "boss"


def test_the_source_counts_as_a_reviewed_and_merged_pull_request(fresh_twin: Callable[..., Twin]) -> None:
    maria = fresh_twin().as_("maria")
    commits = maria("GET", "/commits")
    assert len(commits) == 1
    assert commits[0]["author"]["login"] == "maria"
    (pull,) = maria("GET", f"/commits/{commits[0]['sha']}/pulls")
    assert (pull["number"], pull["state"], pull["merged_at"] is not None) == (3, "closed", True)
    (review,) = maria("GET", "/pulls/3/reviews")
    assert (review["state"], review["user"]["login"]) == ("APPROVED", "reviewer")
    assert maria("GET", "/pulls/3")["merged_by"]["login"] == "reviewer"


def test_a_git_source_keeps_its_history_and_every_commit_of_it_is_covered(tmp_path: Path) -> None:
    seed = write_seed(tmp_path)
    source = tmp_path / "tally"
    for command in (
        ("init", "--quiet", "--initial-branch=main"),
        ("add", "--all"),
        ("-c", "user.name=ann", "-c", "user.email=ann@example.org", "commit", "--quiet", "-m", "one"),
        ("-c", "user.name=ann", "-c", "user.email=ann@example.org", "commit", "--quiet", "--allow-empty", "-m", "two"),
    ):
        subprocess.run(["git", *command], cwd=source, check=True)
    twin = start_own(seed)
    try:
        maria = twin.as_("maria")
        commits = maria("GET", "/commits")
        assert [commit["commit"]["message"] for commit in commits] == ["two", "one"]
        covering = [maria("GET", f"/commits/{commit['sha']}/pulls")[0]["number"] for commit in commits]
        assert covering == [3, 3]
    finally:
        twin.stop()


def start_own(seed: Path, *options: str) -> Twin:
    return start_twin("--seed", str(seed), *options)


def test_a_restart_on_the_same_state_has_lost_nothing(seed_file: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    first = start_own(seed_file, "--state", str(state))
    number = first.issue("Kept")["number"]
    log, tokens = first.control("GET", "log"), first.tokens
    first.process.kill()
    first.stop()
    second = start_own(seed_file, "--state", str(state))
    try:
        assert second.tokens == tokens
        assert second.control("GET", "log") == log
        assert second.as_("maria")("GET", f"/issues/{number}")["title"] == "Kept"
        assert len(second.as_("maria")("GET", "/issues?state=all")) == 4
    finally:
        assert second.stop() == 0


def test_only_loopback_is_served(twin: Twin) -> None:
    assert httpx.URL(twin.url).host == "127.0.0.1"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("= 1", "must be TOML", id="not TOML"),
        pytest.param("colour = 1", "colour: unknown field, allowed: users, repositories", id="unknown table"),
        pytest.param(
            '[[users]]\nlogin="a"\nrole="x"',
            "users[0].role: unknown field, allowed: login, permission",
            id="unknown key",
        ),
        pytest.param(
            '[[users]]\nlogin="a"\npermission="owner"',
            "users[0].permission: Input should be 'admin', 'write', 'triage', 'read' or 'none'",
            id="unknown permission",
        ),
        pytest.param('[[users]]\nlogin="cogworks"', "users[0].login: cogworks is listed twice or reserved", id="bot"),
        pytest.param('[[repositories]]\nfull_name="tally"', "repositories[0].full_name:", id="no owner"),
        pytest.param(
            '[[repositories]]\nfull_name="a/b"\nsource="./none"', "repositories[0].source:", id="missing source"
        ),
        pytest.param(
            '[[repositories]]\nfull_name="a/b"\n[[repositories.issues]]\ntitle="x"\nauthor="joe"',
            "repositories[0].issues[0].author: unknown user joe, allowed: cogworks, maria, reviewer",
            id="unknown author",
        ),
        pytest.param(
            '[[repositories]]\nfull_name="a/b"\n[[repositories.issues]]\ntitle="x"\nmilestone="v1"',
            "repositories[0].issues[0].milestone: unknown milestone v1, allowed: none",
            id="unknown milestone",
        ),
        pytest.param(
            '[[repositories]]\nfull_name="a/b"\n[[repositories.issues]]\ntitle="x"\nbody="a"\nbody_file="b"',
            "repositories[0].issues[0].body_file: allowed: body or body_file, not both",
            id="two bodies",
        ),
        pytest.param(
            '[[repositories]]\nfull_name="a/b"\n[[repositories.labels]]\nname="a,b"',
            "repositories[0].labels[0].name:",
            id="comma in a label",
        ),
    ],
)
def test_a_wrong_seed_names_file_field_and_what_is_allowed(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "seed.toml"
    file.write_text(text)
    with pytest.raises(SeedError) as caught:
        load_seed(file)
    assert all(line.startswith(f"{file}: ") for line in str(caught.value).splitlines())
    assert told in str(caught.value)


def test_all_problems_of_both_files_are_told_at_once_and_nothing_is_written(tmp_path: Path) -> None:
    seed, faults, state = tmp_path / "seed.toml", tmp_path / "faults.json", tmp_path / "state"
    seed.write_text('[[users]]\nlogin="a b"\n[[users]]\nlogin="c"\npermission="owner"')
    faults.write_text(json.dumps([{"kind": "explode"}]))
    done = run_to_end("--seed", str(seed), "--faults", str(faults), "--state", str(state))
    assert done.returncode == 2
    assert done.stdout == ""
    assert "users[0].login" in done.stderr
    assert "users[1].permission" in done.stderr
    assert "faults.json" in done.stderr
    assert not state.exists()


def test_a_taken_port_is_one_clear_error(twin: Twin) -> None:
    done = run_to_end("--port", str(httpx.URL(twin.url).port))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_state_that_is_no_database_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "github.sqlite3").write_text("not a database" * 100)
    done = run_to_end("--state", str(tmp_path))
    assert done.returncode == 2
    assert "not a database" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_state_in_a_relative_folder_is_kept_there(seed_file: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cogworks.twins.github", "--seed", str(seed_file), "--state", "kept"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = process.stdout.readline()
        process.terminate()
    assert ready, "it is ready, so that git found its repositories"
    assert (tmp_path / "kept" / "repositories").is_dir()


def test_without_a_seed_there_is_only_cogworks_and_a_seed_without_repositories_plants_once(tmp_path: Path) -> None:
    twin = start_twin("--state", str(tmp_path / "state"))
    assert list(twin.tokens) == ["cogworks"]
    twin.stop()
    seed = tmp_path / "seed.toml"
    seed.write_text('[[users]]\nlogin = "ann"\n')
    for _ in range(2):
        twin = start_own(seed, "--state", str(tmp_path / "state"))
        assert "ann" in twin.tokens
        twin.stop()
