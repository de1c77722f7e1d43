"""What calls cost, computed by hand (LLM-17)."""

from decimal import Decimal
from pathlib import Path

import pytest

import cogworks.policy
from cogworks.model.llm import ModelSpec, Usage
from cogworks.policy.config_file import parse_config
from cogworks.policy.known_models import parse_known_models
from cogworks.policy.prices import CacheTtl, cost_microusd, prices_at, worst_case

KNOWN = parse_known_models((Path(cogworks.policy.__path__[0]) / "known_models.toml").read_bytes())


def model(model_id: str) -> ModelSpec:
    text = f'[llm.models.m]\nid = "{model_id}"\n[llm.purposes]\ngenerate = "m"\n'
    return parse_config(text.encode(), file="c", known_models=KNOWN).model("generate")


MILLION = 1_000_000
UNDER = 99_000


@pytest.mark.parametrize(
    ("model_id", "usage", "ttl", "microusd"),
    [
        pytest.param("claude-haiku-5-5", Usage(input=UNDER), "5m", 9_900, id="haiku input: 99,000 x 0.1"),
        pytest.param("claude-haiku-5-5", Usage(output=MILLION), "5m", 500_000, id="haiku output: 0.50"),
        pytest.param("claude-haiku-5-5", Usage(cache_write=UNDER), "5m", 12_375, id="haiku 5m write: 99,000 x 0.125"),
        pytest.param("claude-haiku-5-5", Usage(cache_write=UNDER), "1h", 19_800, id="haiku 1h write: 99,000 x 0.2"),
        pytest.param("claude-haiku-5-5", Usage(cache_read=UNDER), "5m", 990, id="haiku read: 99,000 x 0.01"),
        pytest.param("claude-haiku-5-5", Usage(input=100_000), "5m", 10_000, id="the last token of the lower tier"),
        pytest.param("claude-haiku-5-5", Usage(input=100_001), "5m", 50_001, id="one more: the whole at 0.5, up"),
        pytest.param("claude-haiku-5-5", Usage(input=1, cache_read=100_000), "5m", 5_001,
                     id="cache reads count for the tier: 0.5 + 5,000"),
        pytest.param("claude-haiku-5-5", Usage(cache_write=100_001, output=10), "1h", 100_026,
                     id="the upper tier has its own write and output prices: 100,001 + 25"),
        pytest.param("claude-haiku-5-5", Usage(cache_write=200_000), "5m", 125_000, id="upper 5m write: x 0.625"),
        pytest.param("claude-sonnet-5-5", Usage(input=200, output=30, cache_write=40, cache_read=15), "5m", 802,
                     id="sonnet: 400 + 300 + 100 + 1.5, rounded up once"),
        pytest.param("claude-sonnet-5-5", Usage(input=200, output=30, cache_write=40, cache_read=15), "1h", 862,
                     id="sonnet with the dear cache: 400 + 300 + 160 + 1.5"),
        pytest.param("claude-opus-5-5", Usage(input=7, output=3, cache_write=2, cache_read=1), "5m", 99,
                     id="opus: 28 + 60 + 10 + 0.2"),
        pytest.param("claude-fable-5-1", Usage(input=1, output=1, cache_write=1, cache_read=1), "5m", 73,
                     id="fable: 10 + 50 + 12.5 + 0.25"),
        pytest.param("claude-sonnet-5", Usage(input=1, output=1, cache_write=1, cache_read=1), "1h", 17,
                     id="sonnet 5: 2 + 10 + 4 + 0.2"),
        pytest.param("claude-opus-5", Usage(input=1, output=1, cache_write=1, cache_read=1), "5m", 37,
                     id="opus 5: 5 + 25 + 6.25 + 0.5"),
        pytest.param("claude-haiku-4-5", Usage(input=1, output=1, cache_write=1, cache_read=1), "5m", 8,
                     id="haiku 4.5: 1 + 5 + 1.25 + 0.1"),
        pytest.param("claude-sonnet-4-6", Usage(input=1, output=1, cache_write=1, cache_read=1), "1h", 25,
                     id="sonnet 4.6: 3 + 15 + 6 + 0.3"),
        pytest.param("claude-sonnet-4-5", Usage(input=1, output=1, cache_write=1, cache_read=1), "5m", 23,
                     id="sonnet 4.5: 3 + 15 + 3.75 + 0.3"),
        pytest.param("claude-opus-4-8", Usage(input=1, output=1, cache_write=1, cache_read=1), "5m", 37,
                     id="opus 4.8: 5 + 25 + 6.25 + 0.5"),
        pytest.param("claude-opus-5-5", Usage(), "5m", 0, id="nothing costs nothing"),
    ],
)  # fmt: skip
def test_the_cost_of_a_call(model_id: str, usage: Usage, ttl: CacheTtl, microusd: int) -> None:
    assert cost_microusd(usage, model(model_id), cache_ttl=ttl) == microusd


def test_every_known_model_has_a_row_above() -> None:
    rows = test_the_cost_of_a_call.pytestmark[0].args[1]  # type: ignore[attr-defined]

    assert {row.values[0] for row in rows} == set(KNOWN)


@pytest.mark.parametrize(
    ("ttl", "tokens", "microusd"),
    [
        pytest.param("off", 1_000, 2_000 + 5_000, id="no cache: the input price"),
        pytest.param("5m", 1_000, 2_500 + 5_000, id="the write price is dearer"),
        pytest.param("1h", 1_000, 4_000 + 5_000, id="the dear cache"),
    ],
)
def test_the_worst_case_takes_the_dearer_of_input_and_cache_write(ttl: CacheTtl, tokens: int, microusd: int) -> None:
    worst = worst_case(model("claude-sonnet-5-5"), input_tokens=tokens, max_output=500, cache_ttl=ttl)

    assert (worst.microusd, worst.tokens) == (microusd, tokens + 500)


@pytest.mark.parametrize("prompt", [1, 99_999, 100_000, 100_001, 900_000])
@pytest.mark.parametrize("ttl", ["off", "5m", "1h"])
def test_no_call_costs_more_than_its_worst_case(prompt: int, ttl: CacheTtl) -> None:
    haiku = model("claude-haiku-5-5")
    written = 0 if ttl == "off" else prompt // 2
    usage = Usage(input=prompt - written - prompt // 4, cache_write=written, cache_read=prompt // 4, output=777)

    worst = worst_case(haiku, input_tokens=prompt, max_output=777, cache_ttl=ttl)

    assert cost_microusd(usage, haiku, cache_ttl=ttl) <= worst.microusd
    assert usage.total <= worst.tokens


def test_the_highest_tier_that_is_passed_counts() -> None:
    haiku = model("claude-haiku-5-5")

    assert prices_at(haiku, prompt_tokens=100_001).input == Decimal("0.5")
