"""What the twin refuses, as GitHub does (GH-03, GH-52), and whom."""

from typing import Any

import httpx
import pytest
from github_twin_process import REPO, Twin


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "reason"),
    [
        ("POST", "/issues", {"title": "t", "body": "x" * 65_537}, 422, "a body holds 65,536 characters"),
        ("POST", "/issues", {"title": "t", "body": "x" * 65_536}, 201, "and not one less"),
        ("POST", "/issues", {"body": "no title"}, 422, "an issue has a title"),
        ("POST", "/issues", {"title": "t" * 257}, 422, "a title holds 256 characters"),
        ("POST", "/issues", {"title": "t", "milestone": 99}, 422, "a milestone exists"),
        ("POST", "/issues/1/comments", {"body": "x" * 65_537}, 422, "so does a comment"),
        ("POST", "/issues/1/comments", {"body": ""}, 422, "a comment says something"),
        ("POST", "/issues/9999/comments", {"body": "x"}, 404, "no such issue"),
        ("POST", "/labels", {"name": "x" * 51, "color": "ededed"}, 422, "a label name holds 50 characters"),
        ("POST", "/labels", {"name": "a,b", "color": "ededed"}, 422, "a comma divides names"),
        ("POST", "/labels", {"name": "", "color": "ededed"}, 422, "a label has a name"),
        ("POST", "/labels", {"name": "BUG", "color": "ededed"}, 422, "names are equal whatever their case"),
        ("POST", "/labels", {"name": "fine", "color": "red"}, 422, "a colour is six hex digits"),
        ("POST", "/issues/1/labels", {"labels": ["x" * 51]}, 422, "label rules hold on issues too"),
        ("DELETE", "/issues/1/labels/never-there", None, 404, "a label that is not on the issue"),
        ("POST", "/issues/1/sub_issues", {"sub_issue_id": 2}, 404, "a number is not a database id"),
        ("POST", "/issues/1/sub_issues", {}, 422, "an id is needed"),
        ("POST", "/issues/1/dependencies/blocked_by", {"issue_id": 2}, 404, "neither is it here"),
        ("GET", "/issues/1/parent", None, 404, "no parent"),
        ("POST", "/pulls", {"title": "t", "head": "none", "base": "main"}, 422, "the head exists"),
        ("POST", "/pulls", {"title": "t", "head": "main", "base": "main"}, 422, "no commits between"),
        ("GET", "/git/ref/heads/none", None, 404, "no such branch"),
        ("GET", "/contents/none.txt", None, 404, "no such file"),
        ("GET", "/contents/../seed.toml", None, 404, "paths stay inside"),
        ("GET", "/contents/tally.py?ref=none", None, 404, "no such ref"),
        ("GET", "/compare/main...none", None, 404, "no such head"),
        ("GET", "/commits/none", None, 422, "no such commit"),
        ("GET", "/no/such/route", None, 404, "no such route"),
        ("GET", "/issues/99999999999999999999", None, 404, "no such number"),
        ("PATCH", "/issues/1", {"state": "gone"}, 422, "issues are open or closed"),
    ],
)
def test_a_rule_of_github(twin: Twin, method: str, path: str, body: Any, status: int, reason: str) -> None:
    twin.as_("cogworks")(method, path, body, status=status)


_PEOPLE = ("boss", "maria", "tina", "guest", "stranger")


@pytest.mark.parametrize(
    ("method", "path", "body", "statuses"),
    [
        # one status each for admin, write, triage, read, none
        ("GET", "", None, (200, 200, 200, 200, 404)),
        ("POST", "/issues", {"title": "t"}, (201, 201, 201, 201, 404)),
        ("POST", "/issues/1/comments", {"body": "b"}, (201, 201, 201, 201, 404)),
        ("PATCH", "/issues/2", {"title": "Second"}, (200, 200, 200, 403, 404)),
        ("POST", "/issues/1/labels", {"labels": ["bug"]}, (200, 200, 200, 404, 404)),
        ("PATCH", "/labels/bug", {"color": "d73a4a"}, (200, 200, 404, 404, 404)),
        ("PUT", "/issues/2/lock", {}, (204, 204, 403, 403, 404)),
        ("POST", "/pulls", {"title": "t", "head": "none", "base": "main"}, (422, 422, 403, 403, 404)),
        ("PUT", "/pulls/3/merge", {}, (405, 405, 403, 403, 404)),
        ("PUT", "/contents/x.txt", {"message": "m", "content": "!"}, (422, 422, 404, 404, 404)),
        ("DELETE", "/git/refs/heads/none", None, (422, 422, 403, 403, 404)),
        ("PUT", "/collaborators/tina", {"permission": "triage"}, (204, 403, 403, 403, 404)),
        ("GET", "/collaborators/tina/permission", None, (200, 200, 200, 200, 404)),
    ],
)
def test_each_person_may_do_what_their_permission_allows(
    twin: Twin, method: str, path: str, body: Any, statuses: tuple[int, ...]
) -> None:
    actual = {login: twin.as_(login).answer(method, path, body)[0].status_code for login in _PEOPLE}
    twin.as_("boss")("DELETE", "/issues/2/lock")
    assert actual == dict(zip(_PEOPLE, statuses, strict=True))


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({}, "Requires authentication"),
        ({"authorization": "Bearer nonsense"}, "Bad credentials"),
        ({"authorization": "Basic !!!"}, "Bad credentials"),
    ],
)
def test_nobody_without_a_token(twin: Twin, headers: dict[str, str], message: str) -> None:
    answer = httpx.get(twin.url + REPO, headers=headers)
    assert (answer.status_code, answer.json()["message"]) == (401, message)


