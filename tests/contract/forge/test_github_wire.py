"""What the real adapter makes of limits, failures and unchanged answers; the twin strikes on purpose."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from forge_plugs import REPO, Counted, Etags, Forge, RunningTwin

from cogworks.adapters.git_mirror import GitMirrors
from cogworks.adapters.github_client import GitHubClient
from cogworks.model.errors import (
    CapabilityMissing,
    GitHubTransient,
    InvalidRequest,
    NotFound,
    ParseFailure,
    PermissionDenied,
    RateLimited,
    Transient,
)
from cogworks.model.github import Limits
from cogworks.model.ids import IssueNumber, RepoName

ONE = IssueNumber(1)


@pytest.fixture
def striking(twin: RunningTwin) -> Iterator[RunningTwin]:
    """The twin, whose faults end with the test."""
    yield twin
    twin.post("faults", [])


def test_an_unchanged_answer_costs_no_quota(twin: RunningTwin) -> None:
    counted = Counted()
    client = twin.client(count=counted)
    polls = [
        lambda: client.issues.find(REPO, labels=["cogworks:run"]),
        lambda: client.comments.recent(REPO, since=None),
        lambda: client.issues.events(REPO),
    ]
    first, again = ([poll() for poll in polls] for _ in range(2))
    assert first == again
    assert [status for _, status in counted.seen] == [200, 200, 200, 304, 304, 304]


def test_a_long_list_is_followed_to_its_end(twin: RunningTwin) -> None:
    client = twin.client()
    issue = client.issues.create(REPO, title="Many", body="b", labels=[], milestone=None)
    for number in range(101):
        client.comments.create(REPO, issue.number, f"{number}")
    assert [one.body for one in client.comments.list(REPO, issue.number)] == [str(number) for number in range(101)]


STRIKES = [
    ("server error", {"kind": "status", "code": 502, "body": "<html>"}, GitHubTransient),
    ("overload with a time", {"kind": "status", "code": 503, "headers": {"retry-after": "7"}}, GitHubTransient),
    ("connection dropped", {"kind": "drop_before"}, GitHubTransient),
    ("not offered", {"kind": "status", "code": 501, "body": {"message": "no"}}, CapabilityMissing),
    ("blocked", {"kind": "status", "code": 403, "body": {"message": "Resource not accessible"}}, PermissionDenied),
    ("gone", {"kind": "status", "code": 410, "body": {"message": "This was deleted"}}, NotFound),
    ("a field is missing", {"kind": "status", "code": 200, "body": {"number": 1, "title": "t"}}, ParseFailure),
    ("cut off", {"kind": "status", "code": 200, "body": '{"number": 1, "tit'}, GitHubTransient),
]


@pytest.mark.parametrize(("reason", "strike", "error"), STRIKES, ids=[row[0] for row in STRIKES])
def test_a_failure_is_one_leaf_and_one_request(
    striking: RunningTwin, reason: str, strike: dict[str, object], error: type[Exception]
) -> None:
    striking.post("faults", [{"match": {"path": "/issues/1$"}, **strike}])
    counted = Counted()
    client = striking.client(count=counted)
    with pytest.raises(error) as refused:
        client.issues.get(REPO, ONE)
    assert "issues.get" in str(refused.value), reason
    assert "/repos/acme/tally/issues/1" in str(refused.value), reason
    assert len(counted.seen) == 1, reason


@pytest.mark.parametrize("secondary", [False, True])
def test_a_limit_says_of_which_kind_and_until_when(striking: RunningTwin, secondary: bool) -> None:
    striking.post(
        "faults", [{"match": {"path": "/issues/1$"}, "kind": "rate_limit", "reset_in": 90, "secondary": secondary}]
    )
    with pytest.raises(RateLimited) as limited:
        striking.client().issues.get(REPO, ONE)
    assert limited.value.kind == ("secondary" if secondary else "primary")
    if secondary:
        assert limited.value.retry_after_s is not None
        assert limited.value.retry_after_s > 0
    else:
        assert limited.value.reset_at is not None


def test_a_lost_answer_is_not_repeated(striking: RunningTwin) -> None:
    client = striking.client()
    issue = client.issues.create(REPO, title="Lost", body="b", labels=[], milestone=None)
    striking.post("faults", [{"match": {"method": "POST", "path": "/comments$"}, "nth": 1, "kind": "drop_after"}])
    with pytest.raises(GitHubTransient, match=r"comments\.create"):
        client.comments.create(REPO, issue.number, "<!-- once -->")
    assert [one.body for one in client.comments.list(REPO, issue.number)] == ["<!-- once -->"]


def test_a_moved_repository_is_read_on_but_not_written(striking: RunningTwin) -> None:
    client = striking.client()
    target = f"{striking.url}/repos/acme/tally/issues/1"
    moved = {"kind": "status", "code": 301, "headers": {"location": target}, "body": {"message": "Moved Permanently"}}
    striking.post("faults", [{"match": {"path": "/old/name/"}, **moved}])
    assert client.issues.get(RepoName("old/name"), ONE).number == 1
    striking.post("faults", [{"match": {"method": "PATCH"}, **moved}])
    comment = client.comments.create(REPO, ONE, "text")
    with pytest.raises(InvalidRequest, match="moved to acme/tally"):
        client.comments.update(REPO, comment.id, "other")
    assert client.comments.get(REPO, comment.id).body == "text"


def test_a_wrong_token_is_refused(twin: RunningTwin, tmp_path: Path) -> None:
    with pytest.raises(PermissionDenied, match=r"contents\.repo"):
        twin.client("nobody").contents.repo(REPO)
    with pytest.raises(PermissionDenied):
        GitMirrors(tmp_path, remote_url=twin.url, token="wrong").fetch(REPO)


def test_a_token_that_lacks_a_right_is_told_and_nothing_is_changed(twin: RunningTwin) -> None:
    """GH-02: granted less than its owner may, though the repository says that its owner may push."""
    before = len(twin.routes())
    assert twin.client().contents.missing_rights(REPO) == ()
    twin.post("permissions", {"login": "cogworks", "grants": {"issues": "write", "pull_requests": "read"}})
    try:
        assert twin.client().contents.missing_rights(REPO) == ("pull requests: write",)
    finally:
        twin.post("permissions", {"login": "cogworks", "grants": None})
    asked = twin.routes()[before:]
    assert [one["status"] for one in asked] == [404, 404, 404, 403]
    assert not any(one["content_write"] for one in asked)


def test_limits_are_told_with_every_answer(twin: RunningTwin) -> None:
    seen: list[Limits] = []
    paced: list[str] = []
    client = GitHubClient(
        token=twin.tokens["cogworks"],
        base_url=twin.url,
        etags=Etags(),
        count=Counted(),
        limits_seen=seen.append,
        pace=paced.append,
    )
    comment = client.comments.create(REPO, ONE, "text")
    client.comments.update(REPO, comment.id, "other")
    client.comments.get(REPO, comment.id)
    assert paced == ["content", "write", "read"]
    assert len(seen) == len(paced)
    assert all(one.limit >= one.remaining for one in seen)


def test_an_absent_server_is_transient(tmp_path: Path) -> None:
    counted = Counted()
    client = GitHubClient(token="t", base_url="http://127.0.0.1:9", etags=Etags(), count=counted)
    with pytest.raises(GitHubTransient, match=r"contents\.repo"):
        client.contents.repo(REPO)
    assert counted.seen == [("contents.repo", 0)]
    with pytest.raises(GitHubTransient):
        GitMirrors(tmp_path, remote_url="http://127.0.0.1:9", token="t").fetch(REPO)
    with pytest.raises(NotFound):
        GitMirrors(tmp_path, remote_url=str(tmp_path / "nothing"), token=None).fetch(REPO)


def test_the_mirror_is_a_cache_and_holds_no_secret(twin: RunningTwin, tmp_path: Path) -> None:
    git = GitMirrors(tmp_path, remote_url=twin.url, token=twin.tokens["cogworks"])
    git.fetch(REPO)
    head = git.branch_head(REPO, "main")
    assert head is not None
    tree = git.checkout(REPO, ref=head, name="1")
    mirror = tmp_path / "acme+tally" / "mirror.git"
    for lost in (mirror / "objects", mirror / "refs", mirror / "HEAD", mirror, mirror.parent):
        shutil.rmtree(lost) if lost.is_dir() else lost.unlink()
        assert git.read(REPO, "README.md", ref=head) == b"# Tally\n", lost.name
        tree = git.checkout(REPO, ref=head, name="1")
        assert tree.changes(base=head) == (), lost.name
    for place, _, names in os.walk(tmp_path):
        for name in names:
            content = (Path(place) / name).read_bytes()
            assert twin.tokens["cogworks"].encode() not in content, name
            assert b"http://" not in content, name


@pytest.mark.parametrize("lost", ["the tree", "the mirror", "both"])
def test_what_is_lost_under_our_hands_may_be_tried_again(twin: RunningTwin, tmp_path: Path, lost: str) -> None:
    git = GitMirrors(tmp_path, remote_url=twin.url, token=twin.tokens["cogworks"])
    git.fetch(REPO)
    head = git.branch_head(REPO, "main")
    assert head is not None
    tree = git.checkout(REPO, ref=head, name="lost")
    tree.write("new.txt", "x", create=True)
    unpushed = tree.commit("node: Never pushed")
    assert unpushed is not None
    mirror, trees = tmp_path / "acme+tally/mirror.git", tmp_path / "acme+tally/trees"
    in_tree: list[Callable[[], object]] = [
        lambda: tree.read("README.md", max_bytes=99),
        lambda: tree.write("b.txt", "x", create=True),
        tree.list,
    ]
    by_git: list[Callable[[], object]] = [
        lambda: tree.changes(base=head),
        lambda: tree.diff(base=head),
        lambda: tree.commit("node: Gone"),
    ]
    pushes: list[Callable[[], object]] = [
        lambda: git.push(REPO, branch="cogworks/1/lost", sha=unpushed, expected=head),
        lambda: git.push(REPO, branch="cogworks/1/lost", sha=unpushed, expected=None),
    ]
    acts = {"the tree": in_tree + by_git, "the mirror": by_git + pushes, "both": in_tree + by_git + pushes}
    for place in {"the tree": [trees], "the mirror": [mirror], "both": [trees, mirror]}[lost]:
        shutil.rmtree(place)
    for act in acts[lost]:
        with pytest.raises(Transient):
            act()
    assert git.checkout(REPO, ref=head, name="lost").read("README.md", max_bytes=99) == "# Tally\n"


def test_what_a_killed_git_leaves_behind_is_cleared_away(twin: RunningTwin, real_forge: Forge, tmp_path: Path) -> None:
    git = GitMirrors(tmp_path, remote_url=twin.url, token=twin.tokens["cogworks"])
    git.fetch(REPO)
    head = git.branch_head(REPO, "main")
    assert head is not None
    tree = git.checkout(REPO, ref=head, name="killed")
    mirror = tmp_path / "acme+tally/mirror.git"
    (mirror / "worktrees/killed/index.lock").touch()
    tree.write("new.txt", "x", create=True)
    with pytest.raises(Transient):
        tree.commit("node: Not yet")
    tree = git.checkout(REPO, ref=head, name="killed")
    tree.write("new.txt", "x", create=True)
    assert tree.commit("node: Now") is not None
    (mirror / "refs/heads/by").mkdir()
    (mirror / "refs/heads/by/hand.lock").touch()
    hers = real_forge.maria.push("by/hand", {"x": b"x"})
    git.fetch(REPO)
    assert git.branch_head(REPO, "by/hand") == hers


def test_git_heeds_no_settings_but_ours(twin: RunningTwin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trap = tmp_path / "hooks" / "pre-commit"
    trap.parent.mkdir()
    trap.write_text("#!/bin/sh\ntouch sprung\nexit 1\n")
    trap.chmod(0o755)
    (tmp_path / ".gitconfig").write_text(f"[core]\nhooksPath = {trap.parent}\n[user]\nname = Somebody\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    git = GitMirrors(tmp_path / "mirrors", remote_url=twin.url, token=twin.tokens["cogworks"])
    git.fetch(REPO)
    head = git.branch_head(REPO, "main")
    assert head is not None
    tree = git.checkout(REPO, ref=head, name="1")
    root = Path(tree.root)
    (root / ".git").write_text(f"gitdir: {tmp_path}\n")
    tree.write("new.txt", "x", create=True)
    made = tree.commit("node: Commit")
    monkeypatch.delenv("GIT_DIR")
    shown = subprocess.run(
        ["git", "--git-dir", str(tmp_path / "mirrors/acme+tally/mirror.git"), "log", "-1", "--format=%an", str(made)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (shown.stdout.strip(), list(root.glob("sprung"))) == ("CogWorks", [])


def test_only_known_routes_are_used(real_forge: Forge, twin: RunningTwin) -> None:
    real_forge.github.issues.get(REPO, ONE)
    mine = [entry for entry in twin.routes() if entry["login"] == "cogworks" and entry["route"]]
    assert mine
    forbidden = [entry for entry in mine if entry["method"] in ("PUT", "DELETE") and "/labels/" not in entry["path"]]
    assert forbidden == []
