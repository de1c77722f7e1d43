"""What the operator says: the environment, read once and handed down (70 section 2)."""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from cogworks.model.errors import ConfigError, Problem
from cogworks.model.ids import RepoName, parse_repo

_WHERE = "environment"
_FILE_SUFFIX = "_FILE"
_MAX_FILE_BYTES = 64 * 1024


class Need(StrEnum):
    """What a command cannot do without."""

    GITHUB = "github"
    LLM = "llm"
    REDIS = "redis"
    CONSOLE = "console"
    WEBHOOKS = "webhooks"
    FLOWER = "flower"


def _one_line(secret: SecretStr) -> SecretStr:
    if any(ord(c) < 33 or ord(c) > 126 for c in secret.get_secret_value()):
        raise PydanticCustomError("secret", "Input should be one line of printable ASCII without blanks")
    return secret


def _repos(text: object) -> tuple[RepoName, ...]:
    if not isinstance(text, str):
        raise PydanticCustomError("repos", "Input should be text")
    names = [name.strip() for name in text.split(",")]
    try:
        return tuple(parse_repo(name) for name in names if name)
    except ConfigError as error:
        raise PydanticCustomError("repos", "Input should be owner/name, owner/name, …") from error


def _web_address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise PydanticCustomError("url", "Input should be http:// or https:// and a host, without credentials")
    return url.rstrip("/")


_Token = Annotated[SecretStr, AfterValidator(_one_line)]
_Url = Annotated[str, AfterValidator(_web_address)]
_AtLeastOne = Annotated[int, Field(ge=1)]
_NotNegative = Annotated[int, Field(ge=0)]


