"""The environment (70 section 2)."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from cogworks.model.config_types import RESERVED_VARIABLES
from cogworks.model.errors import ConfigError
from cogworks.settings import Need, read_settings, setting_rows

CANARY = "canary-0123456789"

TABLE = [
    "COGWORKS_GITHUB_TOKEN",
    "COGWORKS_GITHUB_APP_ID",
    "COGWORKS_GITHUB_APP_INSTALLATION_ID",
    "COGWORKS_GITHUB_APP_PRIVATE_KEY_FILE",
    "COGWORKS_LLM_API_KEY",
    "COGWORKS_LOG_LEVEL",
    "COGWORKS_LOG_FORMAT",
    "COGWORKS_TEMP_DIR",
    "COGWORKS_DOMAIN_SERVICES_CONFIG",
    "COGWORKS_REDIS_URL",
    "COGWORKS_REPOS",
    "COGWORKS_POLL_INTERVAL",
    "COGWORKS_MAX_ACTIVE_RUNS",
    "COGWORKS_GITHUB_WRITES_PER_MINUTE",
    "COGWORKS_GITHUB_WRITES_PER_HOUR",
    "COGWORKS_LEASE_SECONDS",
    "COGWORKS_SWEEP_SECONDS",
    "COGWORKS_VISIBILITY_SECONDS",
    "COGWORKS_GITHUB_API_URL",
    "COGWORKS_LLM_API_URL",
    "COGWORKS_CONSTITUTION_APPROVAL",
    "COGWORKS_WEBHOOK_SECRET",
    "COGWORKS_WEBHOOK_SECRET_OLD",
    "COGWORKS_CONSOLE_TOKEN",
    "COGWORKS_METRICS_PORT",
    "COGWORKS_SENTRY_DSN",
    "COGWORKS_ENVIRONMENT",
    "FLOWER_BASIC_AUTH",
]


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("COGWORKS_", "FLOWER_")):
            monkeypatch.delenv(name)


def fields_wrong(needs: tuple[Need, ...] = ()) -> set[str]:
    with pytest.raises(ConfigError) as caught:
        read_settings(needs=needs)
    assert CANARY not in str(caught.value)
    return {problem.field for problem in caught.value.problems}


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = read_settings()

    assert (settings.poll_interval, settings.max_active_runs, settings.log_format) == (60, 20, "json")
    assert (settings.github_writes_per_minute, settings.github_writes_per_hour) == (80, 500)
    assert (settings.lease_seconds, settings.sweep_seconds, settings.visibility_seconds) == (60, 30, 120)
    assert settings.llm_api_url == "https://api.anthropic.com"
    assert settings.credentials() == {}


def test_the_table_holds_every_variable_with_a_sentence() -> None:
    rows = setting_rows()

    assert [row.variable for row in rows] == TABLE
    assert all(row.sentence.endswith(".") for row in rows)


def test_no_repository_file_may_name_one_of_them() -> None:
    assert {name.removesuffix("_FILE") for name in TABLE} == RESERVED_VARIABLES


def test_what_is_set_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COGWORKS_REPOS", "o/a, o/b,")
    monkeypatch.setenv("COGWORKS_GITHUB_API_URL", "http://127.0.0.1:1/")
    monkeypatch.setenv("COGWORKS_LEASE_SECONDS", "2")
    monkeypatch.setenv("COGWORKS_LOG_LEVEL", "")

    settings = read_settings()

    assert settings.repos == ("o/a", "o/b")
    assert settings.github_api_url == "http://127.0.0.1:1"
    assert (settings.lease_seconds, settings.log_level) == (2, "info")


def test_a_secret_may_stand_in_a_file_and_never_shows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{CANARY}\n")
    monkeypatch.setenv("COGWORKS_LLM_API_KEY_FILE", str(file))

    settings = read_settings(needs=[Need.LLM])

    assert settings.credentials() == {"COGWORKS_LLM_API_KEY": CANARY}
    assert CANARY not in repr(settings) + str(settings) + settings.model_dump_json()


def test_an_app_is_preferred_and_its_key_keeps_its_lines(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text("-----BEGIN-----\nabc\n-----END-----\n")
    monkeypatch.setenv("COGWORKS_GITHUB_APP_ID", "7")
    monkeypatch.setenv("COGWORKS_GITHUB_APP_INSTALLATION_ID", "8")
    monkeypatch.setenv("COGWORKS_GITHUB_APP_PRIVATE_KEY_FILE", str(file))

    settings = read_settings(needs=[Need.GITHUB])

    assert settings.uses_app
    assert settings.github_app_private_key is not None
    assert settings.github_app_private_key.get_secret_value().count("\n") == 2


def test_everything_missing_is_named_at_once() -> None:
    assert fields_wrong(tuple(Need)) == {
        "COGWORKS_GITHUB_TOKEN", "COGWORKS_LLM_API_KEY", "COGWORKS_REDIS_URL", "COGWORKS_CONSOLE_TOKEN",
        "COGWORKS_WEBHOOK_SECRET", "FLOWER_BASIC_AUTH",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("variables", "wrong"),
    [
        pytest.param({"COGWORKS_LLM_API_KEY": CANARY, "COGWORKS_LLM_API_KEY_FILE": "/dev/null"},
                     {"COGWORKS_LLM_API_KEY"}, id="both forms"),
        pytest.param({"COGWORKS_LLM_API_KEY_FILE": "/nowhere/at/all"}, {"COGWORKS_LLM_API_KEY_FILE"}, id="no file"),
        pytest.param({"COGWORKS_LLM_API_KEY_FILE": "/dev/null"}, {"COGWORKS_LLM_API_KEY_FILE"}, id="an empty file"),
        pytest.param({"COGWORKS_LLM_API_KEY": f"{CANARY}\nX: y"}, {"COGWORKS_LLM_API_KEY"}, id="a second header line"),
        pytest.param({"COGWORKS_POLL_INTERVAL": "soon"}, {"COGWORKS_POLL_INTERVAL"}, id="no number"),
        pytest.param({"COGWORKS_POLL_INTERVAL": "0"}, {"COGWORKS_POLL_INTERVAL"}, id="without rest"),
        pytest.param({"COGWORKS_METRICS_PORT": "70000"}, {"COGWORKS_METRICS_PORT"}, id="no such port"),
        pytest.param({"COGWORKS_LOG_LEVEL": "loud"}, {"COGWORKS_LOG_LEVEL"}, id="no such level"),
        pytest.param({"COGWORKS_CONSTITUTION_APPROVAL": "yes"}, {"COGWORKS_CONSTITUTION_APPROVAL"}, id="merge only"),
        pytest.param({"COGWORKS_REPOS": "o/a, b"}, {"COGWORKS_REPOS"}, id="a repository without an owner"),
        pytest.param({"COGWORKS_LLM_API_URL": f"http://u:{CANARY}@h"}, {"COGWORKS_LLM_API_URL"},
                     id="credentials in an address"),
        pytest.param({"COGWORKS_LLM_API_URL": "ftp://h"}, {"COGWORKS_LLM_API_URL"}, id="another scheme"),
        pytest.param({"COGWORKS_GITHUB_APP_ID": "1"},
                     {"COGWORKS_GITHUB_APP_INSTALLATION_ID", "COGWORKS_GITHUB_APP_PRIVATE_KEY_FILE"},
                     id="half an app"),
        pytest.param({"COGWORKS_POLL_INTERVAL": "x", "COGWORKS_METRICS_PORT": "y"},
                     {"COGWORKS_POLL_INTERVAL", "COGWORKS_METRICS_PORT"}, id="two at once"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], wrong: set[str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert fields_wrong() == wrong


def test_nothing_changes_after_reading() -> None:
    with pytest.raises(ValidationError):
        read_settings().poll_interval = 1
