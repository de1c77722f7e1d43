"""The kinds of values that a settings file may hold: each a type with its range and its own check."""

from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from cogworks.model.errors import ConfigError
from cogworks.model.money import MicroUsd, parse_dollars

RESERVED_VARIABLES = frozenset(
    {
        "COGWORKS_GITHUB_TOKEN",
        "COGWORKS_GITHUB_APP_ID",
        "COGWORKS_GITHUB_APP_INSTALLATION_ID",
        "COGWORKS_GITHUB_APP_PRIVATE_KEY",
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
    }
)
"""Variables of our own (70 section 2), which no repository file may ask for by name; the ``_FILE`` forms neither."""

INTERNAL_LABELS = frozenset(
    {"cogworks:processing", "cogworks:node:failed", "cogworks:node:complete", "cogworks:restart"}
)
"""Labels whose names are fixed."""

INTERNAL_PREFIXES = ("cogworks:node:", "cogworks:status:")


def _micro_usd(value: object) -> MicroUsd:
    try:
        amount = parse_dollars(value, file="", field="")
    except ConfigError as error:
        amount = MicroUsd(0)
        if isinstance(value, str | bool | list | dict):
            raise PydanticCustomError("dollars_type", "Input should be a number") from error
    if amount <= 0:
        raise PydanticCustomError("dollars", "{value} is not an amount", {"value": repr(value)})
    return amount


def _inside_repository(path: str) -> str:
    parts = path.removesuffix("/").split("/")
    if any(part in ("", ".", "..") for part in parts) or "\\" in path or any(ord(c) < 32 for c in path):
        raise PydanticCustomError("path", "{path} is not a path inside the repository", {"path": repr(path)})
    return path


def _label(name: str) -> str:
    if name != name.strip() or "," in name or any(ord(c) < 32 or ord(c) == 127 for c in name):
        raise PydanticCustomError("label", "{name} cannot be a label", {"name": repr(name)})
    folded = name.casefold()
    if folded in INTERNAL_LABELS or folded.startswith(INTERNAL_PREFIXES):
        raise PydanticCustomError("label_reserved", "{name} is an internal label", {"name": name})
    return name


def _free_variable(name: str) -> str:
    if name.removesuffix("_FILE") in RESERVED_VARIABLES:
        raise PydanticCustomError("variable", "{name} is a variable of CogWorks itself", {"name": name})
    return name


def at_least(floor: float) -> Callable[[float], float]:
    """Return a check that reports a value below ``floor`` as ``safety_floor``."""

    def check(value: float) -> float:
        if value < floor:
            raise PydanticCustomError("safety_floor", "{value} loosens a safety rule", {"value": str(value)})
        return value

    return check


def at_most(ceiling: int) -> Callable[[int], int]:
    """Return a check that reports a value above ``ceiling`` as ``safety_floor``."""

    def check(value: int) -> int:
        if value > ceiling:
            raise PydanticCustomError("safety_floor", "{value} loosens a safety rule", {"value": str(value)})
        return value

    return check


Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]
NotNegative = Annotated[int, Field(ge=0)]
Rounds = Annotated[int, Field(ge=0, le=50)]
NonBlank = Annotated[str, Field(min_length=1, pattern=r"\S")]
RepoPath = Annotated[
    str,
    Field(min_length=1, description="a path inside the repository, without .. parts"),
    AfterValidator(_inside_repository),
]
LabelName = Annotated[
    str,
    Field(min_length=1, max_length=50, description="1 to 50 characters, no comma, not an internal label"),
    AfterValidator(_label),
]
VariableName = Annotated[
    str,
    Field(pattern=r"^[A-Z_][A-Z0-9_]*$", description="name of a variable that is not one of CogWorks' own"),
    AfterValidator(_free_variable),
]
Dollars = Annotated[
    MicroUsd, BeforeValidator(_micro_usd), Field(description="dollars, more than 0, at most 6 decimals")
]
