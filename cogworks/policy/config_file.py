"""``.cogworks/config.toml``: text to settings, or every problem at once (70 section 3)."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter
from pydantic_core import PydanticCustomError

from cogworks.model.config import Config, Labels, Purposes
from cogworks.model.config_types import NotNegative, Positive
from cogworks.model.errors import ConfigError, Problem
from cogworks.model.llm import ModelSpec, Prices
from cogworks.policy.known_models import ModelFacts, Price, TierEntry
from cogworks.policy.toml_file import nearest, read_as, read_toml

ASKED_OUTPUT_TOKENS = 16_384
"""Output tokens asked for per call when the file does not say."""

_LIMITS = ("context_window", "max_output_tokens", "min_cache_tokens", "forced_tool", "schema_output")
_PRICES = ("price_input", "price_output", "price_cache_write_5m", "price_cache_write_1h", "price_cache_read")


def _exact_id(model_id: str) -> str:
    if "latest" in model_id:
        raise PydanticCustomError("model_id", "{id} may mean another model tomorrow", {"id": repr(model_id)})
    return model_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEntry:
    """One ``[llm.models.<alias>]`` table; what it leaves out comes from what is known of the id."""

    __pydantic_config__ = ConfigDict(extra="forbid")
    id: Annotated[
        str, Field(pattern=r"^\S+$", description="id of one exact model, without latest"), AfterValidator(_exact_id)
    ]
    context_window: Positive | None = None
    max_output_tokens: Positive | None = None
    min_cache_tokens: NotNegative | None = None
    forced_tool: bool | None = None
    schema_output: bool | None = None
    price_input: Price | None = None
    price_output: Price | None = None
    price_cache_write_5m: Price | None = None
    price_cache_write_1h: Price | None = None
    price_cache_read: Price | None = None
    price_tiers: tuple[TierEntry, ...] | None = None


_CONFIG: TypeAdapter[Config] = TypeAdapter(Config)
_LABELS: TypeAdapter[Labels] = TypeAdapter(Labels)
_MODEL: TypeAdapter[ModelEntry] = TypeAdapter(ModelEntry)


def parse_config(text: bytes, *, file: str, known_models: Mapping[str, ModelFacts]) -> Config:
    """Return the settings in ``text``; raise ConfigError that holds every problem found."""
    document = read_toml(text, file=file)
    problems: list[Problem] = []
    models = _read_models(_models_of(document), file=file, known=known_models, problems=problems)
    problems += _alias_problems(document, file=file)
    try:
        config = read_as(_CONFIG, _without_models(document), file=file)
    except ConfigError as error:
        raise ConfigError(problems=(*error.problems, *problems)) from error
    if problems:
        raise ConfigError(problems=tuple(problems))
    return replace(config, llm=replace(config.llm, models=models))


def labels_left(text: bytes | None) -> Labels:
    """Return the workflow labels that a configuration names, right or wrong otherwise; else the usual ones."""
    try:
        table = {} if text is None else read_toml(text, file="").get("labels", {})
        return read_as(_LABELS, table, file="")
    except ConfigError:
        return Labels()


def _table(document: object, key: str) -> object:
    return document.get(key, {}) if isinstance(document, dict) else {}


def _models_of(document: object) -> object:
    return _table(_table(document, "llm"), "models")


def _without_models(document: dict[str, object]) -> dict[str, object]:
    llm = document.get("llm", {})
    if not isinstance(llm, dict):
        return document
    rest = {key: value for key, value in llm.items() if key != "models"}
    return {**document, "llm": {"purposes": {}, **rest}}


def _read_models(
    tables: object, *, file: str, known: Mapping[str, ModelFacts], problems: list[Problem]
) -> dict[str, ModelSpec]:
    if not isinstance(tables, dict):
        problems.append(_problem("wrong_type", file, "llm.models", "Input should be a table", "[llm.models.<alias>]"))
        return {}
    if not tables:
        problems.append(_problem("missing_key", file, "llm.models", "no model is named", "[llm.models.<alias>]"))
    models: dict[str, ModelSpec] = {}
    for alias, table in tables.items():
        at = f"llm.models.{alias}"
        try:
            entry = read_as(_MODEL, table, file=file, at=at)
            models[alias] = _spec(alias, entry, known.get(entry.id), file=file, at=at)
        except ConfigError as error:
            problems.extend(error.problems)
    return models


def _alias_problems(document: object, *, file: str) -> list[Problem]:
    models, purposes = _models_of(document), _table(_table(document, "llm"), "purposes")
    if not isinstance(models, dict) or not isinstance(purposes, dict):
        return []
    problems = []
    for one in fields(Purposes):
        alias = purposes.get(one.name)
        if isinstance(alias, str) and alias not in models:
            guess = nearest(alias, models)
            message = f"no model is called {alias}" + (f"; did you mean {guess}?" if guess else "")
            allowed = ", ".join(sorted(models))
            problems.append(_problem("unknown_alias", file, f"llm.purposes.{one.name}", message, allowed))
    return problems


def _spec(alias: str, entry: ModelEntry, facts: ModelFacts | None, *, file: str, at: str) -> ModelSpec:
    problems = _gaps(entry, file=file, at=at) if facts is None else _excess(entry, facts, file=file, at=at)
    if problems:
        raise ConfigError(problems=tuple(problems))
    full = facts or ModelFacts(**{name: getattr(entry, name) for name in (*_LIMITS, *_PRICES)})
    own = {name: getattr(entry, name) for name in (*_LIMITS, *_PRICES, "price_tiers")}
    own.pop("max_output_tokens")
    full = replace(full, **{name: value for name, value in own.items() if value is not None})
    return ModelSpec(
        alias=alias,
        id=entry.id,
        context_window=full.context_window,
        max_output_tokens=full.max_output_tokens,
        asked_output_tokens=entry.max_output_tokens or min(ASKED_OUTPUT_TOKENS, full.max_output_tokens),
        min_cache_tokens=full.min_cache_tokens,
        forced_tool=full.forced_tool,
        schema_output=full.schema_output,
        prices=_prices(full),
        tiers=tuple(sorted((t.tier() for t in full.price_tiers), key=lambda tier: tier.above_prompt_tokens)),
    )


def _prices(facts: ModelFacts) -> Prices:
    return Prices(
        input=facts.price_input,
        output=facts.price_output,
        cache_write_5m=facts.price_cache_write_5m,
        cache_write_1h=facts.price_cache_write_1h,
        cache_read=facts.price_cache_read,
    )


def _gaps(entry: ModelEntry, *, file: str, at: str) -> list[Problem]:
    missing = [name for name in (*_LIMITS, *_PRICES) if getattr(entry, name) is None]
    why = f"{entry.id} is not a model that CogWorks knows, so this key is needed"
    return [
        _problem("missing_price" if name in _PRICES else "missing_key", file, f"{at}.{name}", why, "")
        for name in missing
    ]


def _excess(entry: ModelEntry, facts: ModelFacts, *, file: str, at: str) -> list[Problem]:
    most = facts.max_output_tokens
    if entry.max_output_tokens is None or entry.max_output_tokens <= most:
        return []
    message = f"{entry.id} writes at most {most} tokens"
    return [_problem("out_of_range", file, f"{at}.max_output_tokens", message, f"1 to {most}")]


def _problem(code: str, file: str, field: str, message: str, allowed: str) -> Problem:
    return Problem(code=code, file=file, field=field, message=message, allowed=allowed)
