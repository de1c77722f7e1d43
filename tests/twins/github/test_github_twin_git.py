"""Git over HTTP: clone, fetch and push of real repositories (TWG-03)."""

import gzip
from collections.abc import Callable

import httpx
import pytest
from github_twin_process import Twin, WorkingCopy

Clone = Callable[[Twin, str], WorkingCopy]


def test_git_asks_for_credentials_first(twin: Twin) -> None:
    answer = httpx.get(f"{twin.url}/acme/tally.git/info/refs?service=git-upload-pack")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize(
    ("login", "reads", "told"),
    [("guest", True, "denied to guest"), ("tina", True, "denied to tina"), ("stranger", False, "not found")],
)
def test_who_may_not_write_may_not_push(twin: Twin, clone: Clone, login: str, reads: bool, told: str) -> None:
    if not reads:
        with pytest.raises(AssertionError, match="not found"):
            clone(twin, login)
        return
    copy = clone(twin, login)
    copy.commit("theirs.txt", "x\n")
    refused = copy.git("push", "origin", "HEAD:refs/heads/theirs", check=False)
    assert refused.returncode != 0
    assert "403" in refused.stderr


def test_a_push_is_seen_over_rest_at_once_and_fetched_by_others(twin: Twin, clone: Clone) -> None:
    ours, theirs = clone(twin, "cogworks"), clone(twin, "maria")
    ours.git("checkout", "-q", "-b", "cogworks/900/spec")
    sha = ours.commit("spec.md", "# Specification\n")
    ours.git("push", "-q", "origin", "HEAD")
    assert twin.as_("maria")("GET", "/git/ref/heads/cogworks/900/spec")["object"]["sha"] == sha
    theirs.git("fetch", "-q", "origin")
    assert theirs.git("rev-parse", "origin/cogworks/900/spec").stdout.strip() == sha
    assert twin.as_("maria")("GET", "/branches/cogworks/900/spec")["commit"]["author"]["login"] == "cogworks"


def test_a_large_push_arrives_whole(twin: Twin, clone: Clone) -> None:
    """Beyond http.postBuffer git sends the pack in chunks."""
    copy = clone(twin, "cogworks")
    copy.git("checkout", "-q", "-b", "cogworks/901/spec")
    noise = "".join(f"{n * 7919 % 1_000_003}\n" for n in range(400_000))
    copy.commit("large.txt", noise)
    copy.git("-c", "http.postBuffer=65536", "push", "-q", "origin", "HEAD")
    answer = twin.as_("maria").client.get(
        "/repos/acme/tally/contents/large.txt?ref=cogworks/901/spec",
        headers={"accept": "application/vnd.github.raw+json"},
    )
    assert answer.text == noise
    shown = twin.as_("maria")("GET", "/contents/large.txt?ref=cogworks/901/spec")
    assert (shown["encoding"], shown["content"], shown["size"]) == ("none", "", len(noise))


def test_a_compressed_request_body_is_understood(twin: Twin) -> None:
    request = b"0014command=ls-refs\n00010000"
    answer = httpx.post(
        f"{twin.url}/acme/tally.git/git-upload-pack",
        content=gzip.compress(request),
        auth=("x-access-token", twin.tokens["cogworks"]),
        headers={
            "content-type": "application/x-git-upload-pack-request",
            "content-encoding": "gzip",
            "git-protocol": "version=2",
        },
    )
    assert answer.status_code == 200
    assert b"refs/heads/main" in answer.content


def test_a_push_moves_the_head_of_its_pull_request(twin: Twin, clone: Clone) -> None:
    pull = twin.pull()
    copy = clone(twin, "cogworks")
    copy.git("checkout", "-q", pull["head"]["ref"])
    sha = copy.commit("more.txt", "more\n")
    copy.git("push", "-q", "origin", "HEAD")
    moved = twin.as_("maria")("GET", f"/pulls/{pull['number']}")
    assert (moved["head"]["sha"], moved["commits"], moved["changed_files"]) == (sha, 2, 2)


@pytest.mark.parametrize(
    ("arguments", "told", "violation"),
    [
        (["--force", "origin", "HEAD:{head}"], "non-fast-forward", "force-push"),
        (["origin", ":{head}"], "deletion prohibited", "delete a branch"),
    ],
)
def test_cogworks_neither_forces_nor_deletes(
    twin: Twin, clone: Clone, arguments: list[str], told: str, violation: str
) -> None:
    pull = twin.pull()
    copy = clone(twin, "cogworks")
    copy.commit("other.txt", "another history\n")
    refused = copy.git("push", *(part.replace("{head}", pull["head"]["ref"]) for part in arguments), check=False)
    assert refused.returncode != 0
    assert told in refused.stderr
    assert twin.as_("maria")("GET", f"/git/ref/heads/{pull['head']['ref']}")["object"]["sha"] == pull["head"]["sha"]
    assert twin.control("GET", "violations")["violations"][-1]["violation"] == violation


def test_nobody_pushes_what_is_not_a_fast_forward(twin: Twin, clone: Clone) -> None:
    pull = twin.pull()
    copy = clone(twin, "maria")
    copy.commit("other.txt", "another history\n")
    refused = copy.git("push", "--force", "origin", f"HEAD:{pull['head']['ref']}", check=False)
    assert "non-fast-forward" in refused.stderr


def test_an_app_changes_no_workflow(twin: Twin, clone: Clone) -> None:
    """GH-04: GitHub refuses it too, to an app without that permission; a person may."""
    ours, theirs = clone(twin, "cogworks"), clone(twin, "maria")
    for copy in (ours, theirs):
        copy.git("checkout", "-q", "-b", "cogworks/902/spec")
        copy.commit(".github/workflows/ci.yml", "on: push\n")
    refused = ours.git("push", "origin", "HEAD", check=False)
    assert "refusing to allow a GitHub App to create or update workflow" in refused.stderr
    theirs.git("push", "-q", "origin", "HEAD")


def test_a_deleted_branch_closes_its_pull_request(twin: Twin, clone: Clone) -> None:
    pull = twin.pull()
    clone(twin, "maria").git("push", "-q", "origin", f":{pull['head']['ref']}")
    maria = twin.as_("maria")
    shown = maria("GET", f"/pulls/{pull['number']}")
    assert (shown["state"], shown["merged"]) == ("closed", False)
    kinds = [event["event"] for event in maria("GET", f"/issues/{pull['number']}/events")]
    assert kinds == ["head_ref_deleted", "closed"]
    maria("GET", f"/git/ref/heads/{pull['head']['ref']}", status=404)


def test_a_head_pushed_into_its_base_counts_as_merged(twin: Twin, clone: Clone) -> None:
    pull = twin.pull(path="pushed.txt")
    copy = clone(twin, "maria")
    copy.git("merge", "-q", "--no-edit", f"origin/{pull['head']['ref']}")
    copy.git("push", "-q", "origin", "HEAD:main")
    assert twin.as_("maria")("GET", f"/pulls/{pull['number']}")["merged"] is True


def test_a_human_write_is_fetched_by_git(twin: Twin, clone: Clone) -> None:
    head = twin.branch(content="from rest\n", path="rest.txt")
    copy = clone(twin, "cogworks")
    copy.git("checkout", "-q", head)
    assert (copy.path / "rest.txt").read_text() == "from rest\n"
