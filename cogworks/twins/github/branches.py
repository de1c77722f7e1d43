"""Branches: where they stand, and what follows when they move."""

from cogworks.twins.github.announce import announce
from cogworks.twins.github.bare import GitError
from cogworks.twins.github.call import Call
from cogworks.twins.github.history import record
from cogworks.twins.github.issues import set_state
from cogworks.twins.github.people import email_of, user_json
from cogworks.twins.github.pull_view import announce_pull
from cogworks.twins.github.store import Row, stamp
from cogworks.twins.github.wire import JsonObject, Refusal

NO_SHA = "0" * 40


def tip(call: Call, branch: str) -> str | None:
    """Return the commit at the head of a branch, or None."""
    row = call.store.one("SELECT sha FROM branches WHERE repo_id = ? AND name = ?", call.repo["id"], branch)
    return None if row is None else str(row["sha"])


def move(call: Call, branch: str, new_sha: str | None, *, old_sha: str | None) -> None:
    """Move, create or delete a branch by the caller's hand."""
    try:
        call.git.move(branch, new_sha, old_sha=old_sha)
    except GitError as error:
        raise Refusal(422, "Reference update failed") from error
    take_in(call)


def take_in(call: Call) -> None:
    """Note every branch that git has moved since the last time, and do what follows from it."""
    repo_id = call.repo["id"]
    known = {
        row["name"]: str(row["sha"])
        for row in call.store.all("SELECT name, sha FROM branches WHERE repo_id = ?", repo_id)
    }
    now = call.git.heads()
    for name in sorted(known.keys() | now.keys()):
        old_sha, new_sha = known.get(name), now.get(name)
        if old_sha != new_sha:
            _moved(call, name, old_sha, new_sha)


def _moved(call: Call, name: str, old_sha: str | None, new_sha: str | None) -> None:
    repo_id = call.repo["id"]
    if new_sha is None:
        call.store.run("DELETE FROM branches WHERE repo_id = ? AND name = ?", repo_id, name)
        _close_orphans(call, name)
    else:
        call.store.run(
            "INSERT INTO branches VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET sha = excluded.sha",
            repo_id, name, new_sha,
        )  # fmt: skip
        _move_heads(call, name, old_sha, new_sha)
        _merge_contained(call, name, new_sha)
    call.store.run("UPDATE repositories SET pushed_at = ?, updated_at = ? WHERE id = ?", stamp(), stamp(), repo_id)
    if call.webhooks.wanted:
        announce(call, "push", _push_json(call, name, old_sha, new_sha))


def _open_pulls(call: Call, *, head: str | None = None, base: str | None = None) -> list[Row]:
    return call.store.all(
        "SELECT pulls.*, number FROM pulls JOIN issues ON issues.id = issue_id WHERE pulls.repo_id = ? "
        "AND state = 'open' AND (head_ref = ? OR base_ref = ?) ORDER BY number",
        call.repo["id"], head, base,
    )  # fmt: skip


def _move_heads(call: Call, name: str, old_sha: str | None, new_sha: str) -> None:
    for pull in _open_pulls(call, head=name):
        call.store.run("UPDATE pulls SET head_sha = ? WHERE issue_id = ?", new_sha, pull["issue_id"])
        call.store.run("UPDATE issues SET updated_at = ? WHERE id = ?", stamp(), pull["issue_id"])
        announce_pull(call, pull["issue_id"], "synchronize", before=old_sha or NO_SHA, after=new_sha)


def _merge_contained(call: Call, base: str, base_sha: str) -> None:
    """A pull request whose head arrived in its base by a push counts as merged."""
    for pull in _open_pulls(call, base=base):
        if pull["head_sha"] != pull["base_sha"] and call.git.contains(base_sha, pull["head_sha"]):
            mark_merged(call, pull["issue_id"], base_sha)


def mark_merged(call: Call, issue_id: int, commit_sha: str) -> None:
    """Close a pull request as merged by the caller."""
    issue = call.store.need("SELECT * FROM issues WHERE id = ?", issue_id)
    call.store.run(
        "UPDATE pulls SET merged = 1, merged_at = ?, merged_by = ?, merge_commit_sha = ? WHERE issue_id = ?",
        stamp(), call.user["id"], commit_sha, issue_id,
    )  # fmt: skip
    record(call, issue_id, "merged", commit_id=commit_sha)
    set_state(call, issue, "closed")
    announce_pull(call, issue_id, "closed")


def _close_orphans(call: Call, name: str) -> None:
    """What hung on a deleted branch is closed, or moves on to where that branch was merged."""
    for pull in _open_pulls(call, head=name):
        record(call, pull["issue_id"], "head_ref_deleted")
        _close(call, pull)
    heir = call.store.one(
        "SELECT base_ref FROM pulls WHERE repo_id = ? AND head_ref = ? AND merged ORDER BY id DESC",
        call.repo["id"], name,
    )  # fmt: skip
    for pull in _open_pulls(call, base=name):
        if heir is not None and tip(call, heir["base_ref"]) is not None:
            call.store.run("UPDATE pulls SET base_ref = ? WHERE issue_id = ?", heir["base_ref"], pull["issue_id"])
            record(call, pull["issue_id"], "base_ref_changed")
        else:
            _close(call, pull)


def _close(call: Call, pull: Row) -> None:
    set_state(call, call.store.need("SELECT * FROM issues WHERE id = ?", pull["issue_id"]), "closed")
    announce_pull(call, pull["issue_id"], "closed")


def _push_json(call: Call, name: str, old_sha: str | None, new_sha: str | None) -> JsonObject:
    pusher = {"name": call.user["login"], "email": email_of(call.user)}
    commits = [] if new_sha is None else [_push_commit(call, sha) for sha in _new_commits(call, old_sha, new_sha)]
    return {
        "ref": f"refs/heads/{name}",
        "before": old_sha or NO_SHA,
        "after": new_sha or NO_SHA,
        "created": old_sha is None,
        "deleted": new_sha is None,
        "forced": False,
        "base_ref": None,
        "compare": f"{call.page_url}/compare/{old_sha or name}...{new_sha or name}",
        "commits": commits,
        "head_commit": commits[-1] if commits else None,
        "pusher": {**pusher, **user_json(call.urls, call.user)},
    }


def _new_commits(call: Call, old_sha: str | None, new_sha: str) -> tuple[str, ...]:
    return call.git.commits_between(old_sha, new_sha)[-20:] if old_sha else (new_sha,)


def _push_commit(call: Call, sha: str) -> JsonObject:
    commit = call.git.commit(sha)
    return {
        "id": sha,
        "tree_id": commit.tree,
        "distinct": True,
        "message": commit.message,
        "timestamp": commit.author.at,
        "url": f"{call.page_url}/commit/{sha}",
        "author": {"name": commit.author.name, "email": commit.author.email, "date": commit.author.at},
        "committer": {"name": commit.committer.name, "email": commit.committer.email, "date": commit.committer.at},
        "added": [],
        "removed": [],
        "modified": [],
    }
