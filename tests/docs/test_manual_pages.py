"""What the manual says is so: tables, commands, examples and links."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from cogworks.cli.app import app
from cogworks.policy.config_file import parse_config
from cogworks.policy.known_models import parse_known_models
from cogworks.policy.services_file import parse_services
from cogworks.settings import setting_rows
from cogworks.twins.anthropic.script_rules import Rule
from cogworks.twins.fault_plan import FaultPlan
from cogworks.twins.github.seed import Seed
from tests.docs.tables import TABLES, TOP, config_keys, with_tables

PAGES = [TOP / "README.md", TOP / "CHANGELOG.md", *sorted((TOP / "docs").glob("*.md"))]
BLOCK = re.compile(r"^ *```(\w+)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
TARGETS = frozenset(re.findall(r"^([a-z]+):", (TOP / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
PROGRAMS = frozenset({"make", "cogworks", "honcho"})


def text(page: Path) -> str:
    """Return a page."""
    return page.read_text(encoding="utf-8")


def blocks(language: str) -> Iterator[tuple[str, str]]:
    """Yield every fenced block in a language, with the page it stands on."""
    for page in PAGES:
        yield from ((page.name, block) for found, block in BLOCK.findall(text(page)) if found == language)


def commands() -> frozenset[str]:
    """Return every command of the command line by its full name."""
    found: set[str] = set()
    waiting = [("", typer.main.get_command(app))]
    while waiting:
        name, command = waiting.pop()
        below = getattr(command, "commands", {})
        waiting += [(f"{name} {word}".strip(), one) for word, one in below.items()]
        found |= set() if below else {name}
    return frozenset(found)


def said() -> Iterator[tuple[str, str]]:
    """Yield every command line of ours that a page names, in a block or between backticks."""
    for page in PAGES:
        lines = [
            line.strip() for found, block in BLOCK.findall(text(page)) if found == "sh" for line in block.splitlines()
        ]
        lines += re.findall(r"`((?:\.venv/bin/)?cogworks [^`]*)`", text(page))
        yield from ((page.name, line.removeprefix(".venv/bin/")) for line in lines if "cogworks " in line)


@pytest.mark.parametrize("page", sorted({page for _, pages in TABLES.values() for page in pages}))
def test_tables_are_those_of_the_code(page: str) -> None:
    """Run `python -m tests.docs.tables` when this fails."""
    assert with_tables(text(TOP / page)) == text(TOP / page)


def test_every_table_stands_where_it_should() -> None:
    """A table without its marks would never be made anew."""
    for name, (_, pages) in TABLES.items():
        for page in pages:
            assert f"<!-- table: {name} -->" in text(TOP / page)


def test_readme_and_configuration_name_every_setting() -> None:
    """An operator finds every variable and every key."""
    for row in setting_rows():
        assert f"`{row.variable}`" in text(TOP / "README.md")
        assert row.sentence.endswith(".")
    for key, _ in config_keys():
        assert f"`{key}`" in text(TOP / "docs/configuration.md")


def test_the_readme_lists_the_commands_that_exist() -> None:
    """No more and no less."""
    listed = re.findall(r"^\| `cogworks ([a-z -]+)` \|", text(TOP / "README.md"), re.MULTILINE)
    assert sorted(listed) == sorted(commands())


@pytest.mark.parametrize(("page", "line"), sorted(set(said())))
def test_a_command_that_a_page_names_exists(page: str, line: str) -> None:
    """The words before the first argument are a command; `cogworks config` may name the group."""
    words = line.split("cogworks ", 1)[1].split("#  ")[0].split()
    names = {" ".join(words[:count]) for count in (1, 2)}
    assert names & commands() or words[0].startswith("-"), f"{page}: {line}"


def test_shell_blocks_use_what_is_there() -> None:
    """Lines of shell blocks start with our programs, and targets of make exist."""
    for page, block in blocks("sh"):
        for line in filter(None, (one.strip() for one in block.splitlines())):
            words = line.split()
            assert words[0] in PROGRAMS, f"{page}: {line}"
            assert words[0] != "make" or words[1] in TARGETS
    for page in PAGES:
        for target in re.findall(r"`make ([a-z]+)[ `]", text(page)):
            assert target in TARGETS, f"{page.name}: make {target}"


def test_honcho_is_given_names_of_the_procfile() -> None:
    """The start line of the manual names processes that exist."""
    procfile = text(TOP / "Procfile")
    for _, block in blocks("sh"):
        for line in block.splitlines():
            if line.strip().startswith("honcho start"):
                assert all(f"\n{word}: " in procfile for word in line.split()[2:])


def test_toml_examples_are_read_by_the_code() -> None:
    """What a reader copies works."""
    kinds = set()
    for page, block in blocks("toml"):
        lines = "\n".join(line.removeprefix("   ") for line in block.splitlines())
        document = tomllib.loads(lines)
        kinds |= set(document)
        if "services" in document:
            assert parse_services(lines.encode(), file=page).services
        elif "llm" in document:
            known = parse_known_models((TOP / "cogworks/policy/known_models.toml").read_bytes())
            assert parse_config(lines.encode(), file=page, known_models=known)
        else:
            assert Seed.model_validate(document).repositories
    assert kinds >= {"services", "llm", "users", "repositories"}


def test_json_examples_are_read_by_the_twins() -> None:
    """A script line is a rule, a list is a list of faults."""
    for _, block in blocks("json"):
        document = json.loads(block)
        if isinstance(document, list):
            assert len(FaultPlan.parse(document).planned) == len(document)
        else:
            assert Rule.model_validate(document).reply


def test_links_lead_somewhere() -> None:
    """Every relative link is a file of the project."""
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?://)([^)#]+)", text(page)):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_architecture_page_names_every_room_and_contract() -> None:
    """The map shows the house as it is."""
    page = text(TOP / "docs/architecture.md")
    project = tomllib.loads(text(TOP / "pyproject.toml"))
    for contract in project["tool"]["importlinter"]["contracts"]:
        assert f"`{contract['id']}`" in page
    for room in (path for path in (TOP / "cogworks").iterdir() if (path / "__init__.py").exists()):
        assert f"{room.name}/" in page
    for file in re.findall(r"`(cogworks/[a-z_/.]+)`", page):
        assert (TOP / file).exists()


def test_changelog_and_license_are_there() -> None:
    """What a stranger looks for first."""
    assert "## [Unreleased]" in text(TOP / "CHANGELOG.md")
    terms = text(TOP / "LICENSE")
    assert "Apache License" in terms
    assert "END OF TERMS AND CONDITIONS" in terms
