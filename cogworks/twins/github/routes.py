"""The REST routes: one row each, with the permission it needs.

In the docstrings of handlers `R` stands for `/repos/{owner}/{repo}`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from cogworks.twins.github import (
    comments,
    commits,
    contents,
    families,
    history,
    issues,
    labels,
    merges,
    milestones,
    projects,
    pulls,
    refs,
    repositories,
    reviews,
)
from cogworks.twins.github.call import Call
from cogworks.twins.github.wire import Answer

Handler = Callable[[Call], Answer]

_REPO = "/repos/{owner}/{repo}"
_ISSUE = f"{_REPO}/issues/{{issue_number}}"
_PULL = f"{_REPO}/pulls/{{pull_number}}"
# These may hold slashes.
_LONG = {"path", "ref", "basehead", "branch", "tree_sha"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation: `needs` is the least permission, `denied` the status of a refusal, `grants` the token's part."""

    method: str
    template: str
    handler: Handler
    needs: str = "read"
    denied: int = 403
    grants: str = "metadata"
    content_write: bool = False
    pattern: re.Pattern[str]


def _route(
    method: str,
    template: str,
    handler: Handler,
    *,
    needs: str = "read",
    denied: int = 403,
    grants: str = "metadata",
    content_write: bool = False,
) -> Route:
    def group(found: re.Match[str]) -> str:
        name = found[1]
        return f"(?P<{name}>{'.*' if name in _LONG else '[^/]+'})"

    return Route(
        method=method,
        template=template,
        handler=handler,
        needs=needs,
        denied=denied,
        grants=grants,
        content_write=content_write,
        pattern=re.compile(re.sub(r"\{(\w+)\}", group, template) + "/?"),
    )


