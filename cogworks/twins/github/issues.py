"""Issues: open, read, search by filter, edit, close."""

from collections.abc import Sequence

from cogworks.twins.github.announce import announce_issue
from cogworks.twins.github.call import Call, paged
from cogworks.twins.github.history import record
from cogworks.twins.github.issue_view import issue_by_number, issue_json
from cogworks.twins.github.labels import names_in, put_on, replace_all
from cogworks.twins.github.milestones import find_milestone
from cogworks.twins.github.store import Row, stamp
from cogworks.twins.github.wire import (
    Answer,
    JsonObject,
    Refusal,
    invalid,
    long_text,
    number_of,
    required_text,
    text_of,
)

TITLE_LIMIT_CHARACTERS = 256
_ORDERS = {
    ("created", "asc"): "SELECT * FROM issues WHERE repo_id = ? ORDER BY id",
    ("created", "desc"): "SELECT * FROM issues WHERE repo_id = ? ORDER BY id DESC",
    ("updated", "asc"): "SELECT * FROM issues WHERE repo_id = ? ORDER BY updated_at, id",
    ("updated", "desc"): "SELECT * FROM issues WHERE repo_id = ? ORDER BY updated_at DESC, id DESC",
}


def title_in(body: JsonObject) -> str:
    """Return the title of an issue or pull request, checked."""
    title = required_text(body, "title", resource="Issue")
    if len(title) > TITLE_LIMIT_CHARACTERS:
        message = f"title is too long (maximum is {TITLE_LIMIT_CHARACTERS} characters)"
        raise invalid("Issue", "title", "custom", message)
    return title


def add_issue_row(call: Call, title: str, body: str | None, *, is_pull: bool = False) -> Row:
    """Add an open issue by the caller under the next number."""
    issue_id, now = call.store.new_id(), stamp()
    call.store.run(
        "INSERT INTO issues (id, repo_id, number, title, body, author_id, created_at, updated_at, is_pull) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        issue_id, call.repo["id"], call.store.new_number(call.repo["id"]), title, body, call.user["id"], now, now,
        is_pull,
    )  # fmt: skip
    return call.store.need("SELECT * FROM issues WHERE id = ?", issue_id)


def open_issue(
    call: Call, title: str, body: str | None, *, labels: Sequence[str] = (), milestone: Row | None = None
) -> Row:
    """Open an issue by the caller with its labels and milestone."""
    issue = add_issue_row(call, title, body)
    announce_issue(call, issue["id"], "opened")
    for name in labels:
        put_on(call, issue["id"], name)
    if milestone is not None:
        set_milestone(call, issue, milestone)
    return call.store.need("SELECT * FROM issues WHERE id = ?", issue["id"])


def create_issue(call: Call) -> Answer:
    """POST R/issues"""
    title, body = title_in(call.body), long_text(call.body, "body", resource="Issue")
    # GitHub drops labels and milestone silently when the author may not set them.
    trusted = call.may("triage")
    labels = names_in(call.body.get("labels") or []) if trusted else []
    milestone = _milestone_in(call) if trusted else None
    issue = open_issue(call, title, body, labels=labels, milestone=milestone)
    shown = issue_json(call, issue)
    return Answer(status=201, body=shown, headers={"location": shown["url"]})


def _milestone_in(call: Call) -> Row | None:
    wanted = call.body.get("milestone")
    if wanted is None:
        return None
    number = wanted if isinstance(wanted, int) else int(wanted) if str(wanted).isdecimal() else 0
    milestone = find_milestone(call, number)
    if milestone is None:
        raise invalid("Issue", "milestone")
    return milestone


def set_milestone(call: Call, issue: Row, milestone: Row | None) -> None:
    """Give an issue another milestone, or none, and say so in its events."""
    new_id = milestone["id"] if milestone is not None else None
    if new_id == issue["milestone_id"]:
        return
    if issue["milestone_id"] is not None:
        old = call.store.need("SELECT title FROM milestones WHERE id = ?", issue["milestone_id"])
        record(call, issue["id"], "demilestoned", detail={"milestone": {"title": old["title"]}})
    call.store.run("UPDATE issues SET milestone_id = ? WHERE id = ?", new_id, issue["id"])
    if milestone is not None:
        record(call, issue["id"], "milestoned", detail={"milestone": {"title": milestone["title"]}})


def get_issue(call: Call) -> Answer:
    """GET R/issues/{issue_number}"""
    return Answer(body=issue_json(call, issue_by_number(call, call.number("issue_number"))))


def list_issues(call: Call) -> Answer:
    """GET R/issues"""
    order = (call.query.get("sort", "created"), call.query.get("direction", "desc"))
    rows = call.store.all(_ORDERS.get(order, _ORDERS["created", "desc"]), call.repo["id"])
    wanted = [row for row in rows if _fits_columns(call, row) and _fits_labels(call, row)]
    return paged(call, wanted, lambda issue: issue_json(call, issue))


