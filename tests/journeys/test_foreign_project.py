"""A bug in an open-source project that nobody here wrote, mended as its own people mended it (A4)."""

import shutil
from pathlib import Path

import pytest
from journey import FAILED, Arrival, Journey, expected_comments, expected_issues, expected_pulls, travel
from plans import Files, Piece, Plan
from releases import Fix, Releases, own_tests_pass

FIX = Fix(
    project="pathspec",
    broken="0.12.0",
    mended="0.12.1",
    code="pathspec/pathspec.py",
    tests="tests/test_03_pathspec.py",
)


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Releases:
    """Both releases; the tests of the newer one find the bug of the older one."""
    found = FIX.fetch(tmp_path_factory.mktemp("releases"))
    proof = found.broken.parent / "proof"
    shutil.copytree(found.broken, proof)
    assert own_tests_pass(proof)
    shutil.copy(found.mended / FIX.tests, proof / FIX.tests)
    assert not own_tests_pass(proof)
    return found


def _plan(files: Files) -> Plan:
    piece = Piece(title="Answer with a truth value", files=files, modifies=tuple(files))
    return Plan(
        title="match_file() answers None for a file that no pattern matches",
        task_type="bug_fix",
        modules=("pathspec",),
        requirements=("`PathSpec.match_file()` returns False, not None, for a file that no pattern matches",),
        pieces=(piece,),
    )


def _source(releases: Releases, folder: Path) -> Path:
    return shutil.copytree(releases.broken, folder / "project")


def test_the_right_fix_becomes_a_branch_that_passes_the_projects_own_tests(
    releases: Releases, service_home: Path, tmp_path: Path
) -> None:
    """The pull request's branch, cloned afresh, passes all tests of the project."""
    plan = _plan(releases.right_files())

    def arrived(arrival: Arrival) -> None:
        found = arrival.found
        assert [pull.slug for pull in found.pulls] == expected_pulls(plan)
        assert found.comments == expected_comments(plan)
        assert found.issues == expected_issues(plan)
        clone = arrival.stack.clone(found.code_pulls()[0].head)
        assert own_tests_pass(clone)
        # Foreign habits stay: its people keep another form and have type errors of old.
        assert {path: (clone / path).read_text("utf-8") for path in plan.pieces[0].files} == plan.pieces[0].files

    journey = Journey(name="right", why="the newer release's own fix", plan=plan, files=_source(releases, tmp_path))
    travel(journey, service_home=service_home, arrived=arrived)


def test_a_wrong_fix_ends_escalated_without_a_pull_request(
    releases: Releases, service_home: Path, tmp_path: Path
) -> None:
    """Code that its own tests refuse is never offered to people; they are asked instead."""
    plan = _plan(releases.wrong_files())

    def arrived(arrival: Arrival) -> None:
        found = arrival.found
        assert found.code_pulls() == []
        told = "\n".join(arrival.stack.maria.comments())
        assert "escalated" in told
        assert "test_01_match_file_3_unmatch" in told

    journey = Journey(
        name="wrong",
        why="changes a line, mends nothing",
        plan=plan,
        files=_source(releases, tmp_path),
        ends_with=FAILED,
    )
    travel(journey, service_home=service_home, arrived=arrived)
