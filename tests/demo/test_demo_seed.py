"""The shipped seed holds together: repository, issue and script tell one story, and it is the one that we promise."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cogworks.model.outputs import SCHEMAS, PlannedItem
from cogworks.policy.planning import PlanFacts, faults
from cogworks.policy.traceability import rows_of

Rule = Mapping[str, Any]
_PLAIN = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COGWORKS_"))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One scripted try at a sub-work-item."""

    ordinal: int
    rule: Rule

    @property
    def written(self) -> dict[str, str]:
        """The files that its tool calls leave behind."""
        calls = [call for turn in self.rule["reply"]["turns"] for call in turn.get("tool_calls", [])]
        return {c["input"]["path"]: c["input"]["content"] for c in calls if c["name"] in ("fs.write", "fs.create")}

    @property
    def told(self) -> dict[str, Any]:
        """What the model says about it."""
        return dict(self.rule["reply"]["turns"][-1]["output"])


@pytest.fixture(scope="session")
def rules(tally: Path) -> list[Rule]:
    """The script, a rule a line."""
    return [json.loads(line) for line in (tally / "script.jsonl").read_text("utf-8").splitlines()]


@pytest.fixture(scope="session")
def tries(rules: list[Rule]) -> list[Try]:
    """All tries at code, in the order in which they are made."""
    code = [one for one in rules if one["when"].get("node") == "code_generation"]
    return [Try(ordinal=one["when"]["sub_work_item"], rule=one) for one in code if one["when"]["purpose"] == "generate"]


def answer(tally: Path, name: str) -> dict[str, Any]:
    """Return an output file of the script."""
    return dict(json.loads((tally / "answers" / f"{name}.json").read_text("utf-8")))


def copy_with(tally: Path, folder: Path, *changes: Mapping[str, str]) -> Path:
    """Return a copy of the repository after the interfaces were merged, with ``changes`` on top."""
    target = folder / "repo"
    shutil.copytree(tally / "repo", target)
    merged = {one["path"]: one["content"] for one in answer(tally, "interface_design")["files"]}
    for change in (merged, *changes):
        for path, content in change.items():
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_text(content, "utf-8")
    return target


def failing_tests(repository: Path) -> list[str]:
    """Return the tests of a repository that fail."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=no", "-rf"]
    done = subprocess.run(command, cwd=repository, env=_PLAIN, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return [line.split()[1].split("[")[0] for line in done.stdout.splitlines() if line.startswith("FAILED ")]


def test_the_repository_passes_its_own_tests(tally: Path, tmp_path: Path) -> None:
    """What a newcomer clones is sound before anybody works on it."""
    shutil.copytree(tally / "repo", tmp_path / "repo")
    assert failing_tests(tmp_path / "repo") == []


def test_cogworks_accepts_every_settings_file(tally: Path) -> None:
    """Configuration, pipeline, rules, services and the template of our own node."""
    command = [sys.executable, "-m", "cogworks.cli.main", "config", "check", "--dir", str(tally / "repo")]
    done = subprocess.run(command, env=_PLAIN, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def structured(tally: Path, rules: list[Rule]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every answer of the script with the name of its schema."""
    for rule in rules:
        when, reply = rule["when"], rule["reply"]
        last = reply["turns"][-1] if "turns" in reply else reply
        value = last["output"] if "output" in last else json.loads((tally / last["output_file"]).read_text("utf-8"))
        node, purpose = when["node"], when.get("purpose", "generate")
        known = {"review": "review", "user_docs": "document", "end_to_end": "alignment"}
        yield ("alignment" if purpose == "alignment" else known.get(node, node)), value


def test_every_answer_fits_its_schema(tally: Path, rules: list[Rule]) -> None:
    """A script that no model could have written would prove nothing."""
    for schema, value in structured(tally, rules):
        SCHEMAS[schema].model_validate(value)


def test_specification_and_plan_answer_every_line_of_the_issue(tally: Path) -> None:
    """The same ids and texts as CogWorks finds in the issue, and a plan that holds."""
    wanted = {row.requirement_id: row.text for row in rows_of((tally / "issue.md").read_text("utf-8"))}
    assert len(wanted) == 6
    assert {one["id"]: one["text"] for one in answer(tally, "architecture")["requirements"]} == wanted
    design = answer(tally, "interface_design")
    items = [PlannedItem.model_validate(one) for one in answer(tally, "planning")["sub_work_items"]]
    facts = PlanFacts(
        interfaces=frozenset(one["id"] for one in design["interfaces"]),
        requirements=frozenset(wanted),
        authorised=frozenset(one["path"] for one in design["authorised_files"]),
    )
    assert faults(items, facts) == ()
    assert [len(one.depends_on) for one in items] == [0, 0, 2]


def test_each_try_says_what_it_writes(tally: Path, tries: list[Try]) -> None:
    """The files that an answer names are those that differ from the beginning, with the right action."""
    planned = answer(tally, "planning")["sub_work_items"]
    for one in tries:
        told = {change["path"]: change["action"] for change in one.told["files"]}
        assert told == {change["path"]: change["action"] for change in planned[one.ordinal - 1]["files"]}
        assert set(one.written) <= set(told)
        assert {path: "modify" if (tally / "repo" / path).exists() else "create" for path in told} == told


def test_the_first_discount_fails_its_own_tests(tally: Path, tries: list[Try], tmp_path: Path) -> None:
    """The mistake that tests catch: each line rounded on its own, so that the parts miss the whole by a cent."""
    first = next(one for one in tries if one.ordinal == 1)
    assert set(failing_tests(copy_with(tally, tmp_path, first.written))) == {
        "tests/test_discount.py::test_the_parts_add_up_to_the_discount_of_the_whole",
        "tests/test_discount.py::test_between_equal_remainders_the_earlier_line_is_first",
    }


def test_the_first_tax_passes_its_own_tests_and_fails_the_second_ones(
    tally: Path, tries: list[Try], tmp_path: Path
) -> None:
    """The mistake that only a reader catches; what the review asks for is then tested."""
    first, second = (one.written for one in tries if one.ordinal == 2)
    assert failing_tests(copy_with(tally, tmp_path / "alone", first)) == []
    assert "round(" in first["src/tally/tax.py"]
    mixed = copy_with(tally, tmp_path / "mixed", second, {"src/tally/tax.py": first["src/tally/tax.py"]})
    assert "tests/test_tax.py::test_half_a_cent_is_rounded_up" in failing_tests(mixed)


def test_what_is_delivered_in_the_end_passes_all_tests(tally: Path, tries: list[Try], tmp_path: Path) -> None:
    """Every try after the other, as the branches are joined by the last sub-work-item."""
    repository = copy_with(tally, tmp_path, *(one.written for one in tries))
    assert failing_tests(repository) == []
    shown = (repository / "README.md").read_text("utf-8")
    assert "incl. 19 % tax              1.80" in shown


def test_review_findings_point_at_lines_that_exist(rules: list[Rule], tries: list[Try]) -> None:
    """A finding becomes a comment beside a line, so the line has to be what the finding is about."""
    seen: dict[int, list[Try]] = {}
    for one in tries:
        seen.setdefault(one.ordinal, []).append(one)
    severities = []
    for rule in (one for one in rules if one["when"].get("node") == "review"):
        reviewed = seen[rule["when"]["sub_work_item"]][0 if "attempt" in rule["when"] else -1]
        for finding in rule["reply"]["output"]["findings"]:
            severities.append(finding["severity"])
            assert finding["line"] <= len(reviewed.written[finding["file"]].splitlines())
    assert severities == ["blocking", "blocking", "warning", "informational"]
