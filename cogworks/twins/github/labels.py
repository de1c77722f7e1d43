"""Labels of a repository and on issues."""

import unicodedata
from typing import Any

from cogworks.twins.github.announce import announce_issue
from cogworks.twins.github.call import Call, paged
from cogworks.twins.github.history import record
from cogworks.twins.github.issue_view import issue_by_number, label_json, labels_of
from cogworks.twins.github.store import Row, stamp
from cogworks.twins.github.wire import Answer, JsonObject, Refusal, invalid, not_found, required_text, text_of

_NAME_CHARACTERS_MAX = 50
_DESCRIPTION_CHARACTERS_MAX = 100
_LABELS_PER_ISSUE = 100
_NEW_COLOR = "ededed"
_HEX = frozenset("0123456789abcdefABCDEF")


def find_label(call: Call, name: str) -> Row | None:
    """Return a label of the repository by name, whatever its case."""
    return call.store.one("SELECT * FROM labels WHERE repo_id = ? AND name = ?", call.repo["id"], name)


def _need_label(call: Call) -> Row:
    label = find_label(call, call.params["name"])
    if label is None:
        raise not_found()
    return label


def _checked_name(name: str) -> str:
    if not name.strip():
        raise invalid("Label", "name", "missing_field")
    if len(name) > _NAME_CHARACTERS_MAX:
        raise invalid("Label", "name", "custom", f"name is too long (maximum is {_NAME_CHARACTERS_MAX} characters)")
    if name != name.strip() or "," in name or any(unicodedata.category(character) == "Cc" for character in name):
        raise invalid("Label", "name")
    return name


def _checked_color(color: str) -> str:
    if len(color) != 6 or not set(color) <= _HEX:
        raise invalid("Label", "color")
    return color


def _checked_description(body: JsonObject) -> str | None:
    description = text_of(body, "description", resource="Label")
    if description is not None and len(description) > _DESCRIPTION_CHARACTERS_MAX:
        message = f"description is too long (maximum is {_DESCRIPTION_CHARACTERS_MAX} characters)"
        raise invalid("Label", "description", "custom", message)
    return description


def add_label(call: Call, name: str, *, color: str = _NEW_COLOR, description: str | None = None) -> Row:
    """Add a label to the repository."""
    call.store.run(
        "INSERT INTO labels VALUES (?, ?, ?, ?, ?)",
        call.store.new_id(), call.repo["id"], _checked_name(name), _checked_color(color), description,
    )  # fmt: skip
    return call.store.need("SELECT * FROM labels WHERE repo_id = ? AND name = ?", call.repo["id"], name)


def list_labels(call: Call) -> Answer:
    """GET R/labels"""
    rows = call.store.all("SELECT * FROM labels WHERE repo_id = ? ORDER BY id", call.repo["id"])
    return paged(call, rows, lambda label: label_json(call, label))


def get_label(call: Call) -> Answer:
    """GET R/labels/{name}"""
    return Answer(body=label_json(call, _need_label(call)))


def create_label(call: Call) -> Answer:
    """POST R/labels"""
    name = required_text(call.body, "name", resource="Label")
    if find_label(call, name) is not None:
        raise invalid("Label", "name", "already_exists")
    color = text_of(call.body, "color", resource="Label") or _NEW_COLOR
    label = add_label(call, name, color=color, description=_checked_description(call.body))
    return Answer(status=201, body=label_json(call, label))


def update_label(call: Call) -> Answer:
    """PATCH R/labels/{name}"""
    label = _need_label(call)
    name = _checked_name(text_of(call.body, "new_name", resource="Label") or label["name"])
    other = find_label(call, name)
    if other is not None and other["id"] != label["id"]:
        raise invalid("Label", "name", "already_exists")
    color = _checked_color(text_of(call.body, "color", resource="Label") or label["color"])
    description = _checked_description(call.body) if "description" in call.body else label["description"]
    call.store.run(
        "UPDATE labels SET name = ?, color = ?, description = ? WHERE id = ?", name, color, description, label["id"]
    )
    return Answer(body=label_json(call, call.store.need("SELECT * FROM labels WHERE id = ?", label["id"])))


def delete_label(call: Call) -> Answer:
    """DELETE R/labels/{name}"""
    call.store.run("DELETE FROM labels WHERE id = ?", _need_label(call)["id"])
    return Answer(status=204)


