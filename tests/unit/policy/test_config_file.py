"""config.toml: what is accepted, and one row for each way to get it wrong (70 section 3)."""

from contextlib import suppress
from dataclasses import fields, is_dataclass
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

import cogworks.policy
from cogworks.model.config import Config
from cogworks.model.errors import ConfigError
from cogworks.policy.config_file import parse_config
from cogworks.policy.known_models import parse_known_models
from cogworks.policy.toml_file import read_as

KNOWN = parse_known_models((Path(cogworks.policy.__path__[0]) / "known_models.toml").read_bytes())

LEAST = """
[llm.models.main]
id = "claude-sonnet-5-5"
[llm.purposes]
generate = "main"
"""

OTHER = """
[llm.models.other]
id = "some-model-7"
context_window = 200000
max_output_tokens = 9000
min_cache_tokens = 1024
forced_tool = true
schema_output = true
price_input = "3.00"
price_output = "15.00"
price_cache_write_5m = "3.75"
price_cache_write_1h = "6.00"
price_cache_read = "0.30"
[[llm.models.other.price_tiers]]
above_prompt_tokens = 100000
price_input = "6.00"
price_output = "22.50"
price_cache_write_5m = "7.50"
price_cache_write_1h = "12.00"
price_cache_read = "0.60"
"""


def parse(text: str | bytes) -> Config:
    raw = text if isinstance(text, bytes) else text.encode()
    return parse_config(raw, file="config.toml", known_models=KNOWN)


def problems(text: str | bytes) -> list[tuple[str, str, str]]:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    return [(p.code, p.field, str(p)) for p in caught.value.problems]


def test_the_least_file_takes_every_default() -> None:
    config = parse(LEAST)

    assert config.budgets.pipeline_max_cost == 10_000_000
    assert config.labels.trigger == "cogworks:run"
    assert config.github_project is None
    assert config.model("generate").id == "claude-sonnet-5-5"
    assert config.model("judge") is config.model("generate"), "a purpose without an alias uses that of generate"
    assert config.model("generate").asked_output_tokens == 16_384
    assert config.model("generate").max_output_tokens == 128_000


def test_an_unknown_model_is_taken_as_the_file_describes_it() -> None:
    model = parse(LEAST + 'judge = "other"\n' + OTHER).model("judge")

    assert (model.max_output_tokens, model.asked_output_tokens) == (9000, 9000)
    assert model.prices.input == Decimal("3.00")
    assert model.tiers[0].above_prompt_tokens == 100_000
    assert model.tiers[0].prices.output == Decimal("22.50")


def test_a_known_model_keeps_its_tiers_and_asks_for_at_most_what_it_can() -> None:
    model = parse(LEAST.replace("sonnet-5-5", "haiku-5-5") + "[llm]\ncache_ttl = 'off'\n").model("generate")

    assert model.forced_tool
    assert [tier.above_prompt_tokens for tier in model.tiers] == [100_000]


def test_a_byte_order_mark_is_accepted() -> None:
    assert parse(b"\xef\xbb\xbf" + LEAST.encode()).llm.cache_ttl == "5m"


