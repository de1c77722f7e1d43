"""How pull requests are found, measured and shown."""

from cogworks.twins.github.announce import announce
from cogworks.twins.github.bare import EMPTY_TREE
from cogworks.twins.github.call import Call
from cogworks.twins.github.diffs import FileChange, changed_files
from cogworks.twins.github.issue_view import association, labels_of, milestone_of, person_json
from cogworks.twins.github.people import user_by_id, user_json
from cogworks.twins.github.repositories import repo_json
from cogworks.twins.github.store import Row
from cogworks.twins.github.wire import JsonObject, not_found


def pull_by_number(call: Call, number: int) -> Row:
    """Return a pull request with its issue columns; its own id is `pull_id`."""
    row = call.store.one(_PULL + "WHERE issues.repo_id = ? AND number = ?", call.repo["id"], number)
    if row is None:
        raise not_found()
    return row


def pull_by_issue(call: Call, issue_id: int) -> Row:
    """Return a pull request by the id of its issue."""
    return call.store.need(_PULL + "WHERE issues.id = ?", issue_id)


_PULL = (
    "SELECT issues.*, pulls.id AS pull_id, head_ref, head_sha, base_ref, base_sha, draft, merged, merged_at, "
    "merged_by, merge_commit_sha, brought_history FROM issues JOIN pulls ON pulls.issue_id = issues.id "
)
PULLS_BY_NUMBER = _PULL + "WHERE issues.repo_id = ? ORDER BY number"


def base_tip(call: Call, pull: Row) -> str:
    """Return the commit that an open pull request would be merged into, or the one it was."""
    if pull["state"] == "open":
        row = call.store.one(
            "SELECT sha FROM branches WHERE repo_id = ? AND name = ?", call.repo["id"], pull["base_ref"]
        )
        if row is not None:
            return str(row["sha"])
    return str(pull["base_sha"])


def commits_of(call: Call, pull: Row) -> tuple[str, ...]:
    """Return the commits of a pull request, oldest first."""
    if pull["brought_history"]:
        return tuple(call.git.line("rev-list", "--reverse", pull["head_sha"]).split())
    return call.git.commits_between(base_tip(call, pull), pull["head_sha"])


def files_of(call: Call, pull: Row) -> tuple[FileChange, ...]:
    """Return the files that a pull request changes."""
    if pull["brought_history"]:
        return changed_files(call.git, EMPTY_TREE, pull["head_sha"])
    start = call.git.merge_base(base_tip(call, pull), pull["head_sha"])
    return changed_files(call.git, start or EMPTY_TREE, pull["head_sha"])


def mergeable(call: Call, pull: Row) -> bool | None:
    """Say whether git could merge an open pull request without conflict."""
    if pull["state"] != "open":
        return None
    return call.git.merged_tree(base_tip(call, pull), pull["head_sha"]) is not None


def _side(call: Call, ref: str, sha: str) -> JsonObject:
    owner = user_json(call.urls, user_by_id(call.store, call.repo["owner_id"]))
    return {"label": f"{owner['login']}:{ref}", "ref": ref, "sha": sha, "user": owner, "repo": repo_json(call)}


def _links(call: Call, pull: Row) -> dict[str, str]:
    number = pull["number"]
    api, issue_api = f"{call.repo_url}/pulls/{number}", f"{call.repo_url}/issues/{number}"
    return {
        "self": api,
        "html": f"{call.page_url}/pull/{number}",
        "issue": issue_api,
        "comments": f"{issue_api}/comments",
        "review_comments": f"{api}/comments",
        "review_comment": call.repo_url + "/pulls/comments{/number}",
        "commits": f"{api}/commits",
        "statuses": f"{call.repo_url}/statuses/{pull['head_sha']}",
    }


def pull_json(call: Call, pull: Row) -> JsonObject:
    """Return a pull request in the form that lists hold."""
    links = _links(call, pull)
    return {
        "url": links["self"],
        "id": pull["pull_id"],
        "node_id": f"PR_{pull['pull_id']}",
        "html_url": links["html"],
        "diff_url": f"{links['html']}.diff",
        "patch_url": f"{links['html']}.patch",
        "issue_url": links["issue"],
        **{f"{name}_url": links[name] for name in ("comments", "review_comments", "review_comment", "commits")},
        "statuses_url": links["statuses"],
        "number": pull["number"],
        "state": pull["state"],
        "locked": bool(pull["locked"]),
        "active_lock_reason": pull["lock_reason"],
        "title": pull["title"],
        "user": person_json(call, pull["author_id"]),
        "body": pull["body"],
        "labels": labels_of(call, pull["id"]),
        "milestone": milestone_of(call, pull),
        "created_at": pull["created_at"],
        "updated_at": pull["updated_at"],
        "closed_at": pull["closed_at"],
        "merged_at": pull["merged_at"],
        "merge_commit_sha": pull["merge_commit_sha"],
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [],
        "requested_teams": [],
        "head": _side(call, pull["head_ref"], pull["head_sha"]),
        "base": _side(call, pull["base_ref"], base_tip(call, pull)),
        "_links": {name: {"href": href} for name, href in links.items()},
        "author_association": association(call, pull["author_id"]),
        "auto_merge": None,
        "draft": bool(pull["draft"]),
    }


def full_pull_json(call: Call, pull: Row) -> JsonObject:
    """Return a pull request with what must be computed."""
    can_merge, files = mergeable(call, pull), files_of(call, pull)
    return {
        **pull_json(call, pull),
        "merged": bool(pull["merged"]),
        "mergeable": can_merge,
        "rebaseable": can_merge,
        "mergeable_state": _merge_state(pull, can_merge),
        "merged_by": person_json(call, pull["merged_by"]),
        "comments": call.store.count("SELECT count(*) FROM comments WHERE issue_id = ?", pull["id"]),
        "review_comments": call.store.count("SELECT count(*) FROM review_comments WHERE issue_id = ?", pull["id"]),
        "maintainer_can_modify": False,
        "commits": len(commits_of(call, pull)),
        "additions": sum(file.additions for file in files),
        "deletions": sum(file.deletions for file in files),
        "changed_files": len(files),
    }


def _merge_state(pull: Row, can_merge: bool | None) -> str:
    if can_merge is None:
        return "unknown"
    if pull["draft"]:
        return "draft"
    return "clean" if can_merge else "dirty"


def announce_pull(call: Call, issue_id: int, action: str, **more: object) -> None:
    """Deliver a `pull_request` event."""
    if not call.webhooks.wanted:
        return
    pull = pull_by_issue(call, issue_id)
    shown = {"number": pull["number"], "pull_request": full_pull_json(call, pull)}
    announce(call, "pull_request", {"action": action, **shown, **more})
