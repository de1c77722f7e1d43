"""How issues, labels, milestones and comments are found and shown."""

from cogworks.twins.github.call import Call
from cogworks.twins.github.people import association_of, user_by_id, user_json
from cogworks.twins.github.store import Row
from cogworks.twins.github.wire import JsonObject, not_found

REACTIONS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes")
_DEFAULT_LABELS = {
    "bug", "documentation", "duplicate", "enhancement", "good first issue", "help wanted", "invalid", "question",
    "wontfix",
}  # fmt: skip


def issue_by_number(call: Call, number: int) -> Row:
    """Return an issue or pull request of the repository; 404 when there is none."""
    row = call.store.one("SELECT * FROM issues WHERE repo_id = ? AND number = ?", call.repo["id"], number)
    if row is None:
        raise not_found()
    return row


def person_json(call: Call, user_id: int | None) -> JsonObject | None:
    """Return an account by id, or None."""
    return None if user_id is None else user_json(call.urls, user_by_id(call.store, user_id))


def label_json(call: Call, label: Row) -> JsonObject:
    """Return one label."""
    return {
        "id": label["id"],
        "node_id": f"LA_{label['id']}",
        "url": f"{call.repo_url}/labels/{label['name']}",
        "name": label["name"],
        "color": label["color"],
        "default": label["name"].lower() in _DEFAULT_LABELS,
        "description": label["description"],
        "archived_at": None,
        "archived_by": None,
    }


def labels_of(call: Call, issue_id: int) -> list[JsonObject]:
    """Return the labels of an issue in the order they were put on."""
    rows = call.store.all(
        "SELECT labels.* FROM issue_labels JOIN labels ON labels.id = label_id WHERE issue_id = ? "
        "ORDER BY issue_labels.rowid",
        issue_id,
    )
    return [label_json(call, row) for row in rows]


def milestone_json(call: Call, milestone: Row) -> JsonObject:
    """Return one milestone."""
    counts = call.store.need(
        "SELECT total(state = 'open') AS open, total(state = 'closed') AS closed FROM issues WHERE milestone_id = ?",
        milestone["id"],
    )
    api = f"{call.repo_url}/milestones/{milestone['number']}"
    return {
        "url": api,
        "html_url": f"{call.page_url}/milestone/{milestone['number']}",
        "labels_url": f"{api}/labels",
        "id": milestone["id"],
        "node_id": f"MI_{milestone['id']}",
        "number": milestone["number"],
        "state": milestone["state"],
        "title": milestone["title"],
        "description": milestone["description"],
        "creator": person_json(call, milestone["creator_id"]),
        "open_issues": int(counts["open"]),
        "closed_issues": int(counts["closed"]),
        "created_at": milestone["created_at"],
        "updated_at": milestone["updated_at"],
        "closed_at": milestone["closed_at"],
        "due_on": milestone["due_on"],
    }


def milestone_of(call: Call, issue: Row) -> JsonObject | None:
    """Return the milestone of an issue, or None."""
    if issue["milestone_id"] is None:
        return None
    return milestone_json(call, call.store.need("SELECT * FROM milestones WHERE id = ?", issue["milestone_id"]))


def association(call: Call, user_id: int) -> str:
    """Return how GitHub describes the author of something."""
    return association_of(call.store, user_by_id(call.store, user_id), call.repo)