def _fits_columns(call: Call, issue: Row) -> bool:
    query = call.query
    if query.get("state", "open") not in {"all", issue["state"]} or issue["updated_at"] < query.get("since", ""):
        return False
    creator = query.get("creator")
    if creator is not None:
        author = call.store.need("SELECT login FROM users WHERE id = ?", issue["author_id"])["login"]
        if author.lower() != creator.lower():
            return False
    return _fits_milestone(call, issue)


def _fits_milestone(call: Call, issue: Row) -> bool:
    wanted = call.query.get("milestone")
    if wanted is None:
        return True
    if wanted in {"*", "none"}:
        return (issue["milestone_id"] is not None) == (wanted == "*")
    milestone = find_milestone(call, number_of(wanted)) if wanted.isdecimal() else None
    if milestone is None:
        raise invalid("Issue", "milestone")
    return bool(issue["milestone_id"] == milestone["id"])


def _fits_labels(call: Call, issue: Row) -> bool:
    wanted = {name.strip().lower() for name in call.query.get("labels", "").split(",") if name.strip()}
    if not wanted:
        return True
    rows = call.store.all(
        "SELECT name FROM issue_labels JOIN labels ON labels.id = label_id WHERE issue_id = ?", issue["id"]
    )
    return wanted <= {row["name"].lower() for row in rows}


def update_issue(call: Call) -> Answer:
    """PATCH R/issues/{issue_number}"""
    issue = issue_by_number(call, call.number("issue_number"))
    body = call.body
    is_author = issue["author_id"] == call.user["id"]
    if not is_author and not call.may("triage"):
        raise Refusal(403, "Must have admin rights to Repository.")
    if not call.may("triage") and body.keys() & {"labels", "milestone"}:
        raise Refusal(403, "Must have admin rights to Repository.")
    edit_text(call, issue)
    if "labels" in body:
        replace_all(call, issue["id"], names_in(body["labels"]))
    if "milestone" in body:
        set_milestone(call, issue, _milestone_in(call))
    state = text_of(body, "state", resource="Issue")
    if state is not None:
        set_state(call, issue, state, reason=text_of(body, "state_reason", resource="Issue"))
    call.store.run("UPDATE issues SET updated_at = ? WHERE id = ?", stamp(), issue["id"])
    return Answer(body=issue_json(call, call.store.need("SELECT * FROM issues WHERE id = ?", issue["id"])))


def edit_text(call: Call, issue: Row) -> None:
    """Change title and body as the request body says."""
    changes: JsonObject = {}
    title = title_in(call.body) if call.body.get("title") is not None else issue["title"]
    if title != issue["title"]:
        changes["title"] = {"from": issue["title"]}
        record(call, issue["id"], "renamed", detail={"rename": {"from": issue["title"], "to": title}})
    text = long_text(call.body, "body", resource="Issue") if "body" in call.body else issue["body"]
    if text != issue["body"]:
        changes["body"] = {"from": issue["body"] or ""}
    if changes:
        call.store.run("UPDATE issues SET title = ?, body = ? WHERE id = ?", title, text, issue["id"])
        announce_issue(call, issue["id"], "edited", changes=changes)


def set_state(call: Call, issue: Row, state: str, *, reason: str | None = None, commit_id: str | None = None) -> None:
    """Close or reopen; nothing happens when the state is so already."""
    if state not in {"open", "closed"}:
        raise invalid("Issue", "state")
    if state == issue["state"]:
        return
    if state == "closed":
        why = None if issue["is_pull"] else reason or "completed"
        call.store.run(
            "UPDATE issues SET state = 'closed', state_reason = ?, closed_at = ?, closed_by = ?, updated_at = ? "
            "WHERE id = ?",
            why, stamp(), call.user["id"], stamp(), issue["id"],
        )  # fmt: skip
    else:
        call.store.run(
            "UPDATE issues SET state = 'open', state_reason = ?, closed_at = NULL, closed_by = NULL, "
            "updated_at = ? WHERE id = ?",
            None if issue["is_pull"] else "reopened", stamp(), issue["id"],
        )  # fmt: skip
    kind = "closed" if state == "closed" else "reopened"
    record(call, issue["id"], kind, commit_id=commit_id)
    announce_issue(call, issue["id"], kind)


def lock_issue(call: Call) -> Answer:
    """PUT R/issues/{issue_number}/lock"""
    issue = issue_by_number(call, call.number("issue_number"))
    reason = text_of(call.body, "lock_reason", resource="Issue")
    call.store.run("UPDATE issues SET locked = 1, lock_reason = ? WHERE id = ?", reason, issue["id"])
    record(call, issue["id"], "locked", detail={"lock_reason": reason} if reason else None)
    return Answer(status=204)


def unlock_issue(call: Call) -> Answer:
    """DELETE R/issues/{issue_number}/lock"""
    issue = issue_by_number(call, call.number("issue_number"))
    call.store.run("UPDATE issues SET locked = 0, lock_reason = NULL WHERE id = ?", issue["id"])
    record(call, issue["id"], "unlocked")
    return Answer(status=204)
