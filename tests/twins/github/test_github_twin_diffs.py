"""How changes between two commits are read from git, and which lines comments may stand at."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cogworks.twins.github.bare import BareRepository
from cogworks.twins.github.diffs import changed_files, lines_in

TEN_LINES = "".join(f"line {n}\n" for n in range(10))


def _rename(folder: Path) -> None:
    (folder / "a.txt").rename(folder / "b.txt")


def _link(folder: Path) -> None:
    (folder / "a.txt").unlink()
    (folder / "a.txt").symlink_to("elsewhere")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param(lambda f: (f / "a.txt").write_text(TEN_LINES + "more\n"), ("modified", 1, 0, True), id="append"),
        pytest.param(lambda f: (f / "a.txt").unlink(), ("removed", 0, 10, True), id="remove"),
        pytest.param(_rename, ("renamed", 0, 0, False), id="rename"),
        pytest.param(
            lambda f: (f / "new file ä.txt").write_text("x"), ("added", 1, 0, True), id="odd name, no newline"
        ),
        pytest.param(lambda f: (f / "x.bin").write_bytes(bytes(range(256))), ("added", 0, 0, False), id="binary"),
        pytest.param(lambda f: (f / "a.txt").chmod(0o755), ("modified", 0, 0, False), id="mode alone"),
        pytest.param(_link, ("modified", 1, 10, True), id="a file becomes a link"),
        pytest.param(
            lambda f: (f / "a.txt").write_text("diff --git a/x b/x\n@@ -1 +1 @@\n"),
            ("modified", 2, 10, True),
            id="text that looks like a patch",
        ),
    ],
)
def test_each_kind_of_change(
    tmp_path: Path, change: Callable[[Path], object], told: tuple[str, int, int, bool]
) -> None:
    (tmp_path / "a.txt").write_text(TEN_LINES)
    first = _commit(tmp_path)
    change(tmp_path)
    (file,) = changed_files(BareRepository(tmp_path), first, _commit(tmp_path))
    assert (file.status, file.additions, file.deletions, file.patch is not None) == told
    assert file.previous_path == ("a.txt" if file.status == "renamed" else None)
    assert len(file.sha) == 40


def test_several_files_keep_their_own_patches(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text(TEN_LINES)
    first = _commit(tmp_path)
    (tmp_path / "a").write_text("a\n")
    (tmp_path / "b").chmod(0o755)
    (tmp_path / "c").write_text("c\n")
    files = {file.path: file for file in changed_files(BareRepository(tmp_path), first, _commit(tmp_path))}
    assert (files["a"].patch or "").endswith("+a")
    assert files["b"].patch is None
    assert (files["c"].patch or "").endswith("+c")


def test_nothing_changed(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    sha = _commit(tmp_path)
    assert changed_files(BareRepository(tmp_path), sha, sha) == ()


PATCH = "@@ -1,3 +1,3 @@\n one\n-two\n+zwei\n three\n@@ -10 +10,2 @@ def f():\n ten\n+eleven"


@pytest.mark.parametrize(
    ("patch", "side", "lines"),
    [
        (PATCH, "RIGHT", {1, 2, 3, 10, 11}),
        (PATCH, "LEFT", {1, 2, 3, 10}),
        (None, "RIGHT", set()),
        ("@@ -0,0 +1 @@\n+x\n\\ No newline at end of file", "RIGHT", {1}),
    ],
)
def test_the_lines_of_a_patch(patch: str | None, side: str, lines: set[int]) -> None:
    assert lines_in(patch, side).keys() == lines


def test_a_comment_is_shown_with_its_hunk_up_to_its_line() -> None:
    assert lines_in(PATCH, "RIGHT")[2] == "@@ -1,3 +1,3 @@\n one\n-two\n+zwei"


def _commit(folder: Path) -> str:
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", *who, *arguments], cwd=folder, env=env, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    git("init", "--quiet")
    git("add", "--all")
    git("commit", "--quiet", "--allow-empty", "--message", "x")
    return git("rev-parse", "HEAD")