def issue_json(call: Call, issue: Row) -> JsonObject:
    """Return an issue, or a pull request in its form as an issue."""
    api = f"{call.repo_url}/issues/{issue['number']}"
    kind = "pull" if issue["is_pull"] else "issues"
    shown = {
        "url": api,
        "repository_url": call.repo_url,
        "labels_url": api + "/labels{/name}",
        "comments_url": f"{api}/comments",
        "events_url": f"{api}/events",
        "timeline_url": f"{api}/timeline",
        "html_url": f"{call.page_url}/{kind}/{issue['number']}",
        "id": issue["id"],
        "node_id": f"I_{issue['id']}",
        "number": issue["number"],
        "title": issue["title"],
        "user": person_json(call, issue["author_id"]),
        "labels": labels_of(call, issue["id"]),
        "state": issue["state"],
        "state_reason": issue["state_reason"],
        "locked": bool(issue["locked"]),
        "active_lock_reason": issue["lock_reason"],
        "assignee": None,
        "assignees": [],
        "milestone": milestone_of(call, issue),
        "comments": call.store.count("SELECT count(*) FROM comments WHERE issue_id = ?", issue["id"]),
        "created_at": issue["created_at"],
        "updated_at": issue["updated_at"],
        "closed_at": issue["closed_at"],
        "closed_by": person_json(call, issue["closed_by"]),
        "author_association": association(call, issue["author_id"]),
        "body": issue["body"],
        "reactions": {"url": f"{api}/reactions", "total_count": 0, **dict.fromkeys(REACTIONS, 0)},
        "performed_via_github_app": None,
    }
    return {**shown, **(_pull_part(call, issue) if issue["is_pull"] else _family_part(call, issue))}


def _pull_part(call: Call, issue: Row) -> JsonObject:
    pull = call.store.need("SELECT * FROM pulls WHERE issue_id = ?", issue["id"])
    page = f"{call.page_url}/pull/{issue['number']}"
    return {
        "draft": bool(pull["draft"]),
        "pull_request": {
            "url": f"{call.repo_url}/pulls/{issue['number']}",
            "html_url": page,
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            "merged_at": pull["merged_at"],
        },
    }


def _family_part(call: Call, issue: Row) -> JsonObject:
    children = call.store.need(
        "SELECT count(*) AS total, total(state = 'closed') AS completed FROM sub_issues "
        "JOIN issues ON issues.id = child_id WHERE parent_id = ?",
        issue["id"],
    )
    blocked = call.store.need(
        "SELECT count(*) AS total, total(state = 'open') AS open FROM dependencies "
        "JOIN issues ON issues.id = blocking_id WHERE blocked_id = ?",
        issue["id"],
    )
    blocking = call.store.need(
        "SELECT count(*) AS total, total(state = 'open') AS open FROM dependencies "
        "JOIN issues ON issues.id = blocked_id WHERE blocking_id = ?",
        issue["id"],
    )
    parent = call.store.one(
        "SELECT number FROM sub_issues JOIN issues ON issues.id = parent_id WHERE child_id = ?", issue["id"]
    )
    total, completed = children["total"], int(children["completed"])
    return {
        "sub_issues_summary": {
            "total": total,
            "completed": completed,
            "percent_completed": 100 * completed // total if total else 0,
        },
        "issue_dependencies_summary": {
            "blocked_by": int(blocked["open"]),
            "total_blocked_by": blocked["total"],
            "blocking": int(blocking["open"]),
            "total_blocking": blocking["total"],
        },
        "parent_issue_url": f"{call.repo_url}/issues/{parent['number']}" if parent else None,
    }


def comment_json(call: Call, comment: Row) -> JsonObject:
    """Return one issue comment."""
    issue = call.store.need("SELECT number, is_pull FROM issues WHERE id = ?", comment["issue_id"])
    api = f"{call.repo_url}/issues/comments/{comment['id']}"
    kind = "pull" if issue["is_pull"] else "issues"
    counts = {
        row["content"]: row["count"]
        for row in call.store.all(
            "SELECT content, count(*) AS count FROM reactions WHERE comment_id = ? GROUP BY content", comment["id"]
        )
    }
    return {
        "id": comment["id"],
        "node_id": f"IC_{comment['id']}",
        "url": api,
        "html_url": f"{call.page_url}/{kind}/{issue['number']}#issuecomment-{comment['id']}",
        "issue_url": f"{call.repo_url}/issues/{issue['number']}",
        "user": person_json(call, comment["author_id"]),
        "body": comment["body"],
        "created_at": comment["created_at"],
        "updated_at": comment["updated_at"],
        "author_association": association(call, comment["author_id"]),
        "performed_via_github_app": None,
        "reactions": {
            "url": f"{api}/reactions",
            "total_count": sum(counts.values()),
            **{content: counts.get(content, 0) for content in REACTIONS},
        },
    }
