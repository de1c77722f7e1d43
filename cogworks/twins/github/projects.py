"""Projects V2 over GraphQL, as far as an item is added and its fields are set.

It reads arguments from `variables` (plain, or in an `input` object) and answers with every field that those
operations usually ask for. Projects come into being by `POST /_twin/projects`.
"""

import json
from typing import Any

from pydantic import BaseModel, ConfigDict

from cogworks.twins.github.call import Call
from cogworks.twins.github.store import Row, Store
from cogworks.twins.github.wire import Answer, JsonObject, object_of


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Option(_Strict):
    """One choice of a single-select field."""

    id: str
    name: str


class Field(_Strict):
    """One field; without options it takes text or a number."""

    id: str
    name: str
    options: list[Option] | None = None


class Project(_Strict):
    """A project with its fields."""

    id: str
    title: str = "Project"
    fields: list[Field] = []


def save_project(store: Store, project: Project) -> None:
    """Add a project, or change its fields."""
    store.run("INSERT OR REPLACE INTO projects VALUES (?, ?)", project.id, project.model_dump_json(exclude_none=True))


def items_json(store: Store) -> list[JsonObject]:
    """Return every item of every project with the values of its fields."""
    rows = store.all("SELECT * FROM project_items ORDER BY rowid")
    return [
        {
            "id": row["id"],
            "project": row["project_id"],
            "content": row["content_id"],
            "values": json.loads(row["field_values"]),
        }
        for row in rows
    ]


class _Unresolved(Exception):
    """A node id that names nothing."""


def graphql(call: Call) -> Answer:
    """POST /graphql"""
    query = str(call.body.get("query", ""))
    variables = object_of(call.body.get("variables") or {})
    arguments = object_of(variables.get("input", variables))
    name = next((name for name in _OPERATIONS if name in query), "node")
    try:
        return Answer(body={"data": {name: _OPERATIONS[name](call, arguments)}})
    except _Unresolved as error:
        message = f"Could not resolve to a node with the global id of '{error}'"
        problem = {"type": "NOT_FOUND", "path": [name], "message": message}
        return Answer(body={"data": {name: None}, "errors": [problem]})


def _project(call: Call, project_id: Any) -> Project:
    row = call.store.one("SELECT definition FROM projects WHERE id = ?", project_id)
    if row is None:
        raise _Unresolved(project_id)
    return Project.model_validate_json(row["definition"])


def _show(call: Call, arguments: JsonObject) -> JsonObject:
    project = _project(call, arguments.get("id", arguments.get("projectId")))
    fields = [field.model_dump(exclude_none=True) for field in project.fields]
    return {"id": project.id, "title": project.title, "fields": {"nodes": fields}}


def _add_item(call: Call, arguments: JsonObject) -> JsonObject:
    project, content = _project(call, arguments.get("projectId")), str(arguments.get("contentId"))
    number = content.rpartition("_")[2]
    if not number.isdecimal() or call.store.one("SELECT 1 FROM issues WHERE id = ?", int(number)) is None:
        raise _Unresolved(content)
    item_id = f"PVTI_{project.id}_{number}"
    call.store.run("INSERT OR IGNORE INTO project_items VALUES (?, ?, ?, '{}')", item_id, project.id, content)
    return {"item": {"id": item_id}}


def _set_field(call: Call, arguments: JsonObject) -> JsonObject:
    project = _project(call, arguments.get("projectId"))
    item: Row | None = call.store.one("SELECT * FROM project_items WHERE id = ?", arguments.get("itemId"))
    field = next((field for field in project.fields if field.id == arguments.get("fieldId")), None)
    if item is None or field is None:
        raise _Unresolved(arguments.get("itemId" if item is None else "fieldId"))
    value = arguments.get("value") or {}
    chosen = value.get("singleSelectOptionId")
    names = {option.id: option.name for option in field.options or ()}
    if chosen is not None and chosen not in names:
        raise _Unresolved(chosen)
    shown = names[chosen] if chosen is not None else next(iter(value.values()), None)
    values = {**json.loads(item["field_values"]), field.name: shown}
    call.store.run("UPDATE project_items SET field_values = ? WHERE id = ?", json.dumps(values), item["id"])
    return {"projectV2Item": {"id": item["id"]}}


_OPERATIONS = {
    "addProjectV2ItemById": _add_item,
    "updateProjectV2ItemFieldValue": _set_field,
    "node": _show,
}
