"""Issue events: who did what to which issue, and the webhooks that say so."""

import json

from cogworks.twins.github.call import Call, paged
from cogworks.twins.github.issue_view import issue_by_number, issue_json
from cogworks.twins.github.people import user_by_id, user_json
from cogworks.twins.github.store import Row, stamp
from cogworks.twins.github.wire import Answer, JsonObject


def record(
    call: Call, issue_id: int, kind: str, *, commit_id: str | None = None, detail: JsonObject | None = None
) -> None:
    """Note that the caller did something to an issue; `detail` goes into the event as it is."""
    call.store.run(
        "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        call.store.new_id(), call.repo["id"], issue_id, call.user["id"], kind, commit_id, json.dumps(detail or {}),
        stamp(),
    )  # fmt: skip


def list_repo_events(call: Call) -> Answer:
    """GET R/issues/events"""
    rows = call.store.all("SELECT * FROM events WHERE repo_id = ? ORDER BY id DESC", call.repo["id"])
    return paged(call, rows, lambda event: {**_event_json(call, event), "issue": _issue_of(call, event)})


def list_issue_events(call: Call) -> Answer:
    """GET R/issues/{issue_number}/events"""
    issue = issue_by_number(call, call.number("issue_number"))
    rows = call.store.all("SELECT * FROM events WHERE issue_id = ? ORDER BY id", issue["id"])
    return paged(call, rows, lambda event: _event_json(call, event))


def _issue_of(call: Call, event: Row) -> JsonObject:
    return issue_json(call, call.store.need("SELECT * FROM issues WHERE id = ?", event["issue_id"]))


def _event_json(call: Call, event: Row) -> JsonObject:
    commit = event["commit_id"]
    return {
        "id": event["id"],
        "node_id": f"EV_{event['id']}",
        "url": f"{call.repo_url}/issues/events/{event['id']}",
        "actor": user_json(call.urls, user_by_id(call.store, event["actor_id"])),
        "event": event["kind"],
        "commit_id": commit,
        "commit_url": f"{call.repo_url}/commits/{commit}" if commit else None,
        "created_at": event["created_at"],
        "performed_via_github_app": None,
        **json.loads(event["detail"]),
    }
