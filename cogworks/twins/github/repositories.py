"""Repositories and their collaborators."""

import re
from dataclasses import replace

from cogworks.twins.github.call import Call, Place
from cogworks.twins.github.people import (
    PERMISSIONS,
    at_least,
    permission_of,
    profile_json,
    user_by_id,
    user_by_login,
    user_json,
)
from cogworks.twins.github.store import Row
from cogworks.twins.github.wire import Answer, JsonObject, invalid, not_found, text_of

_REPO_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
_PLAIN_LINKS = (
    "contributors", "deployments", "downloads", "events", "forks", "hooks", "languages", "merges", "stargazers",
    "subscribers", "subscription", "tags", "teams",
)  # fmt: skip
_TEMPLATE_LINKS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "statuses_url": "/statuses/{sha}",
    "trees_url": "/git/trees{/sha}",
}


def rights_json(permission: str) -> JsonObject:
    """Return a permission as the five flags of GitHub."""
    return {
        "admin": permission == "admin",
        "maintain": permission == "admin",
        "push": at_least(permission, "write"),
        "triage": at_least(permission, "triage"),
        "pull": at_least(permission, "read"),
    }


def repo_json(call: Call) -> JsonObject:
    """Return the repository of a call in the form that other things embed."""
    repo = call.repo
    api, page = call.repo_url, call.page_url
    open_issues = call.store.count("SELECT count(*) FROM issues WHERE repo_id = ? AND state = 'open'", repo["id"])
    return {
        "id": repo["id"],
        "node_id": f"R_{repo['id']}",
        "name": repo["full_name"].split("/")[1],
        "full_name": repo["full_name"],
        "private": True,
        "owner": user_json(call.urls, user_by_id(call.store, repo["owner_id"])),
        "html_url": page,
        "description": None,
        "fork": False,
        "url": api,
        **{f"{name}_url": f"{api}/{name}" for name in _PLAIN_LINKS},
        **{name: api + tail for name, tail in _TEMPLATE_LINKS.items()},
        "git_url": f"{page}.git",
        "ssh_url": f"{page}.git",
        "clone_url": f"{page}.git",
        "svn_url": page,
        "mirror_url": None,
        "homepage": None,
        "language": None,
        "license": None,
        "topics": [],
        "visibility": "private",
        "default_branch": repo["default_branch"],
        "size": 0,
        **dict.fromkeys(("forks", "forks_count", "stargazers_count", "watchers", "watchers_count"), 0),
        "open_issues": open_issues,
        "open_issues_count": open_issues,
        **dict.fromkeys(("has_issues", "has_projects", "has_downloads"), True),
        **dict.fromkeys(("has_wiki", "has_pages", "has_discussions", "archived", "disabled", "is_template"), False),
        "allow_forking": False,
        "web_commit_signoff_required": False,
        "created_at": repo["created_at"],
        "updated_at": repo["updated_at"],
        "pushed_at": repo["pushed_at"],
    }


def get_repo(call: Call) -> Answer:
    """GET R"""
    full = {
        **repo_json(call),
        "permissions": rights_json(call.permission),
        "network_count": 0,
        "subscribers_count": 0,
        "allow_merge_commit": True,
        "allow_squash_merge": True,
        "allow_rebase_merge": False,
        "allow_auto_merge": False,
        "delete_branch_on_merge": False,
    }
    return Answer(body=full)


def update_repo(call: Call) -> Answer:
    """PATCH R: another name or default branch."""
    call.people_only("administer the repository")
    owner, old_name = call.repo["full_name"].split("/")
    name = text_of(call.body, "name", resource="Repository") or old_name
    branch = text_of(call.body, "default_branch", resource="Repository") or call.repo["default_branch"]
    full_name = f"{owner}/{name}"
    if not _REPO_NAME.fullmatch(name):
        raise invalid("Repository", "name")
    if branch not in {
        row["name"] for row in call.store.all("SELECT name FROM branches WHERE repo_id = ?", call.repo["id"])
    }:
        raise invalid("Repository", "default_branch")
    if name != old_name:
        if call.store.one("SELECT 1 FROM repositories WHERE full_name = ?", full_name) is not None:
            raise invalid("Repository", "name", "custom", "name already exists on this account")
        call.store.run("DELETE FROM renames WHERE old_name = ?", full_name)
        call.store.run("INSERT OR REPLACE INTO renames VALUES (?, ?)", call.repo["full_name"], call.repo["id"])
    call.store.run(
        "UPDATE repositories SET full_name = ?, default_branch = ? WHERE id = ?", full_name, branch, call.repo["id"]
    )
    repo = call.store.need("SELECT * FROM repositories WHERE id = ?", call.repo["id"])
    return get_repo(replace(call, place=Place(repo=repo, git=call.git)))


def get_permission(call: Call) -> Answer:
    """GET R/collaborators/{username}/permission"""
    user = user_by_login(call.store, call.params["username"])
    if user is None or user["kind"] == "Organization":
        raise not_found()
    permission = permission_of(call.store, user, call.repo)
    # GitHub folds the roles without a level of their own into the next lower level.
    level = {"triage": "read"}.get(permission, permission)
    shown = {**user_json(call.urls, user), "permissions": rights_json(permission), "role_name": permission}
    return Answer(body={"permission": level, "role_name": permission, "user": shown})


def put_collaborator(call: Call) -> Answer:
    """PUT R/collaborators/{username}"""
    call.people_only("administer the repository")
    user = user_by_login(call.store, call.params["username"])
    if user is None:
        raise not_found()
    wanted = str(call.body.get("permission", "push"))
    permission = {"pull": "read", "push": "write"}.get(wanted, wanted)
    if permission not in PERMISSIONS:
        raise invalid("Collaborator", "permission")
    _set_permission(call, user, permission)
    return Answer(status=204)


def delete_collaborator(call: Call) -> Answer:
    """DELETE R/collaborators/{username}"""
    call.people_only("administer the repository")
    user = user_by_login(call.store, call.params["username"])
    if user is None:
        raise not_found()
    _set_permission(call, user, "none")
    return Answer(status=204)


def _set_permission(call: Call, user: Row, permission: str) -> None:
    call.store.run(
        "INSERT INTO collaborators VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET permission = excluded.permission",
        call.repo["id"], user["id"], permission,
    )  # fmt: skip


def get_self(call: Call) -> Answer:
    """GET /user"""
    return Answer(body=profile_json(call.urls, call.user))


def get_user(call: Call) -> Answer:
    """GET /users/{username}"""
    user = user_by_login(call.store, call.params["username"])
    if user is None:
        raise not_found()
    return Answer(body=profile_json(call.urls, user))


def get_rate_limit(call: Call) -> Answer:
    """GET /rate_limit"""
    core = call.limits.report(call.user["login"])
    resources = dict.fromkeys(("core", "search", "graphql"), core)
    return Answer(body={"resources": resources, "rate": core})
