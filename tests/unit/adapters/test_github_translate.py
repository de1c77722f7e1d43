"""From recorded answers to model values, and from mutilated ones to ParseFailure (GH-50)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from cogworks.adapters import github_translate as translate
from cogworks.model.errors import ParseFailure
from cogworks.model.github import Comment, Issue, IssueEvent, Label, Limits, Pull, Repo, Review

AT = "2026-11-02T09:30:00Z"
THEN = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
MARIA = {"login": "maria", "id": 7, "type": "User", "site_admin": False}
BOT = {"login": "cogworks[bot]", "id": 8, "type": "Bot"}
MILESTONE = {"number": 3, "title": "v2.0", "state": "open"}
LABEL = {"id": 1, "name": "bug", "color": "d73a4a", "default": True, "description": None}
ISSUE: dict[str, Any] = {
    "id": 2100,
    "node_id": "I_2100",
    "number": 42,
    "title": "Totals are off",
    "body": None,
    "state": "open",
    "labels": [LABEL, "plain"],
    "user": MARIA,
    "milestone": MILESTONE,
    "updated_at": AT,
    "performed_via_github_app": None,
}
COMMENT: dict[str, Any] = {
    "id": 9,
    "body": "text",
    "user": BOT,
    "created_at": AT,
    "updated_at": AT,
    "issue_url": "https://api.github.com/repos/acme/tally/issues/42",
}
EVENT: dict[str, Any] = {
    "id": 5,
    "event": "labeled",
    "actor": MARIA,
    "created_at": AT,
    "issue": ISSUE,
    "label": {"name": "bug", "color": "d73a4a"},
}
PULL: dict[str, Any] = {
    "number": 43,
    "title": "Spec",
    "body": "b",
    "state": "closed",
    "head": {"ref": "cogworks/42/spec", "sha": "a" * 40, "repo": None},
    "base": {"ref": "main", "sha": "b" * 40},
    "user": BOT,
    "html_url": "https://github.com/acme/tally/pull/43",
    "merged_at": AT,
    "merged_by": MARIA,
}
REVIEW: dict[str, Any] = {"id": 6, "user": MARIA, "state": "APPROVED", "body": "", "submitted_at": AT}
REPO: dict[str, Any] = {
    "full_name": "acme/tally",
    "default_branch": "main",
    "permissions": {"admin": False, "maintain": False, "push": True, "triage": True, "pull": True},
}
RATE: dict[str, Any] = {"resources": {"core": {"limit": 5000, "remaining": 4990, "reset": 1762075800, "used": 10}}}
FILE: dict[str, Any] = {"type": "file", "encoding": "base64", "content": "aGVs\nbG8=\n", "size": 5}
_issue = Issue(
    id=2100,
    number=42,  # type: ignore[arg-type]  # plain numbers read better in a table
    title="Totals are off",
    body="",
    open=True,
    labels=("bug", "plain"),
    author="maria",
    milestone="v2.0",
    milestone_number=3,
    updated_at=THEN,
)
_pull = Pull(
    number=43,  # type: ignore[arg-type]
    title="Spec",
    body="b",
    open=False,
    merged=True,
    head="cogworks/42/spec",
    head_sha="a" * 40,  # type: ignore[arg-type]
    base="main",
    author="cogworks[bot]",
    url="https://github.com/acme/tally/pull/43",
    merged_by="maria",
)
_comment = Comment(id=9, author="cogworks[bot]", body="text", created_at=THEN, author_is_bot=True, issue=42)  # type: ignore[arg-type]
_event = IssueEvent(id=5, issue=42, kind="labeled", actor="maria", actor_is_bot=False, at=THEN, label="bug")  # type: ignore[arg-type]
_review = Review(id=6, author="maria", author_is_bot=False, state="APPROVED", body="", at=THEN)
_repo = Repo(name="acme/tally", default_branch="main", can_push=True, can_admin=False)  # type: ignore[arg-type]
_limits = Limits(limit=5000, remaining=4990, reset_at=datetime.fromtimestamp(1762075800, UTC))

ROWS: list[tuple[str, Callable[..., object], Any, object]] = [
    ("an issue", translate.issue, ISSUE, _issue),
    ("a comment with its issue", translate.comment, COMMENT, _comment),
    (
        "a comment that was changed",
        translate.comment,
        {**COMMENT, "updated_at": "2099-01-01T00:00:00Z"},
        replace(_comment, edited=True),
    ),
    ("an event", translate.event, EVENT, _event),
    ("an event of an issue that is gone", translate.event, {**EVENT, "issue": None}, None),
    ("a merged pull", translate.pull, PULL, _pull),
    ("a review", translate.review, REVIEW, _review),
    ("a repository", translate.repo, REPO, _repo),
    ("a label", translate.label, LABEL, Label(name="bug", color="d73a4a", description="")),
    ("limits", translate.limits, RATE, _limits),
    ("a file in lines", translate.file, FILE, b"hello"),
    ("a folder is no file", translate.file, [FILE], None),
    ("a submodule is no file", translate.file, {**FILE, "type": "submodule"}, None),
    ("a ref", translate.ref, {"ref": "refs/heads/x", "object": {"type": "commit", "sha": "c" * 40}}, "c" * 40),
    ("a fine role", translate.permission, {"permission": "write", "role_name": "maintain"}, "maintain"),
    ("a role of their own", translate.permission, {"permission": "read", "role_name": "auditor"}, "read"),
]


@pytest.mark.parametrize(("reason", "one", "body", "value"), ROWS, ids=[row[0] for row in ROWS])
def test_an_answer_becomes_a_value(reason: str, one: Callable[..., object], body: Any, value: object) -> None:
    assert one(body, operation="o", target="t") == value, reason


GHOSTS = [
    ("issue", translate.issue, ISSUE, "user", "author"),
    ("comment", translate.comment, COMMENT, "user", "author"),
    ("event", translate.event, EVENT, "actor", "actor"),
    ("review", translate.review, REVIEW, "user", "author"),
]


@pytest.mark.parametrize(("kind", "one", "body", "key", "field"), GHOSTS, ids=[row[0] for row in GHOSTS])
def test_a_deleted_account_is_the_ghost(
    kind: str, one: Callable[..., object], body: dict[str, Any], key: str, field: str
) -> None:
    assert getattr(one({**body, key: None}, operation="o", target="t"), field) == "ghost", kind


NEEDED = [
    (translate.issue, ISSUE, ["id", "number", "title", "body", "state", "labels", "user", "updated_at"]),
    (translate.comment, COMMENT, ["id", "body", "user", "created_at"]),
    (translate.event, EVENT, ["id", "event", "actor", "created_at"]),
    (translate.pull, PULL, ["number", "title", "body", "state", "head", "base", "user", "html_url", "merged_at"]),
    (translate.review, REVIEW, ["id", "user", "state", "body"]),
    (translate.repo, REPO, ["full_name", "default_branch"]),
    (translate.label, LABEL, ["name"]),
    (translate.limits, RATE, ["resources"]),
    (translate.file, FILE, ["type", "encoding", "content"]),
]


@pytest.mark.parametrize(
    ("one", "body", "field"),
    [(one, body, field) for one, body, fields in NEEDED for field in fields],
)
def test_a_missing_field_is_a_parse_failure_that_names_it(
    one: Callable[..., object], body: dict[str, Any], field: str
) -> None:
    cut = {name: value for name, value in body.items() if name != field}
    with pytest.raises(ParseFailure) as failed:
        one(cut, operation="issues.get", target="/repos/a/b")
    assert str(failed.value).startswith(f"issues.get /repos/a/b: field {field}")


@pytest.mark.parametrize(
    ("reason", "one", "body"),
    [
        ("an unknown state", translate.issue, {**ISSUE, "state": "asleep"}),
        ("a number that is none", translate.issue, {**ISSUE, "number": "many"}),
        ("no object at all", translate.issue, [1]),
        ("nothing", translate.pull, None),
        ("a permission nobody knows", translate.permission, {"permission": "emperor"}),
        ("a file too large for this route", translate.file, {**FILE, "encoding": "none", "content": ""}),
        ("a file that is not base64", translate.file, {**FILE, "content": "a"}),
    ],
)
def test_a_misshapen_answer_is_a_parse_failure(reason: str, one: Callable[..., object], body: Any) -> None:
    with pytest.raises(ParseFailure, match="op tgt: field"):
        one(body, operation="op", target="tgt")


def test_a_list_is_translated_whole() -> None:
    assert translate.each(translate.issue, [ISSUE, ISSUE], operation="o", target="t") == (_issue, _issue)
    with pytest.raises(ParseFailure, match="not a list"):
        translate.each(translate.issue, ISSUE, operation="o", target="t")
