"""Holds REST answers to GitHub's own description of its API, by the published models.

`check_answer` returns what is wrong with one answer; `check_recording` does so for a file that the twin wrote
(`--record FILE` or the environment variable COGWORKS_TWIN_RECORD).
"""

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from githubkit_schemas.v2026_03_10 import models
from pydantic import TypeAdapter, ValidationError

_R = r"/repos/[^/]+/[^/]+"
_I = rf"{_R}/issues/\d+"
_P = rf"{_R}/pulls/\d+"
_EVENTS = list[
    models.LabeledIssueEvent
    | models.UnlabeledIssueEvent
    | models.MilestonedIssueEvent
    | models.DemilestonedIssueEvent
    | models.RenamedIssueEvent
    | models.ReviewDismissedIssueEvent
    | models.LockedIssueEvent
    | models.StateChangeIssueEvent
]
_CONTENTS = models.ContentFile | list[models.ContentDirectoryItems]
_NOTHING = None

# method, path, the documented good statuses, the model of their body
_OPERATIONS: tuple[tuple[str, str, set[int], Any], ...] = (
    ("POST", "(/api)?/graphql", {200}, dict[str, Any]),
    ("GET", "/user", {200}, models.PrivateUser | models.PublicUser),
    ("GET", "/users/[^/]+", {200}, models.PrivateUser | models.PublicUser),
    ("GET", "/rate_limit", {200}, models.RateLimitOverview),
    ("GET|PATCH", _R, {200}, models.FullRepository),
    ("GET", rf"{_R}/collaborators/[^/]+/permission", {200}, models.RepositoryCollaboratorPermission),
    ("PUT|DELETE", rf"{_R}/collaborators/[^/]+", {204}, _NOTHING),
    ("GET", rf"{_R}/issues", {200}, list[models.Issue]),
    ("POST", rf"{_R}/issues", {201}, models.Issue),
    ("GET", rf"{_R}/issues/comments", {200}, list[models.IssueComment]),
    ("GET|PATCH", rf"{_R}/issues/comments/\d+", {200}, models.IssueComment),
    ("DELETE", rf"{_R}/issues/comments/\d+", {204}, _NOTHING),
    ("GET", rf"{_R}/issues/comments/\d+/reactions", {200}, list[models.Reaction]),
    ("POST", rf"{_R}/issues/comments/\d+/reactions", {200, 201}, models.Reaction),
    ("GET", rf"{_R}/issues/events", {200}, list[models.IssueEvent]),
    ("GET|PATCH", _I, {200}, models.Issue),
    ("PUT|DELETE", rf"{_I}/lock", {204}, _NOTHING),
    ("GET", rf"{_I}/comments", {200}, list[models.IssueComment]),
    ("POST", rf"{_I}/comments", {201}, models.IssueComment),
    ("GET", rf"{_I}/events", {200}, _EVENTS),
    ("GET", rf"{_I}/(sub_issues|dependencies/block(ed_by|ing))", {200}, list[models.Issue]),
    ("POST", rf"{_I}/(sub_issues|dependencies/blocked_by)", {201}, models.Issue),
    ("DELETE", rf"{_I}/(sub_issue|dependencies/blocked_by/\d+)", {200}, models.Issue),
    ("GET", rf"{_I}/parent", {200}, models.Issue),
    ("GET|POST|PUT", rf"{_I}/labels", {200}, list[models.Label]),
    ("DELETE", rf"{_I}/labels", {204}, _NOTHING),
    ("DELETE", rf"{_I}/labels/[^/]+", {200}, list[models.Label]),
    ("GET", rf"{_R}/labels", {200}, list[models.Label]),
    ("POST", rf"{_R}/labels", {201}, models.Label),
    ("GET|PATCH", rf"{_R}/labels/[^/]+", {200}, models.Label),
    ("DELETE", rf"{_R}/labels/[^/]+", {204}, _NOTHING),
    ("GET", rf"{_R}/milestones", {200}, list[models.Milestone]),
    ("POST", rf"{_R}/milestones", {201}, models.Milestone),
    ("GET|PATCH", rf"{_R}/milestones/\d+", {200}, models.Milestone),
    ("GET", rf"{_R}/pulls", {200}, list[models.PullRequestSimple]),
    ("POST", rf"{_R}/pulls", {201}, models.PullRequest),
    ("GET|PATCH", _P, {200}, models.PullRequest),
    ("GET", rf"{_P}/commits", {200}, list[models.Commit]),
    ("GET", rf"{_P}/files", {200}, list[models.DiffEntry]),
    ("GET", rf"{_P}/merge", {204}, _NOTHING),
    ("PUT", rf"{_P}/merge", {200}, models.PullRequestMergeResult),
    ("GET", rf"{_P}/comments", {200}, list[models.PullRequestReviewComment]),
    ("POST", rf"{_P}/comments", {201}, models.PullRequestReviewComment),
    ("GET", rf"{_P}/reviews", {200}, list[models.PullRequestReview]),
    ("POST", rf"{_P}/reviews", {200}, models.PullRequestReview),
    ("GET", rf"{_P}/reviews/\d+", {200}, models.PullRequestReview),
    ("GET", rf"{_P}/reviews/\d+/comments", {200}, list[models.ReviewComment]),
    ("POST", rf"{_P}/reviews/\d+/events", {200}, models.PullRequestReview),
    ("PUT", rf"{_P}/reviews/\d+/dismissals", {200}, models.PullRequestReview),
    ("GET", rf"{_R}/contents(/.*)?", {200}, _CONTENTS),
    ("PUT", rf"{_R}/contents/.*", {200, 201}, models.FileCommit),
    ("DELETE", rf"{_R}/contents/.*", {200}, models.FileCommit),
    ("GET", rf"{_R}/git/ref/.*", {200}, models.GitRef),
    ("GET", rf"{_R}/git/matching-refs/.*", {200}, list[models.GitRef]),
    ("POST", rf"{_R}/git/refs", {201}, models.GitRef),
    ("PATCH", rf"{_R}/git/refs/.*", {200}, models.GitRef),
    ("DELETE", rf"{_R}/git/refs/.*", {204}, _NOTHING),
    ("GET", rf"{_R}/git/trees/.*", {200}, models.GitTree),
    ("GET", rf"{_R}/git/commits/[^/]+", {200}, models.GitCommit),
    ("GET", rf"{_R}/git/blobs/[^/]+", {200}, models.Blob),
    ("GET", rf"{_R}/branches", {200}, list[models.ShortBranch]),
    ("GET", rf"{_R}/branches/.*", {200}, models.BranchWithProtection),
    ("GET", rf"{_R}/compare/.*", {200}, models.CommitComparison),
    ("GET", rf"{_R}/commits", {200}, list[models.Commit]),
    ("GET", rf"{_R}/commits/[^/]+/pulls", {200}, list[models.PullRequestSimple]),
    ("GET", rf"{_R}/commits/.*", {200}, models.Commit),
)
_REFUSALS = {301, 307, 400, 401, 403, 404, 405, 409, 410, 422, 429, 500, 502, 503}


