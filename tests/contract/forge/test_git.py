"""What every plug of the port Git does, and its work trees under 50 section 5."""

from itertools import count

import pytest
from forge_plugs import FILES, Forge

from cogworks.model.change import Change
from cogworks.model.errors import BranchDiverged, NotFound, ToolRefused
from cogworks.model.ids import Sha
from cogworks.ports.git import WorkTree

_SERIAL = count(1)
NOWHERE = Sha("0" * 39 + "1")


def fresh_branch() -> str:
    return f"cogworks/9/git-{next(_SERIAL)}"


def main_of(forge: Forge) -> Sha:
    forge.git.fetch(forge.repo)
    head = forge.git.branch_head(forge.repo, "main")
    assert head is not None
    return head


def committed(forge: Forge, *, parent: Sha | None = None, **files: str) -> Sha:
    content = {path.replace("__", "/"): text.encode() for path, text in files.items()}
    return forge.git.commit_files(
        forge.repo, parent=parent or main_of(forge), files=content, message="node: Do it\n\nWork-Item: #1\n"
    )


def tree_of(forge: Forge, *, at: Sha | None = None) -> WorkTree:
    return forge.git.checkout(forge.repo, ref=at or main_of(forge), name=f"tree-{next(_SERIAL)}")


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("src/deep/er/leaf.txt", FILES["src/deep/er/leaf.txt"]),
        ("logo.bin", FILES["logo.bin"]),
        ("src/deep", None),
        ("nothing", None),
    ],
)
def test_content_is_read_at_a_branch_and_at_a_commit(forge: Forge, path: str, content: bytes | None) -> None:
    sha = main_of(forge)
    assert [forge.git.read(forge.repo, path, ref=ref) for ref in ("main", sha)] == [content, content]


@pytest.mark.parametrize("ref", ["no-such-branch", NOWHERE])
def test_an_unknown_ref_is_not_found(forge: Forge, ref: str) -> None:
    with pytest.raises(NotFound):
        forge.git.read(forge.repo, "README.md", ref=ref)
    with pytest.raises(NotFound):
        forge.git.list(forge.repo, ref=ref)


def test_a_commit_adds_to_its_parent(forge: Forge) -> None:
    sha = committed(forge, docs__new='say "ä"\n', README="over\n")
    assert set(forge.git.list(forge.repo, ref=sha)) >= {"docs/new", "README", "src/tally.py"}
    assert forge.git.read(forge.repo, "docs/new", ref=sha) == 'say "ä"\n'.encode()
    assert forge.git.changes(forge.repo, base=main_of(forge), head=sha) == (
        Change(path="README", action="create"),
        Change(path="docs/new", action="create"),
    )


def test_a_root_commit_holds_only_its_files(forge: Forge) -> None:
    sha = forge.git.commit_files(forge.repo, parent=None, files={'odd "name" ä.md': b"x"}, message="Root")
    assert forge.git.list(forge.repo, ref=sha) == ('odd "name" ä.md',)


def test_a_diff_shows_paths_and_lines(forge: Forge) -> None:
    base = main_of(forge)
    diff = forge.git.diff(forge.repo, base=base, head=committed(forge, README__md="x", **{"src/tally.py": "a\n"}))
    for line in ("diff --git a/src/tally.py b/src/tally.py", "--- a/src/tally.py", "+++ b/src/tally.py", "+a", "-def "):
        assert line in diff


def test_a_push_makes_a_branch_and_moves_it_forward(forge: Forge) -> None:
    branch, one = fresh_branch(), committed(forge, a="1\n")
    forge.git.push(forge.repo, branch=branch, sha=one, expected=None)
    two = committed(forge, parent=one, a="2\n")
    forge.git.push(forge.repo, branch=branch, sha=two, expected=one)
    forge.git.push(forge.repo, branch=branch, sha=two, expected=one)
    assert forge.git.branch_head(forge.repo, branch) == two
    assert forge.github.contents.branch(forge.repo, branch) == two
    assert forge.github.contents.file(forge.repo, "a", ref=branch) == b"2\n"


def test_a_push_never_moves_a_branch_that_moved(forge: Forge) -> None:
    branch, one = fresh_branch(), committed(forge, b="1\n")
    forge.git.push(forge.repo, branch=branch, sha=one, expected=None)
    hers = forge.maria.push(branch, {"by-hand": b"x\n"})
    mine = committed(forge, parent=one, b="2\n")
    rows = [
        ("it moved since", mine, one),
        ("it should be absent", mine, None),
        ("it would go back", main_of(forge), hers),
        ("it would leave her commit out", mine, hers),
    ]
    for reason, sha, expected in rows:
        with pytest.raises(BranchDiverged):
            forge.git.push(forge.repo, branch=branch, sha=sha, expected=expected)
        assert forge.github.contents.branch(forge.repo, branch) == hers, reason


def test_a_fetch_brings_what_others_pushed_and_takes_what_they_deleted(forge: Forge) -> None:
    branch = fresh_branch()
    main_of(forge)
    hers = forge.maria.push(branch, {"by-hand": b"x\n"})
    assert forge.git.branch_head(forge.repo, branch) is None
    forge.git.fetch(forge.repo)
    assert forge.git.branch_head(forge.repo, branch) == hers
    assert forge.git.read(forge.repo, "by-hand", ref=branch) == b"x\n"


def test_a_merge_holds_all_heads(forge: Forge) -> None:
    one, two, three = (committed(forge, **{name: f"{name}\n"}) for name in ("m1", "m2", "m3"))
    merged = forge.git.merge(forge.repo, [one, two, three, main_of(forge)], message="Join")
    assert {"m1", "m2", "m3"} <= set(forge.git.list(forge.repo, ref=merged))
    assert forge.git.merge(forge.repo, [one, main_of(forge)], message="Join") == one
    assert forge.git.merge(forge.repo, [one], message="Join") == one


