"""Pull requests, reviews and merges, as people and CogWorks see them."""

from typing import Any

import pytest
from github_twin_process import Twin


def test_a_merge_is_a_real_commit_and_closes_what_the_body_names(twin: Twin) -> None:
    maria, issue = twin.as_("maria"), twin.issue()
    pull = twin.pull(body=f"Closes #{issue['number']}\nPart of #1", path="merged.txt", content="merged\n")
    assert (pull["mergeable"], pull["mergeable_state"]) == (True, "clean")
    assert maria("GET", f"/issues/{issue['number']}")["state"] == "open"
    merged = maria("PUT", f"/pulls/{pull['number']}/merge", {"sha": pull["head"]["sha"]}, status=200)
    commit = maria("GET", f"/commits/{merged['sha']}")
    assert [parent["sha"] for parent in commit["parents"]][1] == pull["head"]["sha"]
    assert maria("GET", "/git/ref/heads/main")["object"]["sha"] == merged["sha"]
    assert maria("GET", "/contents/merged.txt")["size"] == len("merged\n")
    closed = maria("GET", f"/issues/{issue['number']}")
    assert (closed["state"], closed["closed_by"]["login"]) == ("closed", "maria")
    assert maria("GET", "/issues/1")["state"] == "open"
    shown = maria("GET", f"/pulls/{pull['number']}")
    assert (shown["merged"], shown["merged_by"]["login"]) == (True, "maria")
    assert (shown["commits"], shown["changed_files"]) == (1, 1)
    maria("GET", f"/pulls/{pull['number']}/merge", status=204)


def test_closing_words_act_only_at_a_merge_into_the_default_branch(twin: Twin) -> None:
    maria, issue = twin.as_("maria"), twin.issue()
    below = twin.branch(path="below.txt")
    head = twin.branch(path="above.txt")
    new = {"title": "stacked", "head": head, "base": below, "body": f"Fixes #{issue['number']}"}
    pull = twin.as_("cogworks")("POST", "/pulls", new, status=201)
    maria("PUT", f"/pulls/{pull['number']}/merge", {}, status=200)
    assert maria("GET", f"/issues/{issue['number']}")["state"] == "open"


@pytest.mark.parametrize("method", ["merge", "squash"])
def test_both_ways_to_merge(twin: Twin, method: str) -> None:
    pull = twin.pull(path=f"{method}.txt")
    maria = twin.as_("maria")
    merged = maria("PUT", f"/pulls/{pull['number']}/merge", {"merge_method": method}, status=200)
    assert len(maria("GET", f"/commits/{merged['sha']}")["parents"]) == (2 if method == "merge" else 1)


def test_what_cannot_be_merged(twin: Twin) -> None:
    maria, pull = twin.as_("maria"), twin.pull(path="clash.txt", content="ours\n")
    place = f"/pulls/{pull['number']}"
    maria("PUT", f"{place}/merge", {"sha": "0" * 40}, status=409)
    maria("PUT", f"{place}/merge", {"merge_method": "rebase"}, status=405)
    twin.write("clash.txt", "theirs\n")
    shown = maria("GET", place)
    assert (shown["mergeable"], shown["mergeable_state"]) == (False, "dirty")
    maria("PUT", f"{place}/merge", {}, status=405)
    maria("PATCH", place, {"state": "closed"}, status=200)
    maria("PUT", f"{place}/merge", {}, status=405)


def test_a_merged_pull_request_stays_so(twin: Twin) -> None:
    maria, pull = twin.as_("maria"), twin.pull(path="stays.txt")
    maria("PUT", f"/pulls/{pull['number']}/merge", {}, status=200)
    maria("PUT", f"/pulls/{pull['number']}/merge", {}, status=405)
    maria("PATCH", f"/pulls/{pull['number']}", {"state": "open"}, status=422)


def test_commit_pulls_proves_who_brought_a_commit(twin: Twin) -> None:
    maria, pull = twin.as_("maria"), twin.pull(path="proof.txt")
    sha = pull["head"]["sha"]
    assert [one["number"] for one in maria("GET", f"/commits/{sha}/pulls")] == [pull["number"]]
    merged = maria("PUT", f"/pulls/{pull['number']}/merge", {})
    for commit in (sha, merged["sha"]):
        assert [one["number"] for one in maria("GET", f"/commits/{commit}/pulls")] == [pull["number"]]


def test_deleting_a_merged_branch_moves_what_was_stacked_on_it(twin: Twin) -> None:
    maria, below = twin.as_("maria"), twin.pull(path="one.txt")
    above = twin.branch(path="two.txt")
    new = {"title": "stacked", "head": above, "base": below["head"]["ref"]}
    stacked = twin.as_("cogworks")("POST", "/pulls", new, status=201)
    maria("PUT", f"/pulls/{below['number']}/merge", {}, status=200)
    maria("DELETE", f"/git/refs/heads/{below['head']['ref']}", status=204)
    shown = maria("GET", f"/pulls/{stacked['number']}")
    assert (shown["state"], shown["base"]["ref"]) == ("open", "main")


