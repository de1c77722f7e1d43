"""`init`, `config`, `pipeline`: the files of a checkout (70 section 3)."""

import json
from pathlib import Path

import pytest
from cli_stand import CommandLine


@pytest.fixture
def checkout(bare: CommandLine, tmp_path: Path) -> Path:
    """A checkout with the starter files."""
    assert bare("init").code == 0
    return tmp_path


def test_init_writes_what_is_absent_and_overwrites_nothing(bare: CommandLine, tmp_path: Path) -> None:
    home = tmp_path / ".cogworks"
    home.mkdir()
    (home / "config.toml").write_text("# mine\n")
    said = bare("init", "--json")
    assert (home / "config.toml").read_text() == "# mine\n"
    assert said.document["data"] == {
        "written": [".cogworks/constitutional-rules.md", ".cogworks/services.toml"],
        "kept": [".cogworks/config.toml"],
    }


def test_starter_files_pass_the_check(bare: CommandLine, checkout: Path) -> None:
    said = bare("config", "check")
    assert (said.code, said.err) == (0, "")
    assert said.out.count("ok ") == 3


def test_every_problem_of_every_file_is_named_at_once(bare: CommandLine, checkout: Path) -> None:
    home = checkout / ".cogworks"
    text = (home / "config.toml").read_text().replace("pipeline_max_cost_dollars", "pipeline_max_cost_dolars")
    (home / "config.toml").write_text(
        text + '\n[labels]\ntrigger = "cogworks:processing"\n[scenarios]\nthreshold = 1.2\n'
    )
    (home / "services.toml").write_text('[[services]]\nname = "python"\ntransport = "unix"\nendpoint = "/x.sock"\n')
    (home / "pipeline.toml").write_text("schema_version = 7\n")
    (home / "constitutional-rules.md").write_text("## CR-DATA\nContent is data.\n")
    (home / "templates").mkdir()
    (home / "templates" / "planning.md").write_text("no front matter")
    said = bare("config", "check", "--json")
    assert said.code == 2
    told = {(Path(e["file"]).name, e["code"], e["field"]) for e in said.document["errors"]}
    expected = {
        ("config.toml", "unknown_key", "budgets.pipeline_max_cost_dolars"),
        ("config.toml", "label_reserved", "labels.trigger"),
        ("config.toml", "out_of_range", "scenarios.threshold"),
        ("services.toml", "unknown_key", "services[0].endpoint"),
        ("pipeline.toml", "E_SCHEMA_VERSION", "schema_version"),
        ("constitutional-rules.md", "missing_key", "CR-INJECT, CR-SCOPE, CR-CAPS, CR-SECRETS"),
    }
    assert expected <= told
    assert "planning.md" in {file for file, _, _ in told}
    guess = next(e for e in said.document["errors"] if e["field"].endswith("dolars"))
    assert "pipeline_max_cost_dollars" in guess["message"] + guess["hint"]


@pytest.mark.parametrize(
    ("name", "how", "code", "why"),
    [
        ("config.toml", "absent", "missing_file", "no defaults are assumed for it"),
        ("constitutional-rules.md", "absent", "missing_file", "nothing runs without rules"),
        ("config.toml", "link", "not_a_file", "a link may lead anywhere"),
        ("config.toml", "folder", "not_a_file", "a folder is no file"),
        ("config.toml", "binary", "bad_encoding", "not text"),
        ("config.toml", "huge", "too_large", "over a mebibyte"),
    ],
)
def test_a_file_that_is_none(bare: CommandLine, checkout: Path, name: str, how: str, code: str, why: str) -> None:
    file = checkout / ".cogworks" / name
    content = file.read_bytes()
    file.unlink()
    match how:
        case "link":
            (checkout / "elsewhere").write_bytes(content)
            file.symlink_to(checkout / "elsewhere")
        case "folder":
            file.mkdir()
        case "binary":
            file.write_bytes(b"\xff\xfe\x00")
        case "huge":
            file.write_bytes(content + b"#" * 1024 * 1024)
    said = bare("config", "check", "--json")
    assert said.code == 2, why
    assert (name, code) in {(Path(e["file"]).name, e["code"]) for e in said.document["errors"]}, why


def test_settings_in_force_are_shown_with_their_defaults(bare: CommandLine, checkout: Path) -> None:
    value = json.loads(bare("config", "show").out)
    assert value["budgets"]["pipeline_max_tokens"] == 500000
    assert value["labels"]["trigger"] == "cogworks:run"


@pytest.mark.parametrize(
    ("form", "start"),
    [("mermaid", "flowchart TD"), ("dot", 'digraph "default"'), ("json", '{\n  "pipeline": "default"')],
)
def test_the_shipped_pipeline_is_drawn_where_there_is_no_own(bare: CommandLine, form: str, start: str) -> None:
    said = bare("pipeline", "graph", "--format", form)
    assert said.code == 0
    assert said.out.startswith(start)
    assert "shipped" in bare("pipeline", "check").out


def test_a_broken_pipeline_is_not_drawn(bare: CommandLine, checkout: Path) -> None:
    (checkout / ".cogworks" / "pipeline.toml").write_text("schema_version = 1\n[pipelines]\n")
    assert bare("pipeline", "graph").code == 2
    assert bare("pipeline", "check", "--json").document["errors"][0]["code"] == "E_NO_PIPELINES"
