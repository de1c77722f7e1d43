"""Reviews and their comments at lines."""

from cogworks.twins.github.announce import announce
from cogworks.twins.github.call import Call, paged
from cogworks.twins.github.diffs import FileChange, lines_in
from cogworks.twins.github.history import record
from cogworks.twins.github.issue_view import association, person_json
from cogworks.twins.github.pull_view import files_of, pull_by_number, pull_json
from cogworks.twins.github.store import Row, stamp
from cogworks.twins.github.wire import (
    Answer,
    JsonObject,
    Refusal,
    integer_of,
    long_text,
    not_found,
    required_text,
    text_of,
)

_STATES = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}


def _pull(call: Call) -> Row:
    return pull_by_number(call, call.number("pull_number"))


def _review(call: Call, pull: Row) -> Row:
    row = call.store.one("SELECT * FROM reviews WHERE id = ? AND issue_id = ?", call.number("review_id"), pull["id"])
    if row is None or (row["state"] == "PENDING" and row["author_id"] != call.user["id"]):
        raise not_found()
    return row


def _unprocessable(*errors: str) -> Refusal:
    return Refusal(422, "Unprocessable Entity", errors=list(errors))


def list_reviews(call: Call) -> Answer:
    """GET R/pulls/{pull_number}/reviews"""
    pull = _pull(call)
    rows = call.store.all(
        "SELECT * FROM reviews WHERE issue_id = ? AND (state <> 'PENDING' OR author_id = ?) ORDER BY id",
        pull["id"], call.user["id"],
    )  # fmt: skip
    return paged(call, rows, lambda review: review_json(call, pull, review))


def get_review(call: Call) -> Answer:
    """GET R/pulls/{pull_number}/reviews/{review_id}"""
    pull = _pull(call)
    return Answer(body=review_json(call, pull, _review(call, pull)))


def add_review(call: Call, pull: Row, *, state: str, body: str, commit_id: str | None = None) -> Row:
    """Add a review by the caller."""
    review_id = call.store.new_id()
    submitted_at = None if state == "PENDING" else stamp()
    call.store.run(
        "INSERT INTO reviews VALUES (?, ?, ?, ?, ?, ?, ?)",
        review_id, pull["id"], call.user["id"], state, body, commit_id or pull["head_sha"], submitted_at,
    )  # fmt: skip
    call.store.run("UPDATE issues SET updated_at = ? WHERE id = ?", stamp(), pull["id"])
    return call.store.need("SELECT * FROM reviews WHERE id = ?", review_id)


def create_review(call: Call) -> Answer:
    """POST R/pulls/{pull_number}/reviews"""
    pull, event = _pull(call), text_of(call.body, "event", resource="PullRequestReview")
    body = long_text(call.body, "body", resource="PullRequestReview") or ""
    comments = call.body.get("comments") or []
    if event is not None:
        _check_event(call, pull, event, has_text=bool(body or comments))
    lines = _Lines(call, pull)
    checked = [lines.checked(comment) for comment in comments]
    if lines.problems:
        raise _unprocessable(*lines.problems)
    review = add_review(
        call,
        pull,
        state="PENDING" if event is None else _STATES[event],
        body=body,
        commit_id=text_of(call.body, "commit_id", resource="PullRequestReview"),
    )
    for comment in checked:
        _add_comment(call, pull, review, comment)
    if event is not None:
        _announce(call, pull, review, "submitted")
    return Answer(body=review_json(call, pull, review))


def _check_event(call: Call, pull: Row, event: str, *, has_text: bool) -> None:
    if event not in _STATES:
        raise _unprocessable(f"Variable $event of type PullRequestReviewEvent was provided invalid value {event}")
    if event != "COMMENT":
        call.people_only("approve a pull request" if event == "APPROVE" else "request changes")
        if pull["author_id"] == call.user["id"]:
            verb = "approve" if event == "APPROVE" else "request changes on"
            raise _unprocessable(f"Can not {verb} your own pull request")
    if event != "APPROVE" and not has_text:
        raise _unprocessable("Body can't be blank")


def submit_review(call: Call) -> Answer:
    """POST R/pulls/{pull_number}/reviews/{review_id}/events"""
    pull = _pull(call)
    review, event = _review(call, pull), required_text(call.body, "event", resource="PullRequestReview")
    if review["state"] != "PENDING":
        raise _unprocessable("Can not submit a review that is not pending")
    body = long_text(call.body, "body", resource="PullRequestReview") or review["body"]
    _check_event(call, pull, event, has_text=bool(body))
    call.store.run(
        "UPDATE reviews SET state = ?, body = ?, submitted_at = ? WHERE id = ?",
        _STATES[event], body, stamp(), review["id"],
    )  # fmt: skip
    submitted = _review(call, pull)
    _announce(call, pull, submitted, "submitted")
    return Answer(body=review_json(call, pull, submitted))


def dismiss_review(call: Call) -> Answer:
    """PUT R/pulls/{pull_number}/reviews/{review_id}/dismissals"""
    call.people_only("dismiss a review")
    pull = _pull(call)
    review, message = _review(call, pull), required_text(call.body, "message", resource="PullRequestReview")
    if review["state"] not in {"APPROVED", "CHANGES_REQUESTED"}:
        raise _unprocessable(f"Can not dismiss a {review['state'].lower().replace('_', ' ')} pull request review")
    call.store.run("UPDATE reviews SET state = 'DISMISSED' WHERE id = ?", review["id"])
    detail = {
        "state": review["state"].lower(), "review_id": review["id"], "dismissal_message": message,
        "dismissal_commit_id": None,
    }  # fmt: skip
    record(call, pull["id"], "review_dismissed", detail={"dismissed_review": detail})
    dismissed = _review(call, pull)
    _announce(call, pull, dismissed, "dismissed")
    return Answer(body=review_json(call, pull, dismissed))


