"""Milestones."""

from cogworks.twins.github.call import Call, paged
from cogworks.twins.github.issue_view import milestone_json
from cogworks.twins.github.store import Row, stamp
from cogworks.twins.github.wire import Answer, invalid, not_found, required_text, text_of


def find_milestone(call: Call, number: int) -> Row | None:
    """Return a milestone of the repository by number."""
    return call.store.one("SELECT * FROM milestones WHERE repo_id = ? AND number = ?", call.repo["id"], number)


def add_milestone(call: Call, title: str, *, description: str | None = None, due_on: str | None = None) -> Row:
    """Add an open milestone; titles are unique in a repository."""
    repo_id, now = call.repo["id"], stamp()
    if call.store.one("SELECT 1 FROM milestones WHERE repo_id = ? AND title = ?", repo_id, title) is not None:
        raise invalid("Milestone", "title", "already_exists")
    number = 1 + call.store.count("SELECT coalesce(max(number), 0) FROM milestones WHERE repo_id = ?", repo_id)
    call.store.run(
        "INSERT INTO milestones VALUES (?, ?, ?, ?, ?, 'open', ?, ?, ?, ?, NULL)",
        call.store.new_id(), repo_id, number, title, description, call.user["id"], due_on, now, now,
    )  # fmt: skip
    return call.store.need("SELECT * FROM milestones WHERE repo_id = ? AND number = ?", repo_id, number)


def list_milestones(call: Call) -> Answer:
    """GET R/milestones"""
    state = call.query.get("state", "open")
    rows = call.store.all(
        "SELECT * FROM milestones WHERE repo_id = ? AND (? = 'all' OR state = ?) ORDER BY number",
        call.repo["id"], state, state,
    )  # fmt: skip
    return paged(call, rows, lambda milestone: milestone_json(call, milestone))


def create_milestone(call: Call) -> Answer:
    """POST R/milestones"""
    milestone = add_milestone(
        call,
        required_text(call.body, "title", resource="Milestone"),
        description=text_of(call.body, "description", resource="Milestone"),
        due_on=text_of(call.body, "due_on", resource="Milestone"),
    )
    return Answer(status=201, body=milestone_json(call, milestone))


def _need(call: Call) -> Row:
    milestone = find_milestone(call, call.number("milestone_number"))
    if milestone is None:
        raise not_found()
    return milestone


def get_milestone(call: Call) -> Answer:
    """GET R/milestones/{milestone_number}"""
    return Answer(body=milestone_json(call, _need(call)))


def update_milestone(call: Call) -> Answer:
    """PATCH R/milestones/{milestone_number}"""
    milestone = _need(call)
    title = text_of(call.body, "title", resource="Milestone") or milestone["title"]
    state = text_of(call.body, "state", resource="Milestone") or milestone["state"]
    if state not in {"open", "closed"}:
        raise invalid("Milestone", "state")
    closed_at = (milestone["closed_at"] or stamp()) if state == "closed" else None
    call.store.run(
        "UPDATE milestones SET title = ?, state = ?, closed_at = ?, updated_at = ? WHERE id = ?",
        title, state, closed_at, stamp(), milestone["id"],
    )  # fmt: skip
    return Answer(body=milestone_json(call, _need(call)))
