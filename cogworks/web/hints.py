"""From a delivery of GitHub to the work item that may go on (GH-48); pure. A webhook is only a hint."""

import re
from collections.abc import Mapping

from cogworks.model.ids import IssueNumber, Item, RepoName
from cogworks.model.json_value import JsonValue

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


def sender_of(payload: JsonValue) -> str:
    """Return the login of whoever did it."""
    return str(_at(payload, "sender", "login") or "")


def _number(event: str, payload: JsonValue) -> IssueNumber | None:
    if event in ("issues", "issue_comment"):
        number = _at(payload, "issue", "number")
        return IssueNumber(number) if isinstance(number, int) and number > 0 else None
    # Pull requests of ours tell by their branch which item they belong to.
    found = _OUR_BRANCH.match(str(_at(payload, "pull_request", "head", "ref") or ""))
    return IssueNumber(int(found[1])) if found else None


def _at(value: JsonValue, *path: str) -> JsonValue:
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
