"""What is known of models before any repository says a word: ``known_models.toml``, shipped with the package."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter
from pydantic_core import PydanticCustomError

from cogworks.model.config_types import NotNegative, Positive
from cogworks.model.llm import Prices, PriceTier
from cogworks.policy.toml_file import read_as, read_toml

_CLOSED = ConfigDict(extra="forbid", strict=False)
_MOST = Decimal(1_000_000)


def _price(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise PydanticCustomError("price_type", "Input should be a price")
    try:
        price = Decimal(str(value))
    except InvalidOperation:
        price = Decimal("NaN")
    if not price.is_finite() or not 0 <= price <= _MOST:
        raise PydanticCustomError("price", "{value} is not a price", {"value": repr(value)})
    return price


Price = Annotated[
    Decimal, BeforeValidator(_price), Field(description='dollars per million tokens, 0 or more, as "3.00"')
]


@dataclass(frozen=True, slots=True, kw_only=True)
class TierEntry:
    """Prices above a number of prompt tokens, as a file states them."""

    __pydantic_config__ = _CLOSED
    above_prompt_tokens: NotNegative
    price_input: Price
    price_output: Price
    price_cache_write_5m: Price
    price_cache_write_1h: Price
    price_cache_read: Price

    def tier(self) -> PriceTier:
        """Return the tier in the words of the model."""
        return PriceTier(
            above_prompt_tokens=self.above_prompt_tokens,
            prices=Prices(
                input=self.price_input,
                output=self.price_output,
                cache_write_5m=self.price_cache_write_5m,
                cache_write_1h=self.price_cache_write_1h,
                cache_read=self.price_cache_read,
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """Limits, ways of delivery and prices of a known model."""

    __pydantic_config__ = _CLOSED
    context_window: Positive
    max_output_tokens: Positive
    min_cache_tokens: NotNegative
    forced_tool: bool
    schema_output: bool
    price_input: Price
    price_output: Price
    price_cache_write_5m: Price
    price_cache_write_1h: Price
    price_cache_read: Price
    price_tiers: tuple[TierEntry, ...] = field(default=())


_ADAPTER: TypeAdapter[Mapping[str, ModelFacts]] = TypeAdapter(Mapping[str, ModelFacts])


def parse_known_models(text: bytes, *, file: str = "known_models.toml") -> Mapping[str, ModelFacts]:
    """Return the facts of each known model by its id; raise ConfigError when the file is not of that form."""
    return read_as(_ADAPTER, read_toml(text, file=file), file=file)