class _Environment(PydanticBaseSettingsSource):
    """Variables by their exact names; a secret may stand in the file that its ``_FILE`` form names. Empty is unset."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        variable = variable_of(field)
        own, file = os.environ.get(variable), os.environ.get(variable + _FILE_SUFFIX)
        if not _is_secret(field):
            return own or None, field_name, False
        if _only_in_a_file(field):
            own = None
        if own and file:
            raise _wrong(variable, f"both {variable} and {variable}{_FILE_SUFFIX} are set", "one of the two")
        return (_content(file, variable=variable + _FILE_SUFFIX) if file else own) or None, field_name, False

    def __call__(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        problems: list[Problem] = []
        for name, field in self.settings_cls.model_fields.items():
            try:
                value, _, _ = self.get_field_value(field, name)
            except ConfigError as error:
                problems.extend(error.problems)
                continue
            if value is not None:
                found[variable_of(field)] = value
        if problems:
            raise ConfigError(problems=tuple(problems))
        return found


class Settings(BaseSettings):
    """Every variable with its default and a sentence for the operator; secrets never show their value."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=False)

    github_token: _Token | None = Field(
        None,
        validation_alias="COGWORKS_GITHUB_TOKEN",
        description="Token with read and write rights to issues, pull requests and contents; or use a GitHub App.",
    )
    github_app_id: _AtLeastOne | None = Field(
        None, validation_alias="COGWORKS_GITHUB_APP_ID", description="Id of the GitHub App, preferred to a token."
    )
    github_app_installation_id: _AtLeastOne | None = Field(
        None,
        validation_alias="COGWORKS_GITHUB_APP_INSTALLATION_ID",
        description="Installation of the GitHub App to act as.",
    )
    github_app_private_key: SecretStr | None = Field(
        None,
        validation_alias="COGWORKS_GITHUB_APP_PRIVATE_KEY",
        description="File that holds the private key of the GitHub App.",
        json_schema_extra={"only_in_a_file": True},
    )
    llm_api_key: _Token | None = Field(
        None, validation_alias="COGWORKS_LLM_API_KEY", description="Anthropic key that every model call is paid with."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", validation_alias="COGWORKS_LOG_LEVEL", description="Least level that is logged."
    )
    log_format: Literal["json", "text"] = Field(
        "json", validation_alias="COGWORKS_LOG_FORMAT", description="json for machines, text for people."
    )
    temp_dir: Path | None = Field(
        None, validation_alias="COGWORKS_TEMP_DIR", description="Where worktrees are; default: the system's own."
    )
    domain_services_config: str = Field(
        ".cogworks/services.toml",
        validation_alias="COGWORKS_DOMAIN_SERVICES_CONFIG",
        description="File that registers the domain services.",
    )
    redis_url: SecretStr | None = Field(
        None,
        validation_alias="COGWORKS_REDIS_URL",
        description="Redis of the cluster: broker, results, leases and ledger.",
    )
    repos: Annotated[tuple[RepoName, ...], BeforeValidator(_repos)] = Field(
        (), validation_alias="COGWORKS_REPOS", description="Repositories to poll, as owner/name, separated by commas."
    )
    poll_interval: _AtLeastOne = Field(
        60, validation_alias="COGWORKS_POLL_INTERVAL", description="Seconds between two polls of a repository."
    )
    max_active_runs: _AtLeastOne = Field(
        20, validation_alias="COGWORKS_MAX_ACTIVE_RUNS", description="Active runs over all repositories."
    )
    github_writes_per_minute: _NotNegative = Field(
        80,
        validation_alias="COGWORKS_GITHUB_WRITES_PER_MINUTE",
        description="Most writes to GitHub in a minute; 0 is unpaced.",
    )
    github_writes_per_hour: _NotNegative = Field(
        500,
        validation_alias="COGWORKS_GITHUB_WRITES_PER_HOUR",
        description="Most writes to GitHub in an hour; 0 is unpaced.",
    )
    lease_seconds: _AtLeastOne = Field(
        60, validation_alias="COGWORKS_LEASE_SECONDS", description="How long a silent worker keeps its work."
    )
    sweep_seconds: _AtLeastOne = Field(
        30, validation_alias="COGWORKS_SWEEP_SECONDS", description="Seconds between two sweeps for stuck work."
    )
    visibility_seconds: _AtLeastOne = Field(
        120,
        validation_alias="COGWORKS_VISIBILITY_SECONDS",
        description="Seconds after which the broker offers a lost worker's task again.",
    )
    github_api_url: _Url = Field(
        "https://api.github.com",
        validation_alias="COGWORKS_GITHUB_API_URL",
        description="Address of GitHub's API: an enterprise host, or a twin.",
    )
    llm_api_url: _Url = Field(
        "https://api.anthropic.com",
        validation_alias="COGWORKS_LLM_API_URL",
        description="Address of the model provider's API, or of a twin.",
    )
    constitution_approval: Literal["merge"] | None = Field(
        None,
        validation_alias="COGWORKS_CONSTITUTION_APPROVAL",
        description="merge accepts the constitutional rules of a repository that one person maintains.",
    )
    webhook_secret: _Token | None = Field(
        None, validation_alias="COGWORKS_WEBHOOK_SECRET", description="Key that GitHub signs webhooks with."
    )
    webhook_secret_old: _Token | None = Field(
        None,
        validation_alias="COGWORKS_WEBHOOK_SECRET_OLD",
        description="The key before the present one, accepted while it is rotated.",
    )
    console_token: _Token | None = Field(
        None,
        validation_alias="COGWORKS_CONSOLE_TOKEN",
        description="Bearer token of console and API, needed when serve listens beyond loopback.",
    )
    metrics_port: Annotated[int, Field(ge=0, le=65535)] = Field(
        0, validation_alias="COGWORKS_METRICS_PORT", description="Port of each worker's /metrics; 0 is off."
    )
    sentry_dsn: _Token | None = Field(
        None, validation_alias="COGWORKS_SENTRY_DSN", description="Where errors are reported; without it nothing is."
    )
    environment: str = Field(
        "production", validation_alias="COGWORKS_ENVIRONMENT", description="Name of this installation in Sentry."
    )
    flower_basic_auth: _Token | None = Field(
        None, validation_alias="FLOWER_BASIC_AUTH", description="user:password that Flower asks for."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the form that pydantic-settings calls
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the environment alone, in our own way."""
        return init_settings, _Environment(settings_cls)

    @property
    def uses_app(self) -> bool:
        """Whether CogWorks acts as a GitHub App rather than with a token."""
        return self.github_app_id is not None

    def credentials(self) -> Mapping[str, str]:
        """Return every secret that is set, by its variable: what must be redacted wherever text leaves."""
        found = {}
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if isinstance(value, SecretStr):
                found[variable_of(field)] = value.get_secret_value()
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingRow:
    """One line of the table of settings."""

    variable: str
    default: str
    sentence: str


def read_settings(*, needs: Collection[Need] = ()) -> Settings:
    """Return the settings of this process; raise ConfigError that names every variable missing or wrong."""
    try:
        settings = Settings()
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False, include_context=False)
        problems = tuple(_problem(str(detail["loc"][0]), detail["msg"]) for detail in details)
        raise ConfigError(problems=problems) from None
    missing = [problem for need in Need if need in needs for problem in _missing(settings, need)]
    missing += _half_an_app(settings)
    if missing:
        raise ConfigError(problems=tuple(missing))
    return settings


def setting_rows() -> tuple[SettingRow, ...]:
    """Return the table of settings, as the manual shows it."""
    rows = []
    for field in Settings.model_fields.values():
        name = variable_of(field) + (_FILE_SUFFIX if _only_in_a_file(field) else "")
        default = "" if field.default in (None, ()) else str(field.default)
        rows.append(SettingRow(variable=name, default=default, sentence=field.description or ""))
    return tuple(rows)


def variable_of(field: FieldInfo) -> str:
    """Return the variable that a field is read from."""
    return str(field.validation_alias)


def _is_secret(field: FieldInfo) -> bool:
    return "SecretStr" in repr(field.annotation)


def _only_in_a_file(field: FieldInfo) -> bool:
    return isinstance(field.json_schema_extra, dict) and "only_in_a_file" in field.json_schema_extra


def _content(file: str, *, variable: str) -> str:
    try:
        with Path(file).open("rb") as stream:
            content = stream.read(_MAX_FILE_BYTES + 1)
        text = content.decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise _wrong(variable, f"{file} cannot be read: {type(error).__name__}", "a file with the secret") from error
    if not text or len(content) > _MAX_FILE_BYTES:
        raise _wrong(variable, f"{file} is empty or too large", f"1 to {_MAX_FILE_BYTES} bytes")
    return text


def _missing(settings: Settings, need: Need) -> list[Problem]:
    wanted = {
        Need.GITHUB: settings.github_token if not settings.uses_app else settings.github_app_id,
        Need.LLM: settings.llm_api_key,
        Need.REDIS: settings.redis_url,
        Need.CONSOLE: settings.console_token,
        Need.WEBHOOKS: settings.webhook_secret,
        Need.FLOWER: settings.flower_basic_auth,
    }
    names = {
        Need.GITHUB: "COGWORKS_GITHUB_TOKEN",
        Need.LLM: "COGWORKS_LLM_API_KEY",
        Need.REDIS: "COGWORKS_REDIS_URL",
        Need.CONSOLE: "COGWORKS_CONSOLE_TOKEN",
        Need.WEBHOOKS: "COGWORKS_WEBHOOK_SECRET",
        Need.FLOWER: "FLOWER_BASIC_AUTH",
    }
    return [] if wanted[need] is not None else [_problem(names[need], "this variable is not set", code="missing_key")]


def _half_an_app(settings: Settings) -> list[Problem]:
    parts = {
        "COGWORKS_GITHUB_APP_ID": settings.github_app_id,
        "COGWORKS_GITHUB_APP_INSTALLATION_ID": settings.github_app_installation_id,
        "COGWORKS_GITHUB_APP_PRIVATE_KEY_FILE": settings.github_app_private_key,
    }
    absent = [name for name, value in parts.items() if value is None]
    if len(absent) == len(parts):
        return []
    return [_problem(name, "a GitHub App needs this variable too", code="missing_key") for name in absent]


def _problem(variable: str, message: str, *, code: str = "out_of_range") -> Problem:
    return Problem(code=code, file=_WHERE, field=variable, message=message)


def _wrong(variable: str, message: str, allowed: str) -> ConfigError:
    problem = Problem(code="out_of_range", file=_WHERE, field=variable, message=message, allowed=allowed)
    return ConfigError(problems=(problem,))
