"""Comments on issues and pull requests, and reactions to them."""

from cogworks.twins.github.announce import announce_comment
from cogworks.twins.github.call import Call, paged
from cogworks.twins.github.issue_view import REACTIONS, comment_json, issue_by_number, person_json
from cogworks.twins.github.store import Row, stamp
from cogworks.twins.github.wire import Answer, Refusal, invalid, long_text, not_found

_ORDERS = {
    ("created", "asc"): "SELECT * FROM comments WHERE repo_id = ? AND updated_at >= ? ORDER BY id",
    ("created", "desc"): "SELECT * FROM comments WHERE repo_id = ? AND updated_at >= ? ORDER BY id DESC",
    ("updated", "asc"): "SELECT * FROM comments WHERE repo_id = ? AND updated_at >= ? ORDER BY updated_at, id",
    ("updated", "desc"): (
        "SELECT * FROM comments WHERE repo_id = ? AND updated_at >= ? ORDER BY updated_at DESC, id DESC"
    ),
}


def list_comments(call: Call) -> Answer:
    """GET R/issues/{issue_number}/comments"""
    issue = issue_by_number(call, call.number("issue_number"))
    rows = call.store.all(
        "SELECT * FROM comments WHERE issue_id = ? AND updated_at >= ? ORDER BY id",
        issue["id"], call.query.get("since", ""),
    )  # fmt: skip
    return paged(call, rows, lambda comment: comment_json(call, comment))


def list_repo_comments(call: Call) -> Answer:
    """GET R/issues/comments"""
    # GitHub ignores the direction without a sort.
    order = (call.query["sort"], call.query.get("direction", "desc")) if "sort" in call.query else ("created", "asc")
    sql = _ORDERS.get(order)
    if sql is None:
        raise invalid("IssueComment", "sort")
    rows = call.store.all(sql, call.repo["id"], call.query.get("since", ""))
    return paged(call, rows, lambda comment: comment_json(call, comment))


def _need(call: Call) -> Row:
    row = call.store.one(
        "SELECT * FROM comments WHERE id = ? AND repo_id = ?", call.number("comment_id"), call.repo["id"]
    )
    if row is None:
        raise not_found()
    return row


def _need_as_editor(call: Call) -> Row:
    comment = _need(call)
    if comment["author_id"] != call.user["id"] and not call.may("write"):
        raise Refusal(403, "Must have admin rights to Repository.")
    return comment


def get_comment(call: Call) -> Answer:
    """GET R/issues/comments/{comment_id}"""
    return Answer(body=comment_json(call, _need(call)))


def create_comment(call: Call) -> Answer:
    """POST R/issues/{issue_number}/comments"""
    issue = issue_by_number(call, call.number("issue_number"))
    if issue["locked"] and (call.is_bot or not call.may("write")):
        raise Refusal(403, "Unable to create comment because issue is locked.")
    body = long_text(call.body, "body", resource="IssueComment", required=True)
    comment_id, now = call.store.new_id(), stamp()
    call.store.run(
        "INSERT INTO comments VALUES (?, ?, ?, ?, ?, ?, ?)",
        comment_id, call.repo["id"], issue["id"], call.user["id"], body, now, now,
    )  # fmt: skip
    call.store.run("UPDATE issues SET updated_at = ? WHERE id = ?", now, issue["id"])
    comment = call.store.need("SELECT * FROM comments WHERE id = ?", comment_id)
    announce_comment(call, comment, "created")
    shown = comment_json(call, comment)
    return Answer(status=201, body=shown, headers={"location": shown["url"]})


def update_comment(call: Call) -> Answer:
    """PATCH R/issues/comments/{comment_id}"""
    comment = _need_as_editor(call)
    issue = call.store.need("SELECT locked FROM issues WHERE id = ?", comment["issue_id"])
    if issue["locked"] and (call.is_bot or not call.may("write")):
        raise Refusal(403, "Unable to edit comment because issue is locked.")
    body = long_text(call.body, "body", resource="IssueComment", required=True)
    call.store.run("UPDATE comments SET body = ?, updated_at = ? WHERE id = ?", body, stamp(), comment["id"])
    changed = _need(call)
    announce_comment(call, changed, "edited", changes={"body": {"from": comment["body"]}})
    return Answer(body=comment_json(call, changed))


def delete_comment(call: Call) -> Answer:
    """DELETE R/issues/comments/{comment_id}"""
    comment = _need_as_editor(call)
    announce_comment(call, comment, "deleted")
    call.store.run("DELETE FROM comments WHERE id = ?", comment["id"])
    return Answer(status=204)


def list_reactions(call: Call) -> Answer:
    """GET R/issues/comments/{comment_id}/reactions"""
    comment = _need(call)
    rows = call.store.all("SELECT * FROM reactions WHERE comment_id = ? ORDER BY id", comment["id"])
    return paged(call, rows, lambda reaction: _reaction_json(call, reaction))


def add_reaction(call: Call) -> Answer:
    """POST R/issues/comments/{comment_id}/reactions"""
    comment, content = _need(call), call.body.get("content")
    if content not in REACTIONS:
        raise invalid("Reaction", "content")
    added = call.store.run(
        "INSERT OR IGNORE INTO reactions VALUES (?, ?, ?, ?, ?)",
        call.store.new_id(), comment["id"], call.user["id"], content, stamp(),
    )  # fmt: skip
    reaction = call.store.need(
        "SELECT * FROM reactions WHERE comment_id = ? AND user_id = ? AND content = ?",
        comment["id"], call.user["id"], content,
    )  # fmt: skip
    return Answer(status=201 if added else 200, body=_reaction_json(call, reaction))


def _reaction_json(call: Call, reaction: Row) -> dict[str, object]:
    return {
        "id": reaction["id"],
        "node_id": f"REA_{reaction['id']}",
        "user": person_json(call, reaction["user_id"]),
        "content": reaction["content"],
        "created_at": reaction["created_at"],
    }
