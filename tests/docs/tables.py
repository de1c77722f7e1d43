"""Tables of the manual that are made from the code; `python -m tests.docs.tables` writes them into the pages."""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

from cogworks.model.commands import HELP
from cogworks.model.config import Config, Labels
from cogworks.policy.labels import described
from cogworks.settings import setting_rows

TOP = Path(__file__).resolve().parents[2]
# What a dataclass alone does not tell: how a few fields are called in the file, and defaults in the file's own units.
IN_THE_FILE = {"budgets.pipeline_max_cost": ("budgets.pipeline_max_cost_dollars", "10.00")}
# Described by hand below the table, because their keys are names that people choose.
BY_HAND = frozenset({"llm.models"})


def settings_table() -> str:
    """Return the environment as a table: variable, default, sentence."""
    rows = [f"| `{row.variable}` | {_code(row.default)} | {row.sentence} |" for row in setting_rows()]
    return "\n".join(["| Variable | Default | Meaning |", "|---|---|---|", *rows])


def config_table() -> str:
    """Return every key of `config.toml` as a table: key, default, and a sentence for each section."""
    rows, section = [], ""
    for key, default in config_keys():
        about = ""
        if key.split(".")[0] != section:
            section = key.split(".")[0]
            about = _sentence(section)
        rows.append(f"| `{key}` | {_code(default)} | {about} |")
    return "\n".join(["| Key | Default | What the section is about |", "|---|---|---|", *rows])


def labels_table() -> str:
    """Return the labels that CogWorks creates, with what each means."""
    rows = [f"| `{label}` | {about[1].removeprefix('CogWorks: ')} |" for label, about in described(Labels()).items()]
    return "\n".join(["| Label | Meaning |", "|---|---|", *rows])


def commands_table() -> str:
    """Return the commands that people can comment, with what each does."""
    rows = [f"| `/cogworks {form}` | {text} |" for form, text in HELP]
    return "\n".join(["| Command | What it does |", "|---|---|", *rows])


def config_keys() -> Iterator[tuple[str, str]]:
    """Yield each key of `config.toml` with its default as TOML writes it; empty when it has none."""
    yield from _keys_of(Config, at="")


def _keys_of(table: type, *, at: str) -> Iterator[tuple[str, str]]:
    hints: Mapping[str, Any] = get_type_hints(table)
    for one in fields(table):
        key = f"{at}{one.name}"
        inner = _table_in(hints[one.name])
        if key in BY_HAND:
            continue
        if inner is not None:
            yield from _keys_of(inner, at=f"{key}.")
        else:
            yield IN_THE_FILE.get(key) or (key, _toml(one))


def _sentence(section: str) -> str:
    table = _table_in(get_type_hints(Config)[section])
    assert table is not None, "every section is a table"
    return " ".join(str(table.__doc__).split())


def _table_in(hint: Any) -> type | None:
    for candidate in (hint, *get_args(hint)):
        if isinstance(candidate, type) and is_dataclass(candidate):
            return candidate
    return None


def _toml(one: "Field[Any]") -> str:
    if one.default is MISSING or one.default is None:
        return ""
    return {True: "true", False: "false"}.get(one.default) if isinstance(one.default, bool) else _value(one.default)


def _value(default: object) -> str:
    if isinstance(default, tuple):
        return "[" + ", ".join(_value(each) for each in default) + "]"
    return f'"{default}"' if isinstance(default, str) else str(default)


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


TABLES = {
    "settings": (settings_table, ("README.md", "docs/configuration.md")),
    "config": (config_table, ("docs/configuration.md",)),
    "labels": (labels_table, ("README.md",)),
    "commands": (commands_table, ("README.md",)),
}


def with_tables(text: str) -> str:
    """Return a page with every marked table made anew."""
    for name, (make, _) in TABLES.items():
        begin, end = f"<!-- table: {name} -->", "<!-- end of table -->"
        before, found, after = text.partition(begin)
        if found:
            text = f"{before}{begin}\n{make()}\n{end}{after.partition(end)[2]}"
    return text


if __name__ == "__main__":
    for page in sorted({page for _, pages in TABLES.values() for page in pages}):
        path = TOP / page
        path.write_text(with_tables(path.read_text(encoding="utf-8")), encoding="utf-8")