@pytest.mark.parametrize("scheme", ["token", "Bearer"])
def test_both_ways_of_carrying_a_token(twin: Twin, scheme: str) -> None:
    headers = {"authorization": f"{scheme} {twin.tokens['maria']}"}
    assert httpx.get(f"{twin.url}/user", headers=headers).json()["login"] == "maria"


@pytest.mark.parametrize(
    ("method", "path", "body", "named"),
    [
        ("PUT", "/pulls/{n}/merge", {}, "merge a pull request"),
        ("POST", "/pulls/{n}/reviews", {"event": "APPROVE"}, "approve a pull request"),
        ("POST", "/pulls/{n}/reviews", {"event": "REQUEST_CHANGES", "body": "no"}, "request changes"),
        ("PATCH", "/pulls/{n}", {"state": "closed"}, "close or reopen a pull request"),
        ("DELETE", "/git/refs/heads/{head}", None, "delete a branch"),
        ("PATCH", "/git/refs/heads/{head}", {"sha": "{sha}", "force": True}, "force-push"),
    ],
)
def test_what_cogworks_itself_may_never_do_is_refused_and_noted(
    twin: Twin, method: str, path: str, body: Any, named: str
) -> None:
    pull = twin.pull()
    words = {"{n}": str(pull["number"]), "{head}": pull["head"]["ref"], "{sha}": pull["base"]["sha"]}
    for word, value in words.items():
        path = path.replace(word, value)
        body = {key: value if entry == word else entry for key, entry in body.items()} if body else body
    twin.as_("cogworks")(method, path, body, status=403)
    assert twin.control("GET", "violations")["violations"][-1]["violation"] == named
    assert twin.as_("maria")("GET", f"/pulls/{pull['number']}")["state"] == "open"


def test_a_second_open_pull_request_on_one_head_is_refused(twin: Twin) -> None:
    pull = twin.pull()
    again = {"title": "again", "head": pull["head"]["ref"], "base": "main"}
    refused = twin.as_("cogworks")("POST", "/pulls", again, status=422)
    assert refused["errors"][0]["message"] == f"A pull request already exists for acme:{pull['head']['ref']}."


def test_an_issue_has_one_parent_and_a_parent_a_hundred_children(twin: Twin) -> None:
    cogworks, parent, other = twin.as_("cogworks"), twin.issue("parent"), twin.issue("other")
    place = f"/issues/{parent['number']}/sub_issues"
    children = [twin.issue(f"child {n}") for n in range(101)]
    for child in children[:100]:
        cogworks("POST", place, {"sub_issue_id": child["id"]}, status=201)
    cogworks("POST", place, {"sub_issue_id": children[100]["id"]}, status=422)
    cogworks("POST", f"/issues/{other['number']}/sub_issues", {"sub_issue_id": children[0]["id"]}, status=422)
    assert cogworks("GET", f"/issues/{children[0]['number']}/parent")["number"] == parent["number"]
    assert cogworks("GET", f"/issues/{parent['number']}")["sub_issues_summary"]["total"] == 100
    cogworks("POST", f"/issues/{children[0]['number']}/sub_issues", {"sub_issue_id": parent["id"]}, status=422)


def test_a_token_can_be_granted_less_than_its_owner(twin: Twin) -> None:
    twin.control("POST", "permissions", {"login": "cogworks", "grants": {"issues": "write", "pull_requests": "read"}})
    try:
        cogworks = twin.as_("cogworks")
        cogworks("GET", "/pulls", status=200)
        cogworks("POST", "/issues", {"title": "t"}, status=201)
        cogworks("GET", "/contents/tally.py", status=403)
        answer, body = cogworks.answer("POST", "/pulls", {"title": "t", "head": "h", "base": "main"}, status=403)
        assert body["message"] == "Resource not accessible by integration"
        assert answer.headers["x-accepted-github-permissions"] == "pull_requests=write"
    finally:
        twin.control("POST", "permissions", {"login": "cogworks", "grants": None})


def test_a_locked_issue_takes_no_comment_of_cogworks(twin: Twin) -> None:
    number = twin.issue()["number"]
    twin.as_("maria")("PUT", f"/issues/{number}/lock", {"lock_reason": "resolved"}, status=204)
    twin.as_("cogworks")("POST", f"/issues/{number}/comments", {"body": "b"}, status=403)
    twin.as_("maria")("POST", f"/issues/{number}/comments", {"body": "b"}, status=201)