@pytest.mark.parametrize(
    ("text", "code", "field", "says"),
    [
        pytest.param("[budgets]\npipeline_max_cost_dolars = 1", "unknown_key", "budgets.pipeline_max_cost_dolars",
                     "did you mean pipeline_max_cost_dollars?", id="a typo: the nearest name is offered"),
        pytest.param("[bugdets]", "unknown_key", "bugdets", "did you mean budgets?", id="a section that is not ours"),
        pytest.param("[budgets]\npipeline_max_tokens = '5'", "wrong_type", "budgets.pipeline_max_tokens", "1 or more",
                     id="a number in quotes is text"),
        pytest.param("[budgets]\npipeline_max_tokens = 0", "out_of_range", "budgets.pipeline_max_tokens", "1 or more",
                     id="below the range"),
        pytest.param("[budgets]\nsub_work_item_max_retries = 51", "out_of_range", "budgets.sub_work_item_max_retries",
                     "0 to 50", id="above the range"),
        pytest.param("[budgets]\npipeline_max_cost_dollars = 0", "out_of_range", "budgets.pipeline_max_cost_dollars",
                     "more than 0", id="nothing can be bought for nothing"),
        pytest.param("[budgets]\npipeline_max_cost_dollars = 1.0000001", "out_of_range",
                     "budgets.pipeline_max_cost_dollars", "at most 6 decimals", id="finer than a micro-dollar"),
        pytest.param("[budgets]\npipeline_max_cost_dollars = inf", "out_of_range", "budgets.pipeline_max_cost_dollars",
                     "inf", id="no budget is endless"),
        pytest.param("[budgets]\npipeline_max_cost_dollars = true", "wrong_type", "budgets.pipeline_max_cost_dollars",
                     "a number", id="true is not one dollar"),
        pytest.param("[tools]\nmax_turns = 2026-01-01", "wrong_type", "tools.max_turns", "1 to 1000", id="a date"),
        pytest.param("[llm_rate_limit]\nlow_water_fraction = nan", "out_of_range", "llm_rate_limit.low_water_fraction",
                     "0 to 1", id="not a number"),
        pytest.param("[audit]\ncompletion = 'append'", "out_of_range", "audit.completion", "edit, comment",
                     id="a word that is not offered"),
        pytest.param("[[audit]]", "wrong_type", "audit", "", id="a list where a table belongs"),
        pytest.param("[labels]\nhold = ''", "out_of_range", "labels.hold", "1 to 50", id="an empty label"),
        pytest.param(f"[labels]\nhold = '{'x' * 51}'", "out_of_range", "labels.hold", "1 to 50", id="a long label"),
        pytest.param("[labels]\nhold = 'a,b'", "out_of_range", "labels.hold", "no comma", id="a comma in a label"),
        pytest.param("[labels]\nhold = ' a'", "out_of_range", "labels.hold", "", id="a blank around a label"),
        pytest.param('[labels]\nhold = "a\\u0007"', "out_of_range", "labels.hold", "", id="a bell in a label"),
        pytest.param("[labels]\nhold = 'Foo'\ncancel = 'foo'", "label_duplicate", "labels", "hold and cancel",
                     id="GitHub ignores case in labels"),
        pytest.param("[labels]\nhold = 'CogWorks:Run'", "label_duplicate", "labels", "trigger and hold",
                     id="a label equal to another one's default"),
        pytest.param("[labels]\ntrigger = 'CogWorks:Processing'", "label_reserved", "labels.trigger", "internal",
                     id="an internal label"),
        pytest.param("[labels]\ntrigger = 'cogworks:status:mine'", "label_reserved", "labels.trigger", "internal",
                     id="a reserved beginning"),
        pytest.param("[labels]\nprocessing = 'x'", "unknown_key", "labels.processing", "", id="internal ones stay"),
        pytest.param("[alignment.safety]\nthreshold = 0.9", "safety_floor", "alignment.safety.threshold", "tighten",
                     id="a safety threshold loosened"),
        pytest.param("[alignment.safety]\nmax_rework = 6", "safety_floor", "alignment.safety.max_rework", "tighten",
                     id="more rework than safety allows"),
        pytest.param("[scenarios]\nsafety_threshold = 0.98", "safety_floor", "scenarios.safety_threshold", "tighten",
                     id="the scenario threshold of safety-critical items loosened"),
        pytest.param("[interfaces]\ndirectory = '../x'", "out_of_range", "interfaces.directory", "inside the repo",
                     id="out of the repository"),
        pytest.param("[interfaces]\ndirectory = '/etc'", "out_of_range", "interfaces.directory", "inside the repo",
                     id="an absolute path"),
        pytest.param("[metrics]\ninfluxdb_token_env = 'COGWORKS_LLM_API_KEY'", "out_of_range",
                     "metrics.influxdb_token_env", "COGWORKS_LLM_API_KEY", id="a key of ours, sent to somebody else"),
        pytest.param("[metrics]\ninfluxdb_token_env = 'COGWORKS_GITHUB_TOKEN_FILE'", "out_of_range",
                     "metrics.influxdb_token_env", "COGWORKS_GITHUB_TOKEN_FILE", id="nor the file that holds it"),
        pytest.param("[[secrets.exceptions]]\npath = 'a'\nreason = 'r'", "missing_key",
                     "secrets.exceptions[0].sha256", "missing", id="an exception needs its digest"),
        pytest.param("[github_project]", "missing_key", "github_project.project_id", "missing", id="which board?"),
        pytest.param("[llm.models.new]\nid = 'claude-latest'", "out_of_range", "llm.models.new.id", "latest",
                     id="a model that may change under us"),
        pytest.param("[llm.models.new]\nid = 'claude-sonnet-5-5'\nmax_output_tokens = 128001", "out_of_range",
                     "llm.models.new.max_output_tokens", "1 to 128000", id="more than the model can write"),
        pytest.param("[llm.models.new]\nid = 'claude-sonnet-5-5'\nprice_input = '-1'", "out_of_range",
                     "llm.models.new.price_input", "0 or more", id="a price below zero"),
        pytest.param("[llm.models.new]\nid = 'claude-sonnet-5-5'\nprise_input = '1'", "unknown_key",
                     "llm.models.new.prise_input", "did you mean price_input?", id="a typo in a model"),
        pytest.param(OTHER.replace('price_cache_read = "0.30"', ""), "missing_price",
                     "llm.models.other.price_cache_read", "some-model-7", id="an unknown model without a price"),
        pytest.param(OTHER.replace("context_window = 200000", ""), "missing_key",
                     "llm.models.other.context_window", "some-model-7", id="an unknown model without its window"),
        pytest.param(OTHER.replace('price_cache_read = "0.60"', ""), "missing_key",
                     "llm.models.other.price_tiers[0].price_cache_read", "", id="a tier without a price"),
    ],
)  # fmt: skip
def test_one_thing_wrong_is_one_problem(text: str, code: str, field: str, says: str) -> None:
    found = problems(LEAST + text)

    assert [(c, f) for c, f, _ in found] == [(code, field)]
    assert says in found[0][2]
    assert found[0][2].startswith(f"config.toml: {field}: ")


