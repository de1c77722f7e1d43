"""From a delivery of GitHub to the work item that may go on (GH-48); pure. A webhook is only a hint."""

import re
from collections.abc import Mapping

from cogworks.model.ids import IssueNumber, Item, RepoName
from cogworks.model.json_value import JsonValue
from cogworks.pages.swi_page import parent_in
from cogworks.policy.commands import commands_in

TELLING: Mapping[str, frozenset[str]] = {
    "issues": frozenset({"labeled", "unlabeled", "closed", "reopened", "edited"}),
    "issue_comment": frozenset({"created"}),
    "pull_request": frozenset({"closed", "synchronize"}),
    "pull_request_review": frozenset({"submitted", "dismissed"}),
}
"""Actions of each event that may move a run; all else is noise."""

_OUR_BRANCH = re.compile(r"cogworks/(\d{1,10})/")


def item_of(event: str, payload: JsonValue) -> Item | None:
    """Return the item that a delivery is about, or None when it can move none of ours."""
    if not isinstance(payload, Mapping) or payload.get("action") not in TELLING.get(event, ()):
        return None
    repo = _at(payload, "repository", "full_name")
    number = _number(event, payload)
    if not isinstance(repo, str) or number is None:
        return None
    return Item(RepoName(repo), number)


def command_in(event: str, payload: JsonValue) -> int | None:
    """Return the id of the comment that a delivery brought when there are commands in it (GH-09)."""
    if event != "issue_comment":
        return None
    body, comment_id = _at(payload, "comment", "body"), _at(payload, "comment", "id")
    return comment_id if isinstance(body, str) and isinstance(comment_id, int) and commands_in(body) else None


def is_chatter(event: str, payload: JsonValue) -> bool:
    """Tell whether a delivery is a comment that commands nothing."""
    body = _at(payload, "comment", "body")
    return event == "issue_comment" and isinstance(body, str) and not commands_in(body)


def sender_of(payload: JsonValue) -> str:
    """Return the login of whoever did it."""
    return str(_at(payload, "sender", "login") or "")


def _number(event: str, payload: JsonValue) -> IssueNumber | None:
    if event in ("issues", "issue_comment"):
        number, body = _at(payload, "issue", "number"), _at(payload, "issue", "body")
        # What happens on a sub-work-item is meant for its work item.
        parent = parent_in(body) if isinstance(body, str) else None
        return parent or (IssueNumber(number) if isinstance(number, int) and number > 0 else None)
    # Pull requests of ours tell by their branch which item they belong to.
    found = _OUR_BRANCH.match(str(_at(payload, "pull_request", "head", "ref") or ""))
    return IssueNumber(int(found[1])) if found else None


def _at(value: JsonValue, *path: str) -> JsonValue:
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