def test_changes_to_different_lines_of_one_file_are_joined(forge: Forge) -> None:
    lines = [f"{number}\n" for number in range(9)]
    base = committed(forge, numbers="".join(lines))
    one = committed(forge, parent=base, numbers="".join(["first\n", *lines[1:]]))
    two = committed(forge, parent=base, numbers="".join([*lines[:8], "last\n", "more\n"]))
    merged = forge.git.merge(forge.repo, [one, two], message="Join")
    expected = "".join(["first\n", *lines[1:8], "last\n", "more\n"])
    assert forge.git.read(forge.repo, "numbers", ref=merged) == expected.encode()


def test_heads_that_clash_are_not_merged(forge: Forge) -> None:
    one, two = (committed(forge, **{"src/tally.py": text}) for text in ("one\n", "two\n"))
    with pytest.raises(BranchDiverged, match=r"src/tally\.py"):
        forge.git.merge(forge.repo, [one, two], message="Join")


def test_a_tree_is_edited_and_committed(forge: Forge) -> None:
    base = main_of(forge)
    tree = tree_of(forge, at=base)
    assert (tree.head(), tree.list()) == (base, tuple(sorted(FILES)))
    tree.write("src/tally.py", "x = 1\n", create=False)
    tree.write("src/new/mod.py", "y = 1\n", create=True)
    tree.delete("logo.bin")
    expected = (
        Change(path="logo.bin", action="delete"),
        Change(path="src/new/mod.py", action="create"),
        Change(path="src/tally.py", action="modify"),
    )
    assert tree.changes(base=base) == expected
    assert "+y = 1" in tree.diff(base=base)
    part = tree.commit("node: Part", paths=["src/new/mod.py"])
    assert part is not None
    assert forge.git.changes(forge.repo, base=base, head=part) == expected[1:2]
    rest = tree.commit("node: Rest")
    assert tree.head() == rest
    assert (tree.commit("node: Nothing"), tree.changes(base=base)) == (None, expected)
    assert rest is not None
    branch = fresh_branch()
    forge.git.push(forge.repo, branch=branch, sha=rest, expected=None)
    assert forge.github.contents.file(forge.repo, "src/tally.py", ref=branch) == b"x = 1\n"


def test_a_tree_that_is_dirty_or_elsewhere_is_rebuilt_and_a_clean_one_kept(forge: Forge) -> None:
    base = main_of(forge)
    tree = forge.git.checkout(forge.repo, ref=base, name="same")
    tree.write("untracked.txt", "x", create=True)
    tree = forge.git.checkout(forge.repo, ref=base, name="same")
    assert tree.list() == tuple(sorted(FILES))
    tree.write("kept.txt", "x", create=True)
    head = tree.commit("node: Keep")
    assert head is not None
    assert forge.git.checkout(forge.repo, ref=head, name="same").read("kept.txt", max_bytes=9) == "x"
    assert "kept.txt" not in forge.git.checkout(forge.repo, ref=base, name="same").list()
    tree.remove()
    assert forge.git.checkout(forge.repo, ref=head, name="same").head() == head


TREE_REFUSALS = [
    ("read what is absent", lambda t: t.read("nothing", max_bytes=9), "NOT_FOUND"),
    ("read a folder", lambda t: t.read("src", max_bytes=9), "NOT_FOUND"),
    ("read below a file", lambda t: t.read("README.md/x", max_bytes=9), "NOT_FOUND"),
    ("read too much", lambda t: t.read("README.md", max_bytes=3), "TOO_LARGE"),
    ("read no text", lambda t: t.read("logo.bin", max_bytes=99), "NOT_TEXT"),
    ("replace what is absent", lambda t: t.write("nothing", "x", create=False), "NOT_FOUND"),
    ("replace in an absent folder", lambda t: t.write("no/thing", "x", create=False), "NOT_FOUND"),
    ("create what is there", lambda t: t.write("README.md", "x", create=True), "ALREADY_EXISTS"),
    ("create over a folder", lambda t: t.write("src", "x", create=True), "ALREADY_EXISTS"),
    ("create below a file", lambda t: t.write("README.md/x", "x", create=True), "NOT_FOUND"),
    ("create a file in another case", lambda t: t.write("readme.MD", "x", create=True), "ALREADY_EXISTS"),
    ("create a folder in another case", lambda t: t.write("SRC/x.py", "x", create=True), "ALREADY_EXISTS"),
    ("delete what is absent", lambda t: t.delete("nothing"), "NOT_FOUND"),
    ("delete a folder", lambda t: t.delete("src"), "NOT_FOUND"),
    *(
        (f"{verb} {path!r}", act, "SCOPE_VIOLATION")
        for path in (
            "../x",
            "/etc/passwd",
            "src/../../x",
            "src\\tally.py",
            "．．/x",
            ".git/config",
            "src/.GIT/x",
            "a./x",
        )
        for verb, act in (
            ("read", lambda t, path=path: t.read(path, max_bytes=9)),
            ("write", lambda t, path=path: t.write(path, "x", create=False)),
            ("create", lambda t, path=path: t.write(path, "x", create=True)),
            ("delete", lambda t, path=path: t.delete(path)),
        )
    ),
]


def test_what_a_tree_refuses_changes_nothing(forge: Forge) -> None:
    tree = tree_of(forge)
    for reason, act, error in TREE_REFUSALS:
        with pytest.raises(ToolRefused) as refused:
            act(tree)
        assert refused.value.error == error, reason
        assert tree.list() == tuple(sorted(FILES)), reason
    assert tree.changes(base=tree.head()) == ()