class _Lines:
    """The lines that comments may stand at, and what is wrong with those that do not."""

    def __init__(self, call: Call, pull: Row) -> None:
        self.problems: list[str] = []
        self._call = call
        self._pull = pull
        self._files: dict[str, FileChange] | None = None

    def checked(self, comment: JsonObject) -> JsonObject:
        if self._files is None:
            self._files = {file.path: file for file in files_of(self._call, self._pull)}
        path = required_text(comment, "path", resource="PullRequestReviewComment")
        body = long_text(comment, "body", resource="PullRequestReviewComment", required=True)
        line = integer_of(comment, "line", resource="PullRequestReviewComment")
        side = comment.get("side") or "RIGHT"
        file = self._files.get(path)
        hunk = "" if file is None else lines_in(file.patch, side).get(line, "")
        if file is None:
            self.problems.append("Path could not be resolved")
        elif not hunk:
            self.problems.append("Line could not be resolved")
        start_line = comment.get("start_line")
        return {"path": path, "body": body, "line": line, "side": side, "start_line": start_line, "hunk": hunk}


def _add_comment(call: Call, pull: Row, review: Row, comment: JsonObject, *, reply_to: int | None = None) -> Row:
    comment_id = call.store.new_id()
    call.store.run(
        "INSERT INTO review_comments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        comment_id, review["id"], pull["id"], call.user["id"], comment["path"], comment["line"], comment["side"],
        comment["start_line"], review["commit_id"], comment["hunk"], comment["body"], reply_to, stamp(),
    )  # fmt: skip
    return call.store.need("SELECT * FROM review_comments WHERE id = ?", comment_id)


def create_review_comment(call: Call) -> Answer:
    """POST R/pulls/{pull_number}/comments"""
    pull, lines = _pull(call), _Lines(call, _pull(call))
    comment = lines.checked(call.body)
    if lines.problems:
        raise _unprocessable(*lines.problems)
    review = add_review(call, pull, state="COMMENTED", body="")
    return Answer(status=201, body=review_comment_json(call, pull, _add_comment(call, pull, review, comment)))


def list_review_comments(call: Call) -> Answer:
    """GET R/pulls/{pull_number}/comments"""
    pull = _pull(call)
    rows = call.store.all("SELECT * FROM review_comments WHERE issue_id = ? ORDER BY id", pull["id"])
    return paged(call, rows, lambda comment: review_comment_json(call, pull, comment))


def list_comments_of_review(call: Call) -> Answer:
    """GET R/pulls/{pull_number}/reviews/{review_id}/comments"""
    pull = _pull(call)
    rows = call.store.all("SELECT * FROM review_comments WHERE review_id = ? ORDER BY id", _review(call, pull)["id"])
    return paged(call, rows, lambda comment: review_comment_json(call, pull, comment))


def review_json(call: Call, pull: Row, review: Row) -> JsonObject:
    """Return one review."""
    api = f"{call.repo_url}/pulls/{pull['number']}"
    page = f"{call.page_url}/pull/{pull['number']}#pullrequestreview-{review['id']}"
    shown = {
        "id": review["id"],
        "node_id": f"PRR_{review['id']}",
        "user": person_json(call, review["author_id"]),
        "body": review["body"],
        "state": review["state"],
        "html_url": page,
        "pull_request_url": api,
        "author_association": association(call, review["author_id"]),
        "_links": {"html": {"href": page}, "pull_request": {"href": api}},
        "commit_id": review["commit_id"],
    }
    return shown if review["submitted_at"] is None else {**shown, "submitted_at": review["submitted_at"]}


def review_comment_json(call: Call, pull: Row, comment: Row) -> JsonObject:
    """Return one comment at a line."""
    api = f"{call.repo_url}/pulls/{pull['number']}"
    own = f"{call.repo_url}/pulls/comments/{comment['id']}"
    page = f"{call.page_url}/pull/{pull['number']}#discussion_r{comment['id']}"
    position = comment["diff_hunk"].count("\n")
    return {
        "url": own,
        "id": comment["id"],
        "node_id": f"PRRC_{comment['id']}",
        "pull_request_review_id": comment["review_id"],
        "diff_hunk": comment["diff_hunk"],
        "path": comment["path"],
        "position": position,
        "original_position": position,
        "line": comment["line"],
        "original_line": comment["line"],
        "side": comment["side"],
        "start_line": comment["start_line"],
        "original_start_line": comment["start_line"],
        "start_side": comment["side"] if comment["start_line"] else None,
        "subject_type": "line",
        "commit_id": comment["commit_id"],
        "original_commit_id": comment["commit_id"],
        "user": person_json(call, comment["author_id"]),
        "body": comment["body"],
        "created_at": comment["created_at"],
        "updated_at": comment["created_at"],
        "html_url": page,
        "pull_request_url": api,
        "author_association": association(call, comment["author_id"]),
        "_links": {"self": {"href": own}, "html": {"href": page}, "pull_request": {"href": api}},
    }


def _announce(call: Call, pull: Row, review: Row, action: str) -> None:
    if not call.webhooks.wanted:
        return
    shown = review_json(call, pull, review)
    shown["state"] = shown["state"].lower()
    announce(call, "pull_request_review", {"action": action, "review": shown, "pull_request": pull_json(call, pull)})
