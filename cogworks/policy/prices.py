"""What a call costs, in whole micro-dollars (LLM-17)."""

from decimal import ROUND_CEILING, Decimal
from typing import Literal

from cogworks.model.llm import ModelSpec, Prices, Usage
from cogworks.model.money import MicroUsd
from cogworks.model.state import Cost

CacheTtl = Literal["off", "5m", "1h"]


def cost_microusd(usage: Usage, model: ModelSpec, *, cache_ttl: CacheTtl) -> MicroUsd:
    """Return the cost of a call: the prices of the tier that its whole prompt falls in, rounded up once."""
    prices = prices_at(model, prompt_tokens=usage.prompt)
    # Dollars per million tokens are micro-dollars per token.
    return _up(
        usage.input * prices.input
        + usage.output * prices.output
        + usage.cache_write * _write_price(prices, cache_ttl)
        + usage.cache_read * prices.cache_read
    )


def worst_case(model: ModelSpec, *, input_tokens: int, max_output: int, cache_ttl: CacheTtl) -> Cost:
    """Return the most that a call can cost: what is reserved before it is sent."""
    prices = prices_at(model, prompt_tokens=input_tokens)
    dearer = prices.input if cache_ttl == "off" else max(prices.input, _write_price(prices, cache_ttl))
    return Cost(
        microusd=_up(input_tokens * dearer + max_output * prices.output),
        tokens=input_tokens + max_output,
    )


def prices_at(model: ModelSpec, *, prompt_tokens: int) -> Prices:
    """Return the prices of a call with so many prompt tokens, input and both cache figures together."""
    over = [tier for tier in model.tiers if prompt_tokens > tier.above_prompt_tokens]
    return max(over, key=lambda tier: tier.above_prompt_tokens).prices if over else model.prices


def _write_price(prices: Prices, cache_ttl: CacheTtl) -> Decimal:
    return prices.cache_write_1h if cache_ttl == "1h" else prices.cache_write_5m


def _up(amount: Decimal) -> MicroUsd:
    return MicroUsd(int(amount.to_integral_value(rounding=ROUND_CEILING)))