_REVIEW: list[tuple[str, dict[str, Any], int, str]] = [
    ("maria", {"event": "APPROVE"}, 200, "APPROVED"),
    ("maria", {"event": "REQUEST_CHANGES", "body": "no"}, 200, "CHANGES_REQUESTED"),
    ("guest", {"event": "APPROVE"}, 200, "APPROVED"),
    ("cogworks", {"event": "COMMENT", "body": "found"}, 200, "COMMENTED"),
    ("maria", {"event": "REQUEST_CHANGES"}, 422, "a reason is needed"),
    ("maria", {"event": "COMMENT"}, 422, "something is said"),
    ("maria", {"event": "SHRUG", "body": "x"}, 422, "no such event"),
    ("maria", {"body": "later"}, 200, "PENDING"),
]


@pytest.mark.parametrize(("login", "body", "status", "state"), _REVIEW)
def test_a_review_by_anyone(twin: Twin, login: str, body: dict[str, Any], status: int, state: str) -> None:
    pull = twin.pull()
    review = twin.as_(login)("POST", f"/pulls/{pull['number']}/reviews", body, status=status)
    if status == 200:
        assert review["state"] == state
        assert review["commit_id"] == pull["head"]["sha"]
    seen = twin.as_("cogworks")("GET", f"/pulls/{pull['number']}/reviews")
    assert len(seen) == (1 if status == 200 and state != "PENDING" else 0)


def test_an_approval_can_be_dismissed_by_a_person(twin: Twin) -> None:
    pull, maria = twin.pull(), twin.as_("maria")
    place = f"/pulls/{pull['number']}/reviews"
    review = maria("POST", place, {"event": "APPROVE"})
    maria("PUT", f"{place}/{review['id']}/dismissals", {"message": "too soon"}, status=200)
    assert maria("GET", f"{place}/{review['id']}")["state"] == "DISMISSED"
    maria("PUT", f"{place}/{review['id']}/dismissals", {"message": "again"}, status=422)
    (event,) = maria("GET", f"/issues/{pull['number']}/events")
    assert event["dismissed_review"]["dismissal_message"] == "too soon"


def test_nobody_approves_their_own(twin: Twin) -> None:
    maria = twin.as_("maria")
    own = maria("POST", "/pulls", {"title": "mine", "head": twin.branch(), "base": "main"}, status=201)
    maria("POST", f"/pulls/{own['number']}/reviews", {"event": "APPROVE"}, status=422)


def test_comments_stand_at_lines_of_the_diff(twin: Twin) -> None:
    pull = twin.pull(path="tally.py", content="def add(a: int, b: int) -> int:\n    return b + a\n")
    cogworks, place = twin.as_("cogworks"), f"/pulls/{pull['number']}"
    good = {"path": "tally.py", "line": 2, "body": "why?"}
    review = cogworks("POST", f"{place}/reviews", {"event": "COMMENT", "body": "one", "comments": [good]}, status=200)
    (comment,) = cogworks("GET", f"{place}/comments")
    assert (comment["line"], comment["pull_request_review_id"]) == (2, review["id"])
    assert comment["diff_hunk"].endswith("+    return b + a")
    for bad in ({**good, "line": 40}, {**good, "path": "none.py"}):
        cogworks("POST", f"{place}/reviews", {"event": "COMMENT", "body": "x", "comments": [bad]}, status=422)


def test_pull_requests_are_found_by_head_base_and_state(twin: Twin) -> None:
    maria, pull = twin.as_("maria"), twin.pull()
    found = maria("GET", f"/pulls?head=acme:{pull['head']['ref']}&state=all")
    assert [one["number"] for one in found] == [pull["number"]]
    maria("PATCH", f"/pulls/{pull['number']}", {"state": "closed"}, status=200)
    assert maria("GET", f"/pulls?head=acme:{pull['head']['ref']}") == []
    assert len(maria("GET", f"/pulls?head=acme:{pull['head']['ref']}&state=closed&base=main")) == 1
    maria("PATCH", f"/pulls/{pull['number']}", {"state": "open"}, status=200)


def test_compare_counts_and_lists(twin: Twin) -> None:
    maria, pull = twin.as_("maria"), twin.pull(path="compared.txt", content="a\nb\n")
    shown = maria("GET", f"/compare/main...{pull['head']['ref']}")
    assert (shown["status"], shown["ahead_by"], shown["behind_by"]) == ("ahead", 1, 0)
    (file,) = shown["files"]
    assert (file["filename"], file["status"], file["additions"]) == ("compared.txt", "added", 2)
    (same,) = maria("GET", f"/pulls/{pull['number']}/files")
    assert same["patch"] == "@@ -0,0 +1,2 @@\n+a\n+b"
    twin.write("elsewhere.txt", str(pull["number"]))
    assert maria("GET", f"/compare/main...{pull['head']['ref']}")["status"] == "diverged"