_ACCOUNTS = (
    _route("GET", "/user", repositories.get_self),
    _route("GET", "/users/{username}", repositories.get_user),
    _route("GET", "/rate_limit", repositories.get_rate_limit),
    _route("POST", "/graphql", projects.graphql),
    # where clients of a base `/api/v3` look for it
    _route("POST", "/api/graphql", projects.graphql),
    _route("GET", _REPO, repositories.get_repo),
    _route("PATCH", _REPO, repositories.update_repo, needs="admin"),
    _route("GET", f"{_REPO}/collaborators/{{username}}/permission", repositories.get_permission),
    _route("PUT", f"{_REPO}/collaborators/{{username}}", repositories.put_collaborator, needs="admin"),
    _route("DELETE", f"{_REPO}/collaborators/{{username}}", repositories.delete_collaborator, needs="admin"),
)
_ISSUES = tuple(
    _route(method, template, handler, needs=needs, grants="issues", content_write=content_write)
    for method, template, handler, needs, content_write in (
        ("GET", f"{_REPO}/issues", issues.list_issues, "read", False),
        ("POST", f"{_REPO}/issues", issues.create_issue, "read", True),
        ("GET", f"{_REPO}/issues/comments", comments.list_repo_comments, "read", False),
        ("GET", f"{_REPO}/issues/comments/{{comment_id}}", comments.get_comment, "read", False),
        ("PATCH", f"{_REPO}/issues/comments/{{comment_id}}", comments.update_comment, "read", False),
        ("DELETE", f"{_REPO}/issues/comments/{{comment_id}}", comments.delete_comment, "read", False),
        ("GET", f"{_REPO}/issues/comments/{{comment_id}}/reactions", comments.list_reactions, "read", False),
        ("POST", f"{_REPO}/issues/comments/{{comment_id}}/reactions", comments.add_reaction, "read", False),
        ("GET", f"{_REPO}/issues/events", history.list_repo_events, "read", False),
        ("GET", _ISSUE, issues.get_issue, "read", False),
        ("PATCH", _ISSUE, issues.update_issue, "read", False),
        ("PUT", f"{_ISSUE}/lock", issues.lock_issue, "write", False),
        ("DELETE", f"{_ISSUE}/lock", issues.unlock_issue, "write", False),
        ("GET", f"{_ISSUE}/comments", comments.list_comments, "read", False),
        ("POST", f"{_ISSUE}/comments", comments.create_comment, "read", True),
        ("GET", f"{_ISSUE}/events", history.list_issue_events, "read", False),
        ("GET", f"{_ISSUE}/sub_issues", families.list_sub_issues, "read", False),
        ("POST", f"{_ISSUE}/sub_issues", families.add_sub_issue, "triage", True),
        ("DELETE", f"{_ISSUE}/sub_issue", families.remove_sub_issue, "triage", False),
        ("GET", f"{_ISSUE}/parent", families.get_parent, "read", False),
        ("GET", f"{_ISSUE}/dependencies/blocked_by", families.list_blocked_by, "read", False),
        ("POST", f"{_ISSUE}/dependencies/blocked_by", families.add_blocked_by, "triage", True),
        ("DELETE", f"{_ISSUE}/dependencies/blocked_by/{{issue_id}}", families.remove_blocked_by, "triage", False),
        ("GET", f"{_ISSUE}/dependencies/blocking", families.list_blocking, "read", False),
    )
)
_LABELS = tuple(
    # GitHub documents no 403 here: who may not change labels does not find them.
    _route(method, template, handler, needs=needs, denied=404, grants="issues")
    for method, template, handler, needs in (
        ("GET", f"{_REPO}/labels", labels.list_labels, "read"),
        ("POST", f"{_REPO}/labels", labels.create_label, "write"),
        ("GET", f"{_REPO}/labels/{{name}}", labels.get_label, "read"),
        ("PATCH", f"{_REPO}/labels/{{name}}", labels.update_label, "write"),
        ("DELETE", f"{_REPO}/labels/{{name}}", labels.delete_label, "write"),
        ("GET", f"{_ISSUE}/labels", labels.list_issue_labels, "read"),
        ("POST", f"{_ISSUE}/labels", labels.add_issue_labels, "triage"),
        ("PUT", f"{_ISSUE}/labels", labels.set_issue_labels, "triage"),
        ("DELETE", f"{_ISSUE}/labels", labels.clear_issue_labels, "triage"),
        ("DELETE", f"{_ISSUE}/labels/{{name}}", labels.remove_issue_label, "triage"),
        ("GET", f"{_REPO}/milestones", milestones.list_milestones, "read"),
        ("POST", f"{_REPO}/milestones", milestones.create_milestone, "triage"),
        ("GET", f"{_REPO}/milestones/{{milestone_number}}", milestones.get_milestone, "read"),
        ("PATCH", f"{_REPO}/milestones/{{milestone_number}}", milestones.update_milestone, "triage"),
    )
)
_PULLS = tuple(
    _route(method, template, handler, needs=needs, grants="pull_requests", content_write=content_write)
    for method, template, handler, needs, content_write in (
        ("GET", f"{_REPO}/pulls", pulls.list_pulls, "read", False),
        ("POST", f"{_REPO}/pulls", pulls.create_pull, "write", True),
        ("GET", _PULL, pulls.get_pull, "read", False),
        ("PATCH", _PULL, pulls.update_pull, "read", False),
        ("GET", f"{_PULL}/commits", pulls.list_pull_commits, "read", False),
        ("GET", f"{_PULL}/files", pulls.list_pull_files, "read", False),
        ("GET", f"{_PULL}/merge", pulls.is_merged, "read", False),
        ("PUT", f"{_PULL}/merge", merges.merge_pull, "write", False),
        ("GET", f"{_PULL}/comments", reviews.list_review_comments, "read", False),
        ("POST", f"{_PULL}/comments", reviews.create_review_comment, "read", True),
        ("GET", f"{_PULL}/reviews", reviews.list_reviews, "read", False),
        ("POST", f"{_PULL}/reviews", reviews.create_review, "read", True),
        ("GET", f"{_PULL}/reviews/{{review_id}}", reviews.get_review, "read", False),
        ("GET", f"{_PULL}/reviews/{{review_id}}/comments", reviews.list_comments_of_review, "read", False),
        ("POST", f"{_PULL}/reviews/{{review_id}}/events", reviews.submit_review, "read", True),
        ("PUT", f"{_PULL}/reviews/{{review_id}}/dismissals", reviews.dismiss_review, "write", False),
    )
)
_CONTENTS = tuple(
    _route(method, template, handler, needs=needs, denied=denied, grants="contents")
    for method, template, handler, needs, denied in (
        ("GET", f"{_REPO}/contents", contents.get_contents, "read", 404),
        ("GET", f"{_REPO}/contents/{{path}}", contents.get_contents, "read", 404),
        ("PUT", f"{_REPO}/contents/{{path}}", contents.put_contents, "write", 404),
        ("DELETE", f"{_REPO}/contents/{{path}}", contents.delete_contents, "write", 404),
        ("GET", f"{_REPO}/git/ref/{{ref}}", refs.get_ref, "read", 404),
        ("GET", f"{_REPO}/git/matching-refs/{{ref}}", refs.list_matching_refs, "read", 404),
        ("POST", f"{_REPO}/git/refs", refs.create_ref, "write", 403),
        ("PATCH", f"{_REPO}/git/refs/{{ref}}", refs.update_ref, "write", 403),
        ("DELETE", f"{_REPO}/git/refs/{{ref}}", refs.delete_ref, "write", 403),
        ("GET", f"{_REPO}/git/trees/{{tree_sha}}", commits.get_tree, "read", 404),
        ("GET", f"{_REPO}/git/commits/{{commit_sha}}", commits.get_git_commit, "read", 404),
        ("GET", f"{_REPO}/git/blobs/{{file_sha}}", contents.get_blob, "read", 404),
        ("GET", f"{_REPO}/branches", refs.list_branches, "read", 404),
        ("GET", f"{_REPO}/branches/{{branch}}", refs.get_branch, "read", 404),
        ("GET", f"{_REPO}/compare/{{basehead}}", commits.compare, "read", 404),
        ("GET", f"{_REPO}/commits", commits.list_commits, "read", 404),
        ("GET", f"{_REPO}/commits/{{commit_sha}}/pulls", commits.list_commit_pulls, "read", 404),
        ("GET", f"{_REPO}/commits/{{ref}}", commits.get_commit, "read", 404),
    )
)
ROUTES = (*_ACCOUNTS, *_ISSUES, *_LABELS, *_PULLS, *_CONTENTS)


def find_route(method: str, raw_path: str) -> tuple[Route, dict[str, str]] | None:
    """Return the route of a request and what its path names, or None."""
    wanted = "GET" if method == "HEAD" else method
    for route in ROUTES:
        if route.method == wanted and (found := route.pattern.fullmatch(raw_path)):
            return route, {"path": "", **{name: unquote(value) for name, value in found.groupdict().items()}}
    return None