@pytest.mark.parametrize(
    ("text", "code", "field"),
    [
        pytest.param(b"a = = 1", "toml_syntax", "line 1, column 5", id="the place is named"),
        pytest.param(b"a = [", "toml_syntax", "end of document", id="a list that never ends"),
        pytest.param(b"a = " + b"9" * 5000, "toml_syntax", "", id="whatever the parser raises"),
        pytest.param(b"\xff", "bad_encoding", "", id="not UTF-8"),
        pytest.param(b"a = 1\0", "bad_encoding", "", id="a NUL"),
        pytest.param(b"#" * (1024 * 1024 + 1), "too_large", "", id="over 1 MiB"),
        pytest.param(b"a = " + b"[" * 33 + b"]" * 33, "too_deep", "", id="34 levels"),
        pytest.param(b"a = " + b"[" * 9999 + b"]" * 9999, "too_deep", "", id="deeper than the parser can go"),
    ],
)
def test_what_is_no_file_of_ours_is_refused_as_a_whole(text: bytes, code: str, field: str) -> None:
    assert [(c, f) for c, f, _ in problems(text)] == [(code, field)]


def test_32_levels_are_read() -> None:
    nested = b"a = " + b"[" * 31 + b"]" * 31

    assert [code for code, _, _ in problems(nested + LEAST.encode())] == ["unknown_key"]


def test_all_problems_are_reported_at_once() -> None:
    found = problems(
        LEAST + 'alignment = "strict"\n[labels]\ntrigger = "cogworks:processing"\n[scenarios]\nthreshold = 1.2\n'
        '[llm.models.bad]\nid = "x"\n'
    )

    assert {code for code, _, _ in found} == {
        "label_reserved", "out_of_range", "unknown_alias", "missing_key", "missing_price"
    }  # fmt: skip


def test_a_model_and_a_purpose_are_required() -> None:
    assert {(c, f) for c, f, _ in problems("")} == {
        ("missing_key", "llm.purposes.generate"), ("missing_key", "llm.models")
    }  # fmt: skip


def test_an_alias_must_exist() -> None:
    [(code, field, text)] = problems(LEAST.replace('generate = "main"', 'generate = "mian"'))

    assert (code, field) == ("unknown_alias", "llm.purposes.generate")
    assert "did you mean main?" in text


def written(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(written, value))}]"
    return str(value).lower() if isinstance(value, bool) else repr(value)


def tables(part: object, name: str) -> list[str]:
    lines, inner = [f"[{name}]"], []
    for one in fields(part):  # type: ignore[arg-type]
        value = getattr(part, one.name)
        if is_dataclass(value):
            inner += tables(value, f"{name}.{one.name}")
        elif one.name == "pipeline_max_cost":
            lines.append(f"pipeline_max_cost_dollars = {value / 1_000_000}")
        elif not (name == "secrets" or isinstance(value, dict)):
            lines.append(f"{one.name} = {written(value)}")
    return lines + inner


def test_every_default_can_be_written_out_under_its_own_name() -> None:
    config = parse(LEAST)
    text = [line for f in fields(config) if f.name not in ("llm", "github_project")
            for line in tables(getattr(config, f.name), f.name)]  # fmt: skip

    assert parse(LEAST + "\n".join(text)) == config


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_whatever_the_bytes_are_only_problems_come_of_them(text: bytes) -> None:
    with pytest.raises(ConfigError):
        parse(text)


ADAPTER = TypeAdapter(Config)
VALUES = st.recursive(
    st.none().map(lambda _: 0) | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([f.name for f in fields(Config)]), VALUES, max_size=4))
def test_whatever_the_values_are_only_problems_come_of_them(document: dict[str, object]) -> None:
    with suppress(ConfigError):
        read_as(ADAPTER, {"llm": {"purposes": {"generate": "a"}}, **document}, file="c")


def test_no_value_can_be_changed_after_reading() -> None:
    config = parse(LEAST)
    parts = [config, *(getattr(config, f.name) for f in fields(config))]

    assert all(not is_dataclass(part) or part.__dataclass_params__.frozen for part in parts)  # type: ignore[attr-defined]
