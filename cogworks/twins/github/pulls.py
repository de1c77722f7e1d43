"""Pull requests: open, read, edit, close."""

from cogworks.twins.github.branches import tip
from cogworks.twins.github.call import Call, paged
from cogworks.twins.github.commit_view import commit_json, file_json
from cogworks.twins.github.issues import add_issue_row, edit_text, set_state, title_in
from cogworks.twins.github.pull_view import (
    PULLS_BY_NUMBER,
    announce_pull,
    commits_of,
    files_of,
    full_pull_json,
    pull_by_issue,
    pull_by_number,
    pull_json,
)
from cogworks.twins.github.store import Row, stamp
from cogworks.twins.github.wire import Answer, Refusal, invalid, long_text, required_text, text_of


def add_pull(call: Call, title: str, body: str | None, *, head: str, base: str, draft: bool = False) -> Row:
    """Open a pull request by the caller between two branches that exist."""
    head_sha, base_sha = tip(call, head), tip(call, base)
    if head_sha is None:
        raise invalid("PullRequest", "head")
    if base_sha is None:
        raise invalid("PullRequest", "base")
    _check_new(call, head=head, base=base, head_sha=head_sha, base_sha=base_sha)
    issue = add_issue_row(call, title, body, is_pull=True)
    call.store.run(
        "INSERT INTO pulls (issue_id, id, repo_id, head_ref, head_sha, base_ref, base_sha, draft) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        issue["id"], call.store.new_id(), call.repo["id"], head, head_sha, base, base_sha, draft,
    )  # fmt: skip
    announce_pull(call, issue["id"], "opened")
    return pull_by_issue(call, issue["id"])


def _check_new(call: Call, *, head: str, base: str, head_sha: str, base_sha: str) -> None:
    present = call.store.one(
        "SELECT 1 FROM pulls JOIN issues ON issues.id = issue_id WHERE pulls.repo_id = ? AND head_ref = ? "
        "AND state = 'open'",
        call.repo["id"], head,
    )  # fmt: skip
    owner = call.repo["full_name"].split("/")[0]
    if present is not None:
        raise _custom(f"A pull request already exists for {owner}:{head}.")
    if not call.git.distance(base_sha, head_sha)[0]:
        raise _custom(f"No commits between {base} and {head}")


def _custom(message: str) -> Refusal:
    return Refusal(422, "Validation Failed", errors=[{"resource": "PullRequest", "code": "custom", "message": message}])


def create_pull(call: Call) -> Answer:
    """POST R/pulls"""
    body = call.body
    head = required_text(body, "head", resource="PullRequest")
    owner = call.repo["full_name"].split("/")[0]
    pull = add_pull(
        call,
        title_in(body),
        long_text(body, "body", resource="PullRequest"),
        head=head.removeprefix(f"{owner}:"),
        base=required_text(body, "base", resource="PullRequest"),
        draft=body.get("draft") is True,
    )
    shown = full_pull_json(call, pull)
    return Answer(status=201, body=shown, headers={"location": shown["url"]})


def get_pull(call: Call) -> Answer:
    """GET R/pulls/{pull_number}"""
    return Answer(body=full_pull_json(call, pull_by_number(call, call.number("pull_number"))))


def list_pulls(call: Call) -> Answer:
    """GET R/pulls"""
    rows = [row for row in call.store.all(PULLS_BY_NUMBER, call.repo["id"]) if _fits(call, row)]
    sort = call.query.get("sort", "created")
    if sort == "updated":
        rows.sort(key=lambda row: (row["updated_at"], row["number"]))
    if call.query.get("direction", "desc" if sort == "created" else "asc") == "desc":
        rows.reverse()
    return paged(call, rows, lambda pull: pull_json(call, pull))


def _fits(call: Call, pull: Row) -> bool:
    query = call.query
    owner = call.repo["full_name"].split("/")[0]
    head = query.get("head")
    return (
        query.get("state", "open") in {"all", pull["state"]}
        and (head is None or head == f"{owner}:{pull['head_ref']}")
        and query.get("base", pull["base_ref"]) == pull["base_ref"]
    )


def update_pull(call: Call) -> Answer:
    """PATCH R/pulls/{pull_number}"""
    pull = pull_by_number(call, call.number("pull_number"))
    state = text_of(call.body, "state", resource="PullRequest")
    if state is not None and state != pull["state"]:
        call.people_only("close or reopen a pull request")
    if pull["author_id"] != call.user["id"] and not call.may("write"):
        raise Refusal(403, "Must have admin rights to Repository.")
    before = (pull["title"], pull["body"])
    edit_text(call, pull)
    _set_base(call, pull, text_of(call.body, "base", resource="PullRequest"))
    if state is not None and state != pull["state"]:
        _set_state(call, pull, state)
    call.store.run("UPDATE issues SET updated_at = ? WHERE id = ?", stamp(), pull["id"])
    changed = pull_by_issue(call, pull["id"])
    if before != (changed["title"], changed["body"]):
        announce_pull(call, pull["id"], "edited", changes={})
    return Answer(body=full_pull_json(call, changed))


def _set_base(call: Call, pull: Row, base: str | None) -> None:
    if base is None or base == pull["base_ref"]:
        return
    base_sha = tip(call, base)
    if base_sha is None or pull["state"] != "open":
        raise invalid("PullRequest", "base")
    call.store.run("UPDATE pulls SET base_ref = ?, base_sha = ? WHERE issue_id = ?", base, base_sha, pull["id"])


def _set_state(call: Call, pull: Row, state: str) -> None:
    if pull["merged"] or (state == "open" and tip(call, pull["head_ref"]) is None):
        raise invalid("PullRequest", "state", "invalid", "state cannot be changed.")
    set_state(call, pull, state)
    announce_pull(call, pull["id"], "closed" if state == "closed" else "reopened")


def list_pull_commits(call: Call) -> Answer:
    """GET R/pulls/{pull_number}/commits"""
    pull = pull_by_number(call, call.number("pull_number"))
    return paged(call, list(commits_of(call, pull)), lambda sha: commit_json(call, call.git.commit(sha)))


def list_pull_files(call: Call) -> Answer:
    """GET R/pulls/{pull_number}/files"""
    pull = pull_by_number(call, call.number("pull_number"))
    return paged(call, list(files_of(call, pull)), lambda file: file_json(call, file, pull["head_sha"]))


def is_merged(call: Call) -> Answer:
    """GET R/pulls/{pull_number}/merge"""
    if not pull_by_number(call, call.number("pull_number"))["merged"]:
        raise Refusal(404, "Not Found")
    return Answer(status=204)
