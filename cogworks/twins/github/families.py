"""Sub-issues and dependencies; both name issues by database id, never by number."""

from cogworks.twins.github.call import Call, paged
from cogworks.twins.github.history import record
from cogworks.twins.github.issue_view import issue_by_number, issue_json
from cogworks.twins.github.store import Row
from cogworks.twins.github.wire import Answer, Refusal, integer_of, not_found

SUB_ISSUES_MAX = 100
DEPENDENCIES_MAX = 50
_DEPTH_MAX = 8


def _issue(call: Call) -> Row:
    issue = issue_by_number(call, call.number("issue_number"))
    if issue["is_pull"]:
        raise not_found()
    return issue


def _by_id(call: Call, issue_id: int) -> Row | None:
    # ids of another repository's issues are as unknown here as numbers are
    return call.store.one(
        "SELECT * FROM issues WHERE id = ? AND repo_id = ? AND NOT is_pull", issue_id, call.repo["id"]
    )


def _refused(message: str) -> Refusal:
    return Refusal(422, "Validation Failed", errors=[{"resource": "Issue", "code": "custom", "message": message}])


def _list(call: Call, rows: list[Row]) -> Answer:
    return paged(call, rows, lambda issue: issue_json(call, issue))


def list_sub_issues(call: Call) -> Answer:
    """GET R/issues/{issue_number}/sub_issues"""
    sql = "SELECT issues.* FROM sub_issues JOIN issues ON issues.id = child_id WHERE parent_id = ? ORDER BY place"
    return _list(call, call.store.all(sql, _issue(call)["id"]))


def _parent_of(call: Call, issue_id: int) -> Row | None:
    return call.store.one(
        "SELECT issues.* FROM sub_issues JOIN issues ON issues.id = parent_id WHERE child_id = ?", issue_id
    )


def get_parent(call: Call) -> Answer:
    """GET R/issues/{issue_number}/parent"""
    parent = _parent_of(call, _issue(call)["id"])
    if parent is None:
        raise not_found()
    return Answer(body=issue_json(call, parent))


def add_sub_issue(call: Call) -> Answer:
    """POST R/issues/{issue_number}/sub_issues; the answer is the parent."""
    parent = _issue(call)
    child = _by_id(call, integer_of(call.body, "sub_issue_id", resource="Issue"))
    if child is None:
        raise Refusal(404, "The provided sub-issue does not exist")
    old = _parent_of(call, child["id"])
    if old is not None:
        if call.body.get("replace_parent") is not True or old["id"] == parent["id"]:
            raise _refused("Issue may not contain duplicate sub-issues and Sub issue may only have one parent")
        call.store.run("DELETE FROM sub_issues WHERE child_id = ?", child["id"])
    _check_line(call, parent, child)
    if call.store.count("SELECT count(*) FROM sub_issues WHERE parent_id = ?", parent["id"]) >= SUB_ISSUES_MAX:
        raise _refused(f"Parent cannot have more than {SUB_ISSUES_MAX} sub-issues")
    place = call.store.count("SELECT coalesce(max(place), 0) + 1 FROM sub_issues WHERE parent_id = ?", parent["id"])
    call.store.run("INSERT INTO sub_issues VALUES (?, ?, ?)", child["id"], parent["id"], place)
    record(call, parent["id"], "sub_issue_added")
    record(call, child["id"], "parent_issue_added")
    return Answer(status=201, body=issue_json(call, parent))


def _check_line(call: Call, parent: Row, child: Row) -> None:
    """Refuse an issue above itself, and too many generations."""
    depth, above = 1, parent
    while True:
        if above["id"] == child["id"]:
            raise _refused("Sub issue may not create a circular dependency")
        grand = _parent_of(call, above["id"])
        if grand is None:
            break
        depth, above = depth + 1, grand
    if depth >= _DEPTH_MAX:
        raise _refused(f"Sub-issues may not be nested more than {_DEPTH_MAX} levels deep")


def remove_sub_issue(call: Call) -> Answer:
    """DELETE R/issues/{issue_number}/sub_issue; the answer is the parent."""
    parent = _issue(call)
    child_id = integer_of(call.body, "sub_issue_id", resource="Issue")
    if not call.store.run("DELETE FROM sub_issues WHERE child_id = ? AND parent_id = ?", child_id, parent["id"]):
        raise Refusal(404, "The provided sub-issue does not exist")
    record(call, parent["id"], "sub_issue_removed")
    record(call, child_id, "parent_issue_removed")
    return Answer(body=issue_json(call, parent))


def list_blocked_by(call: Call) -> Answer:
    """GET R/issues/{issue_number}/dependencies/blocked_by"""
    sql = (
        "SELECT issues.* FROM dependencies JOIN issues ON issues.id = blocking_id WHERE blocked_id = ? "
        "ORDER BY dependencies.id"
    )
    return _list(call, call.store.all(sql, _issue(call)["id"]))


def list_blocking(call: Call) -> Answer:
    """GET R/issues/{issue_number}/dependencies/blocking"""
    sql = (
        "SELECT issues.* FROM dependencies JOIN issues ON issues.id = blocked_id WHERE blocking_id = ? "
        "ORDER BY dependencies.id"
    )
    return _list(call, call.store.all(sql, _issue(call)["id"]))


def add_blocked_by(call: Call) -> Answer:
    """POST R/issues/{issue_number}/dependencies/blocked_by; the answer is the blocked issue."""
    blocked = _issue(call)
    blocking = _by_id(call, integer_of(call.body, "issue_id", resource="Issue"))
    if blocking is None:
        raise not_found()
    if blocking["id"] == blocked["id"]:
        raise _refused("An issue cannot block itself")
    _check_room(call, blocked, blocking)
    call.store.run("INSERT INTO dependencies VALUES (?, ?, ?)", call.store.new_id(), blocked["id"], blocking["id"])
    record(call, blocked["id"], "blocked_by_added")
    record(call, blocking["id"], "blocking_added")
    return Answer(status=201, body=issue_json(call, blocked))


def _check_room(call: Call, blocked: Row, blocking: Row) -> None:
    store = call.store
    present = store.one(
        "SELECT 1 FROM dependencies WHERE blocked_id = ? AND blocking_id = ?", blocked["id"], blocking["id"]
    )
    if present is not None:
        raise _refused("Target issue has already been taken")
    counts = (
        store.count("SELECT count(*) FROM dependencies WHERE blocked_id = ?", blocked["id"]),
        store.count("SELECT count(*) FROM dependencies WHERE blocking_id = ?", blocking["id"]),
    )
    if max(counts) >= DEPENDENCIES_MAX:
        raise _refused(f"An issue cannot have more than {DEPENDENCIES_MAX} dependencies of one type")


def remove_blocked_by(call: Call) -> Answer:
    """DELETE R/issues/{issue_number}/dependencies/blocked_by/{issue_id}"""
    blocked, blocking_id = _issue(call), call.number("issue_id")
    removed = call.store.run(
        "DELETE FROM dependencies WHERE blocked_id = ? AND blocking_id = ?", blocked["id"], blocking_id
    )
    if not removed:
        raise not_found()
    record(call, blocked["id"], "blocked_by_removed")
    record(call, blocking_id, "blocking_removed")
    return Answer(body=issue_json(call, blocked))