def put_on(call: Call, issue_id: int, name: str) -> None:
    """Put one label on an issue, creating it if the repository has none of that name."""
    label = find_label(call, name) or add_label(call, name)
    present = call.store.one("SELECT 1 FROM issue_labels WHERE issue_id = ? AND label_id = ?", issue_id, label["id"])
    if present is not None:
        return
    if call.store.count("SELECT count(*) FROM issue_labels WHERE issue_id = ?", issue_id) >= _LABELS_PER_ISSUE:
        message = f"An issue cannot have more than {_LABELS_PER_ISSUE} labels"
        raise invalid("Issue", "labels", "custom", message)
    call.store.run("INSERT INTO issue_labels VALUES (?, ?)", issue_id, label["id"])
    _note(call, issue_id, label, "labeled")


def take_off(call: Call, issue_id: int, label: Row) -> bool:
    """Take one label off an issue; False when it was not on it."""
    changed = call.store.run("DELETE FROM issue_labels WHERE issue_id = ? AND label_id = ?", issue_id, label["id"])
    if changed:
        _note(call, issue_id, label, "unlabeled")
    return bool(changed)


def _note(call: Call, issue_id: int, label: Row, kind: str) -> None:
    call.store.run("UPDATE issues SET updated_at = ? WHERE id = ?", stamp(), issue_id)
    record(call, issue_id, kind, detail={"label": {"name": label["name"], "color": label["color"]}})
    announce_issue(call, issue_id, kind, label=label_json(call, label))


def replace_all(call: Call, issue_id: int, names: list[str]) -> None:
    """Leave exactly these labels on an issue."""
    wanted = {name.lower() for name in names}
    rows = call.store.all(
        "SELECT labels.* FROM issue_labels JOIN labels ON labels.id = label_id WHERE issue_id = ?", issue_id
    )
    for row in rows:
        if row["name"].lower() not in wanted:
            take_off(call, issue_id, row)
    for name in names:
        put_on(call, issue_id, name)


def names_in(listed: Any) -> list[str]:
    """Return label names from a list of names or of objects with a name; each is checked."""
    if not isinstance(listed, list):
        raise invalid("Label", "labels", "invalid", "labels is not an array")
    names = [entry.get("name") if isinstance(entry, dict) else entry for entry in listed]
    if not all(isinstance(name, str) for name in names):
        raise invalid("Label", "name")
    return [_checked_name(str(name)) for name in names]


def _named(call: Call) -> list[str]:
    payload = call.payload
    return names_in(payload if isinstance(payload, list) else call.body.get("labels", []))


def _shown(call: Call, issue: Row) -> Answer:
    return Answer(body=labels_of(call, issue["id"]))


def list_issue_labels(call: Call) -> Answer:
    """GET R/issues/{issue_number}/labels"""
    issue = issue_by_number(call, call.number("issue_number"))
    rows = call.store.all(
        "SELECT labels.* FROM issue_labels JOIN labels ON labels.id = label_id WHERE issue_id = ? "
        "ORDER BY issue_labels.rowid",
        issue["id"],
    )
    return paged(call, rows, lambda label: label_json(call, label))


def add_issue_labels(call: Call) -> Answer:
    """POST R/issues/{issue_number}/labels"""
    issue = issue_by_number(call, call.number("issue_number"))
    for name in _named(call):
        put_on(call, issue["id"], name)
    return _shown(call, issue)


def set_issue_labels(call: Call) -> Answer:
    """PUT R/issues/{issue_number}/labels"""
    issue = issue_by_number(call, call.number("issue_number"))
    replace_all(call, issue["id"], _named(call))
    return _shown(call, issue)


def clear_issue_labels(call: Call) -> Answer:
    """DELETE R/issues/{issue_number}/labels"""
    replace_all(call, issue_by_number(call, call.number("issue_number"))["id"], [])
    return Answer(status=204)


def remove_issue_label(call: Call) -> Answer:
    """DELETE R/issues/{issue_number}/labels/{name}"""
    issue = issue_by_number(call, call.number("issue_number"))
    label = find_label(call, call.params["name"])
    if label is None or not take_off(call, issue["id"], label):
        raise Refusal(404, "Label does not exist")
    return _shown(call, issue)
