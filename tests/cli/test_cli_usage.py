"""What is wrong before anything starts: usage, environment, secrets on the command line (70 section 1)."""

import subprocess

import pytest
from cli_stand import COGWORKS, CommandLine, Program

USAGE = [
    (["nosuch"], "No such command", "a command that is none"),
    (["status"], "Missing argument", "an argument is missing"),
    (["status", "o/r#1", "--nosuch"], "No such option", "an option that is none"),
    (["config"], "Missing command", "half a command"),
    (["status", "tally"], "not valid", "an issue is owner/name#number"),
    (["status", "o/r#0"], "not valid", "issues count from 1"),
    (["cost-report", "https://github.com/o/r/pull/1"], "not valid", "a pull request is no work item"),
    (["run", "--repo", "o/r", "--issue", "0"], "--issue", "a number out of range"),
    (["run", "--repo", "just-a-name", "--issue", "1"], "owner/name", "a repository is owner/name"),
    (["process-all", "o/r", "--limit", "0"], "--limit", "no items at all"),
    (["--timeout", "0", "status", "o/r#1"], "--timeout", "no time at all"),
    (["--timeout", "soon", "status", "o/r#1"], "--timeout", "a time is seconds"),
    (["--log-level", "loud", "status", "o/r#1"], "debug, info, warning, error", "levels are named in the answer"),
    (["config", "check", "--dir", "nowhere"], "no such folder", "a folder that is not there"),
    (["config", "check", "--ref", "main"], "--ref", "a ref of a checkout means nothing"),
    (["init", "--dir", "nowhere"], "no such folder", "nothing is made above .cogworks"),
    (["twin", "start", "gitlab"], "github, anthropic", "the twins that there are"),
    (["twin", "start"], "which one", "no name at all"),
    (["service", "run", "cobol"], "python", "the services that there are"),
    (["pipeline", "graph", "--pipeline", "fast"], "no pipeline fast", "the graph of a pipeline that is not there"),
    (["health", "python"], "no service python", "a service that nobody registered"),
]


@pytest.mark.parametrize(("words", "told", "why"), USAGE)
def test_wrong_usage_is_exit_2_and_one_message(bare: CommandLine, words: list[str], told: str, why: str) -> None:
    bare.set(github_token="t" * 20)
    said = bare(*words)
    assert said.code == 2, why
    assert told in said.err, why
    assert said.out == "", why


@pytest.mark.parametrize(("words", "told", "why"), USAGE)
def test_wrong_usage_is_one_document_too(bare: CommandLine, words: list[str], told: str, why: str) -> None:
    bare.set(github_token="t" * 20)
    said = bare(*words, "--json")
    document = said.document
    assert (said.code, document["exit_code"], document["ok"], document["retriable"]) == (2, 2, False, False), why
    [error] = document["errors"]
    assert told in f"{error['field']} {error['message']} {error['hint']}", why
    assert said.err == "", why


@pytest.mark.parametrize(
    ("option", "why"),
    [
        ("--token=abc123xyz", "a token"),
        ("--github-token", "a token with a name"),
        ("--api-key", "a key"),
        ("--llm-api-key=abc123xyz", "a key with a name"),
        ("--password", "a password"),
        ("--webhook-secret=abc123xyz", "only a twin takes one"),
        ("-token", "one dash is not better"),
    ],
)
def test_an_option_that_looks_like_a_secret_is_refused_and_not_repeated(
    bare: CommandLine, option: str, why: str
) -> None:
    said = bare("status", "o/r#1", option, "abc123xyz")
    assert said.code == 2, why
    assert "environment" in said.err, why
    assert "abc123xyz" not in said.err, why


@pytest.mark.parametrize(
    ("words", "missing", "why"),
    [
        (["status", "o/r#1"], ["GITHUB_TOKEN"], "reading needs GitHub alone"),
        (["process", "o/r#1"], ["GITHUB_TOKEN", "LLM_API_KEY"], "work needs both, named at once"),
        (["process", "o/r#1", "--enqueue"], ["GITHUB_TOKEN", "LLM_API_KEY", "REDIS_URL"], "a queue needs Redis"),
        (["serve"], ["GITHUB_TOKEN", "REDIS_URL", "WEBHOOK_SECRET"], "webhooks are signed"),
        (["serve", "--no-webhooks"], ["GITHUB_TOKEN", "REDIS_URL"], "unless there are none"),
        (
            ["serve", "--no-webhooks", "--host", "::"],
            ["GITHUB_TOKEN", "REDIS_URL", "CONSOLE_TOKEN"],
            "beyond loopback the API has a token",
        ),
    ],
)
def test_a_missing_variable_is_named(bare: CommandLine, words: list[str], missing: list[str], why: str) -> None:
    said = bare(*words, "--json")
    assert said.code == 2, why
    assert sorted(error["field"] for error in said.document["errors"]) == sorted(f"COGWORKS_{n}" for n in missing), why


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--json", "twin", "list"], "before the command"),
        (["twin", "--json", "list"], "inside it"),
        (["twin", "list", "--json"], "after it"),
        (["twin", "list", "--json", "--quiet", "--no-color", "--log-level=debug", "--timeout", "9"], "with all others"),
    ],
)
def test_global_options_stand_anywhere(bare: CommandLine, words: list[str], why: str) -> None:
    document = bare(*words).document
    assert document["command"] == "twin list", why
    assert [one["name"] for one in document["data"]["twins"]] == ["github", "anthropic"], why


def test_the_version_is_one_line(bare: CommandLine) -> None:
    said = bare("--version")
    assert (said.code, said.out.split()[0]) == (0, "cogworks")


def test_help_names_every_command(bare: CommandLine) -> None:
    said = bare()
    assert said.code == 0
    named = {line.split()[0] for line in said.out.partition("Commands:")[2].splitlines() if line.strip()}
    working = "process process-all run poll status cost-report health cancel unlock serve init"
    expected = f"{working} config dlq ledger pipeline queue twin service demo"
    assert named == set(expected.split())


def test_other_programs_take_over_with_their_own_options() -> None:
    twin = subprocess.run([*COGWORKS, "twin", "start", "github", "--help"], capture_output=True, text=True, check=False)
    assert (twin.returncode, "--webhook-secret" in twin.stdout) == (0, True)
    service = subprocess.run(
        [*COGWORKS, "service", "run", "python", "--help"], capture_output=True, text=True, check=False
    )
    assert (service.returncode, "--socket" in service.stdout) == (0, True)


def test_a_bug_is_exit_70_and_one_line(cogworks: CommandLine, github: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> object:
        raise RuntimeError("a wheel came off")

    monkeypatch.setattr("cogworks.cli.reading.status", broken)
    said = cogworks("status", "acme/tally#1")
    assert said.code == 70
    assert said.err.count("\n") == 1
    assert "a wheel came off" in said.err
    shown = cogworks("--log-level", "debug", "status", "acme/tally#1")
    assert "Traceback" in shown.err
    assert cogworks("status", "acme/tally#1", "--json").document["errors"][0]["code"] == "internal_error"
