"""Webhook payloads: what happened, to what, where, by whom."""

from cogworks.twins.github.call import Call
from cogworks.twins.github.issue_view import comment_json, issue_json
from cogworks.twins.github.people import user_json
from cogworks.twins.github.repositories import repo_json
from cogworks.twins.github.store import Row
from cogworks.twins.github.wire import JsonObject


def announce(call: Call, event: str, payload: JsonObject) -> None:
    """Deliver an event about the repository of a call."""
    if not call.webhooks.wanted:
        return
    call.webhooks.add(event, {**payload, "repository": repo_json(call), "sender": user_json(call.urls, call.user)})


def announce_issue(call: Call, issue_id: int, action: str, **more: JsonObject) -> None:
    """Deliver an `issues` event; pull requests have events of their own."""
    if not call.webhooks.wanted:
        return
    issue = call.store.need("SELECT * FROM issues WHERE id = ?", issue_id)
    if not issue["is_pull"]:
        announce(call, "issues", {"action": action, "issue": issue_json(call, issue), **more})


def announce_comment(call: Call, comment: Row, action: str, **more: JsonObject) -> None:
    """Deliver an `issue_comment` event."""
    if not call.webhooks.wanted:
        return
    issue = call.store.need("SELECT * FROM issues WHERE id = ?", comment["issue_id"])
    shown = {"issue": issue_json(call, issue), "comment": comment_json(call, comment)}
    announce(call, "issue_comment", {"action": action, **shown, **more})
