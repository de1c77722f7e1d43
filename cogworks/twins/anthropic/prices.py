"""What one call costs: exact decimals, the tier of the whole prompt, rounded up once."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from cogworks.twins.anthropic.catalogue import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The tokens of one call; `input` is what neither came from the cache nor went into it."""

    input: int = 0
    output: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    cache_read: int = 0

    @property
    def cache_write(self) -> int:
        """All tokens written to the cache."""
        return self.cache_write_5m + self.cache_write_1h

    @property
    def prompt(self) -> int:
        """The whole prompt, however it was paid for."""
        return self.input + self.cache_write + self.cache_read


def cost_microusd(model: Model, usage: Usage) -> int:
    """Return the price of one call in whole micro-dollars."""
    tier = max(
        (prices for prices in model.tiers if usage.prompt > prices.above_prompt_tokens),
        key=lambda prices: prices.above_prompt_tokens,
        default=model.tiers[0],
    )
    exact = (
        usage.input * tier.input
        + usage.cache_write_5m * tier.cache_write_5m
        + usage.cache_write_1h * tier.cache_write_1h
        + usage.cache_read * tier.cache_read
        + usage.output * tier.output
    )
    return int(Decimal(exact).to_integral_value(rounding=ROUND_CEILING))
