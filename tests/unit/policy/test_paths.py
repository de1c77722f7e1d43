"""PATH-01, the globs of PATH-03, and PATH-05: what may be a path at all."""

import pytest
import re2

from cogworks.model.errors import ToolRefused
from cogworks.policy.paths import any_matches, check_path, glob_matches, same_but_for_case

REFUSED = [
    ("../x", "goes up"),
    ("/etc/passwd", "absolute"),
    ("src/auth/../../x", "goes up in the middle"),
    ("src\\auth", "backslash"),
    ("．．/x", "full-width dots turn into dots under NFKC"),
    ("src/․․/x", "one-dot leaders do too"),
    ("ﬁle.py", "a ligature stands for two letters"),
    ("cafe\u0301.py", "not in NFC"),
    ("", "empty"),
    (".", "a lone dot"),
    ("..", "two dots"),
    ("a//b", "empty segment"),
    ("a/", "empty last segment"),
    ("./a", "dot segment"),
    ("C:/x", "drive letter"),
    ("c:x", "drive letter without a slash"),
    ("a\0b", "NUL"),
    ("a\nb", "control character"),
    ("a\u200bb", "zero-width space"),
    ("a\u202eb", "direction override"),
    ("a\u2028b", "line separator"),
    ("a\ud800b", "not UTF-8"),
    ("x" * 1025, "over 1024 bytes"),
    ("ä" * 513, "over 1024 bytes though not over 1024 characters"),
    ("a.", "trailing dot"),
    ("a ", "trailing blank"),
    ("a./b", "trailing dot of a segment"),
    ("a /b", "trailing blank of a segment"),
    (".git", "git's own"),
    (".git/config", "below git's own"),
    ("sub/.GIT/hooks/pre-commit", "git's own in another case and deeper"),
    ("git~1/config", "git's own by its short name"),
]


@pytest.mark.parametrize(("path", "reason"), REFUSED)
def test_a_path_that_could_mean_something_else_is_refused(path: str, reason: str) -> None:
    with pytest.raises(ToolRefused) as refused:
        check_path(path)
    assert (refused.value.error, refused.value.parameter) == ("SCOPE_VIOLATION", "path"), reason


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("a", "one segment"),
        ("src/auth/login.py", "several"),
        (".gitignore", "begins like git's own"),
        (".github/workflows/ci.yml", "protected elsewhere, but a path"),
        ("Ä/straße.md", "letters beyond ASCII in NFC"),
        ("a b/c.d e", "blanks and dots inside"),
        ("x" * 1024, "just 1024 bytes"),
        ("..a/b..c", "dots that are not segments"),
    ],
)
def test_an_ordinary_path_passes(path: str, reason: str) -> None:
    check_path(path)


GLOBS = [
    ("*.py", "a.py", True, "star matches a name"),
    ("*.py", "src/a.py", False, "star stays inside a segment, and the whole path counts"),
    ("src/*", "src/a.py", True, "star after a folder"),
    ("src/*", "src/a/b.py", False, "star does not cross"),
    ("src/**", "src/a/b.py", True, "two stars cross"),
    ("src/**", "src", False, "what is below a folder is not the folder"),
    ("src/**", "source/a", False, "the name before it is literal"),
    ("**/a.py", "a.py", True, "two stars may be no folder at all"),
    ("**/a.py", "x/y/a.py", True, "or several"),
    ("**/a.py", "x/ba.py", False, "but whole ones"),
    ("src/**/a.py", "src/a.py", True, "none in the middle"),
    ("src/**/a.py", "src/x/y/a.py", True, "several in the middle"),
    ("**", "x/y", True, "everything"),
    ("a?c", "abc", True, "a question mark is one sign"),
    ("a?c", "a/c", False, "but no slash"),
    ("[abc].py", "b.py", True, "a class"),
    ("[a-c].py", "d.py", False, "a range"),
    ("[!a-c].py", "d.py", True, "a negated range"),
    ("[!a]b", "/b", False, "a negated class matches no slash"),
    ("x[+-9]y", "x/y", False, "nor does a range across it"),
    ("x[+-9]y", "x5y", True, "which matches the rest of its range"),
    ("x[/]y", "x/y", False, "nor a class of nothing else"),
    ("[]]", "]", True, "a bracket first is a member"),
    ("[!]]", "]", False, "also after the negation"),
    ("[a", "[a", True, "an open bracket alone is literal"),
    ("[\\]", "\\", True, "a backslash is a member like any other"),
    ("[^a]", "^", True, "only ! negates"),
    ("a.c", "abc", False, "a dot is a dot"),
    ("a+(b)|c", "a+(b)|c", True, "signs of regular expressions are literal"),
    ("ä*", "äö", True, "letters beyond ASCII"),
    (".cogworks/**", ".COGWORKS/config.toml", False, "allow patterns heed case"),
]


@pytest.mark.parametrize(("pattern", "path", "matches", "reason"), GLOBS)
def test_a_glob_matches_the_whole_path(pattern: str, path: str, matches: bool, reason: str) -> None:
    assert glob_matches(pattern, path) is matches, reason


@pytest.mark.parametrize("path", [".COGWORKS/config.toml", ".cogworks/x", ".CogWorks/a/b"])
def test_protected_patterns_ignore_case(path: str) -> None:
    assert glob_matches(".cogworks/**", path, ignore_case=True)
    assert any_matches(("docs/**", ".cogworks/**"), path, ignore_case=True)


def test_a_hostile_pattern_takes_linear_time() -> None:
    assert not glob_matches("*a" * 60 + "b", "a" * 5000)
    assert re2.__name__ == "re2"


@pytest.mark.parametrize(
    ("name", "others", "same"),
    [("README.md", ("readme.md",), True), ("README.md", ("README.md",), False), ("straße", ("STRASSE",), True)],
)
def test_entries_that_differ_only_in_case_are_told(name: str, others: tuple[str, ...], same: bool) -> None:
    assert same_but_for_case(name, others) is same
