"""The models that the provider offers: limits, refusals and prices, read from the data file beside this module."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

_DATA = Path(__file__).with_name("models.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Micro-dollars per token, for requests whose whole prompt is longer than `above_prompt_tokens`."""

    above_prompt_tokens: int
    input: Decimal
    cache_write_5m: Decimal
    cache_write_1h: Decimal
    cache_read: Decimal
    output: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model: what it holds, what it refuses and what it costs."""

    id: str
    tiers: tuple[Prices, ...]
    context: int
    max_output: int
    min_cache_tokens: int
    refuses_sampling: bool
    refuses_forced_tool: bool
    thinking_always_on: bool
    accepts_prefill: bool
    ends: date | None


def load_models() -> Mapping[str, Model]:
    """Return the known models by id."""
    data: dict[str, Any] = json.loads(_DATA.read_text(encoding="utf-8"))
    return {model_id: _model(model_id, facts) for model_id, facts in data["models"].items()}


def _model(model_id: str, facts: dict[str, Any]) -> Model:
    plain = {key: value for key, value in facts.items() if key not in {"tiers", "ends"}}
    ends = date.fromisoformat(facts["ends"]) if facts["ends"] else None
    return Model(id=model_id, tiers=tuple(_prices(tier) for tier in facts["tiers"]), ends=ends, **plain)


def _prices(tier: dict[str, Any]) -> Prices:
    decimals = {key: Decimal(value) for key, value in tier.items() if key != "above_prompt_tokens"}
    return Prices(above_prompt_tokens=tier["above_prompt_tokens"], **decimals)
