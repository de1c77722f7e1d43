"""Costs worked out by hand, one for each model, tier and cache figure (TWA-04, LLM-17)."""

import pytest

from cogworks.twins.anthropic.catalogue import load_models
from cogworks.twins.anthropic.prices import Usage, cost_microusd

MODELS = load_models()


@pytest.mark.parametrize(
    ("model", "usage", "expected"),
    [
        # 1000 tokens of each kind: 1000 x (input + write 5m + write 1h + read + output)
        pytest.param("claude-haiku-5-5", (1000, 1000, 1000, 1000, 1000), 935, id="0.1+0.125+0.2+0.01+0.5"),
        pytest.param("claude-sonnet-5-5", (1000, 1000, 1000, 1000, 1000), 18_600, id="2+2.5+4+0.1+10"),
        pytest.param("claude-opus-5-5", (1000, 1000, 1000, 1000, 1000), 37_200, id="4+5+8+0.2+20"),
        pytest.param("claude-fable-5-1", (1000, 1000, 1000, 1000, 1000), 92_750, id="10+12.5+20+0.25+50"),
        pytest.param("claude-sonnet-5", (1000, 1000, 1000, 1000, 1000), 18_700, id="2+2.5+4+0.2+10"),
        pytest.param("claude-opus-5", (1000, 1000, 1000, 1000, 1000), 46_750, id="5+6.25+10+0.5+25"),
        pytest.param("claude-haiku-4-5", (1000, 1000, 1000, 1000, 1000), 9_350, id="1+1.25+2+0.1+5"),
        pytest.param("claude-sonnet-4-6", (1000, 1000, 1000, 1000, 1000), 28_050, id="3+3.75+6+0.3+15"),
        pytest.param("claude-sonnet-4-5", (1000, 1000, 1000, 1000, 1000), 28_050, id="3+3.75+6+0.3+15 again"),
        pytest.param("claude-opus-4-8", (1000, 1000, 1000, 1000, 1000), 46_750, id="5+6.25+10+0.5+25 again"),
        # each figure alone, in the order input, write 5m, write 1h, read, output
        pytest.param("claude-sonnet-5-5", (1000, 0, 0, 0, 0), 2_000, id="input alone"),
        pytest.param("claude-sonnet-5-5", (0, 1000, 0, 0, 0), 2_500, id="five-minute write alone"),
        pytest.param("claude-sonnet-5-5", (0, 0, 1000, 0, 0), 4_000, id="one-hour write alone"),
        pytest.param("claude-sonnet-5-5", (0, 0, 0, 1000, 0), 100, id="read alone"),
        pytest.param("claude-sonnet-5-5", (0, 0, 0, 0, 1000), 10_000, id="output alone"),
        # the tier is that of the whole prompt, cache figures included, output not
        pytest.param("claude-haiku-5-5", (100_000, 0, 0, 0, 0), 10_000, id="100,000 are still lower: x 0.1"),
        pytest.param("claude-haiku-5-5", (100_001, 0, 0, 0, 0), 50_001, id="one more: 100,001 x 0.5 = 50,000.5"),
        pytest.param("claude-haiku-5-5", (1, 0, 0, 100_000, 0), 5_001, id="reads count: 0.5 + 100,000 x 0.05"),
        pytest.param("claude-haiku-5-5", (1, 100_000, 0, 0, 0), 62_501, id="writes count: 0.5 + 100,000 x 0.625"),
        pytest.param("claude-haiku-5-5", (1, 0, 100_000, 0, 0), 100_001, id="long writes count: 0.5 + 100,000 x 1"),
        pytest.param("claude-haiku-5-5", (100_001, 0, 0, 0, 1000), 52_501, id="output at upper price: + 1000 x 2.5"),
        pytest.param("claude-haiku-5-5", (1000, 0, 0, 0, 120_000), 60_100, id="long output stays lower: 100 + 60,000"),
        pytest.param("claude-opus-5-5", (500_000, 0, 0, 0, 0), 2_000_000, id="a model without tiers"),
        # rounded up once
        pytest.param("claude-haiku-5-5", (1, 0, 0, 0, 0), 1, id="0.1 is one"),
        pytest.param("claude-haiku-5-5", (1, 1, 1, 1, 1), 1, id="0.935 is one, not five"),
        pytest.param("claude-haiku-5-5", (0, 0, 0, 0, 0), 0, id="nothing costs nothing"),
        pytest.param("claude-haiku-5-5", (10, 8, 0, 0, 0), 2, id="1 + 1 exactly stays two"),
    ],
)
def test_cost_of_a_call(model: str, usage: tuple[int, int, int, int, int], expected: int) -> None:
    figures = Usage(
        input=usage[0], cache_write_5m=usage[1], cache_write_1h=usage[2], cache_read=usage[3], output=usage[4]
    )
    assert cost_microusd(MODELS[model], figures) == expected


def test_every_model_has_a_hand_computed_cost() -> None:
    marks = getattr(test_cost_of_a_call, "pytestmark")  # noqa: B009  # functions have no such attribute for mypy
    assert {row.values[0] for row in marks[0].args[1]} == set(MODELS)
