"""PATH-02 on a real disk: whatever a link, a pipe or a second name tries, the file outside stays as it was."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cogworks.adapters import work_tree_paths
from cogworks.model.errors import ToolRefused

SECRET = "outside, do not touch\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree with a file, and a secret beside it."""
    (tmp_path / "secret").write_text(SECRET)
    tree = tmp_path / "tree"
    (tree / "src" / "auth").mkdir(parents=True)
    (tree / "src" / "a.py").write_text("x = 1\n")
    return tree


def refusals(root: Path, path: str) -> list[str]:
    """Return the error code of each verb on ``path``."""
    verbs: list[Callable[[], object]] = [
        lambda: work_tree_paths.read(root, path, max_bytes=99),
        lambda: work_tree_paths.write(root, path, "new", create=False),
        lambda: work_tree_paths.write(root, path, "new", create=True),
        lambda: work_tree_paths.delete(root, path),
    ]
    codes = []
    for verb in verbs:
        with pytest.raises(ToolRefused) as refused:
            verb()
        codes.append(refused.value.error)
    return codes


PLANTS: list[tuple[str, str, Callable[[Path], None]]] = [
    ("a link to a file outside", "src/auth/link", lambda r: (r / "src/auth/link").symlink_to(r.parent / "secret")),
    ("a link to /etc", "src/auth/link/passwd", lambda r: (r / "src/auth/link").symlink_to("/etc")),
    ("a link up", "src/up/secret", lambda r: (r / "src/up").symlink_to("../..")),
    ("a link to a file inside", "src/b.py", lambda r: (r / "src/b.py").symlink_to("a.py")),
    ("a link to a folder inside", "lib/a.py", lambda r: (r / "lib").symlink_to("src")),
    ("a link to nothing", "src/none", lambda r: (r / "src/none").symlink_to("nowhere")),
    ("a link to itself", "src/loop", lambda r: (r / "src/loop").symlink_to("loop")),
]


@pytest.mark.parametrize(("reason", "path", "plant"), PLANTS, ids=[row[0] for row in PLANTS])
def test_a_link_is_refused_by_every_verb(root: Path, reason: str, path: str, plant: Callable[[Path], None]) -> None:
    plant(root)
    assert refusals(root, path) == ["SCOPE_VIOLATION"] * 4, reason
    assert (root.parent / "secret").read_text() == SECRET
    assert (root / "src/a.py").read_text() == "x = 1\n"


def test_a_second_name_of_a_file_is_refused(root: Path) -> None:
    os.link(root.parent / "secret", root / "src/hard")
    assert refusals(root, "src/hard") == ["SCOPE_VIOLATION", "SCOPE_VIOLATION", "ALREADY_EXISTS", "SCOPE_VIOLATION"]
    assert (root.parent / "secret").read_text() == SECRET


def test_a_pipe_is_refused_without_waiting(root: Path) -> None:
    os.mkfifo(root / "src/pipe")
    codes = refusals(root, "src/pipe")
    assert codes[0] == codes[3] == "SCOPE_VIOLATION"
    assert (root / "src/pipe").is_fifo()


def test_a_link_swapped_in_after_the_check_changes_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the folder that was opened and the file in it, the path comes to lead elsewhere."""
    outside = root.parent / "outside"
    outside.mkdir()
    (outside / "a.py").write_text(SECRET)
    real_open = os.open
    swapped: list[str] = []

    def swap_before_last(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == "a.py" and not swapped:
            swapped.append(path)
            (root / "src").rename(root / "was")
            (root / "src").symlink_to(outside)
        return real_open(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", swap_before_last)
    work_tree_paths.write(root, "src/a.py", "new\n", create=False)
    assert swapped
    assert (outside / "a.py").read_text() == SECRET
    assert (root / "was/a.py").read_text() == "new\n"


def test_a_file_swapped_for_a_link_before_it_is_opened_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real_open = os.open

    def swap_before_last(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == "a.py":
            (root / "src/a.py").unlink()
            (root / "src/a.py").symlink_to(root.parent / "secret")
        return real_open(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", swap_before_last)
    with pytest.raises(ToolRefused):
        work_tree_paths.write(root, "src/a.py", "new\n", create=False)
    assert (root.parent / "secret").read_text() == SECRET


FOLLOWED = [
    ("a link to a file beside it", "src/b.py", lambda r: (r / "src/b.py").symlink_to("a.py"), "src/a.py"),
    ("a link to a folder", "lib/a.py", lambda r: (r / "lib").symlink_to("src"), "src/a.py"),
    ("a link that goes up inside", "src/auth/b", lambda r: (r / "src/auth/b").symlink_to("../a.py"), "src/a.py"),
]


@pytest.mark.parametrize(("reason", "path", "plant", "target"), FOLLOWED, ids=[row[0] for row in FOLLOWED])
def test_a_link_is_read_through_when_its_target_is_inside_and_allowed(
    root: Path, reason: str, path: str, plant: Callable[[Path], None], target: str
) -> None:
    plant(root)
    asked: list[str] = []
    assert work_tree_paths.read(root, path, max_bytes=99, may_follow=asked.append) == "x = 1\n", reason
    assert asked == [target]


def _allow(path: str) -> None:
    assert path


def _deny(path: str) -> None:
    raise ToolRefused(path, error="SCOPE_VIOLATION")


@pytest.mark.parametrize(
    ("reason", "target", "may_follow"),
    [
        ("outside by name", "../../secret", _allow),
        ("outside by an absolute name", "/etc/passwd", _allow),
        ("into git", "../.git/config", _allow),
        ("inside but not allowed", "a.py", _deny),
        ("round and round", "b.py", _allow),
    ],
)
def test_a_link_is_not_read_through_otherwise(
    root: Path, reason: str, target: str, may_follow: Callable[[str], None]
) -> None:
    (root / "src/b.py").symlink_to(target)
    with pytest.raises(ToolRefused) as refused:
        work_tree_paths.read(root, "src/b.py", max_bytes=99, may_follow=may_follow)
    assert refused.value.error == "SCOPE_VIOLATION", reason


def test_listing_shows_regular_files_only_and_never_git(root: Path) -> None:
    (root / ".git").write_text("gitdir: elsewhere\n")
    (root / "src/.GIT").mkdir()
    (root / "src/.GIT/config").write_text("x")
    (root / "src/link").symlink_to("a.py")
    (root / "lib").symlink_to("src")
    os.mkfifo(root / "pipe")
    (root / ".gitignore").write_text("x\n")
    assert work_tree_paths.regular_files(root) == (".gitignore", "src/a.py")


def test_what_is_written_is_what_is_read(root: Path) -> None:
    work_tree_paths.write(root, "src/a.py", "ä" * 10, create=False)
    work_tree_paths.write(root, "new/deep/b.py", "", create=True)
    assert work_tree_paths.read(root, "src/a.py", max_bytes=20) == "ä" * 10
    assert work_tree_paths.read(root, "new/deep/b.py", max_bytes=0) == ""
    work_tree_paths.delete(root, "new/deep/b.py")
    assert not (root / "new/deep/b.py").exists()