def check_answer(method: str, path: str, status: int, body: Any) -> list[str]:
    """Return what is wrong with one answer, empty when it conforms; `body` is the parsed JSON, None without one."""
    where = f"{method} {path} {status}"
    bare = re.sub(r"^/api/v3(?=/)", "", path.partition("?")[0]).rstrip("/")
    bare = re.sub(r"^/repositories/\d+", "/repos/by/id", bare)
    if status == 304 or method == "HEAD":
        return [] if body is None else [f"{where}: has a body"]
    if status in _REFUSALS:
        return _problems(where, _refusal_model(status), body)
    for methods, pattern, statuses, model in _OPERATIONS:
        if method in methods.split("|") and re.fullmatch(pattern, bare):
            if status not in statuses:
                return [f"{where}: the documented statuses are {sorted(statuses)}"]
            return _problems(where, model, body)
    return [f"{where}: no such operation is described"]


def check_recording(path: Path) -> list[str]:
    """Return what is wrong with the exchanges that a twin recorded."""
    return [problem for exchange in recorded(path) for problem in check_answer(**exchange)]


def recorded(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the recorded exchanges: method, path, status, body."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _refusal_model(status: int) -> Any:
    if status == 422:
        return models.ValidationError | models.ValidationErrorSimple
    return models.BasicError


@lru_cache(maxsize=256)
def _adapter(model: Any) -> TypeAdapter[Any]:
    return TypeAdapter(model)


def _problems(where: str, model: Any, body: Any) -> list[str]:
    if model is None:
        return [] if body is None else [f"{where}: has a body"]
    if model is models.BasicError and not (isinstance(body, dict) and body.get("message")):
        return [f"{where}: a refusal has a message"]
    if body is None and "/contents/" in where:
        # asked for raw: there is no JSON to hold to anything
        return []
    try:
        _adapter(model).validate_json(json.dumps(body), strict=True)
    except ValidationError as error:
        return [f"{where}: {_place(detail['loc'])}: {detail['msg']}" for detail in error.errors(include_url=False)[:8]]
    return []


def _place(parts: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in parts) or "the answer"
