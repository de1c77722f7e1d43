"""Projects V2: an item is added and its fields are set over GraphQL (GH-38)."""

from typing import Any

import pytest
from github_twin_process import Twin

ADD = "mutation($input: AddProjectV2ItemByIdInput!) { addProjectV2ItemById(input: $input) { item { id } } }"
SET = (
    "mutation($projectId: ID!, $itemId: ID!, $fieldId: ID!, $value: ProjectV2FieldValue!) { "
    "updateProjectV2ItemFieldValue(input: {projectId: $projectId, itemId: $itemId, fieldId: $fieldId, value: $value}) "
    "{ projectV2Item { id } } }"
)
SHOW = "query($id: ID!) { node(id: $id) { ... on ProjectV2 { fields(first: 50) { nodes { id name } } } } }"
PROJECT = {
    "id": "PVT_1",
    "fields": [
        {"id": "F_status", "name": "Status", "options": [{"id": "o_done", "name": "Done"}]},
        {"id": "F_cost", "name": "Cost"},
    ],
}


@pytest.fixture
def item(twin: Twin) -> str:
    twin.control("POST", "projects", PROJECT)
    content = twin.as_("cogworks")("GET", "/issues/1")["node_id"]
    body = {"query": ADD, "variables": {"input": {"projectId": "PVT_1", "contentId": content}}}
    return str(twin.as_("cogworks")("POST", "//graphql", body)["data"]["addProjectV2ItemById"]["item"]["id"])


def set_field(twin: Twin, **variables: Any) -> Any:
    return twin.as_("cogworks")("POST", "//graphql", {"query": SET, "variables": {"projectId": "PVT_1", **variables}})


def test_fields_are_set_by_option_and_by_text(twin: Twin, item: str) -> None:
    set_field(twin, itemId=item, fieldId="F_status", value={"singleSelectOptionId": "o_done"})
    set_field(twin, itemId=item, fieldId="F_cost", value={"text": "$0.55"})
    (shown,) = twin.control("GET", "projects")["items"]
    assert shown["values"] == {"Status": "Done", "Cost": "$0.55"}


def test_the_fields_of_a_project_are_shown(twin: Twin, item: str) -> None:
    shown = twin.as_("cogworks")("POST", "//api/graphql", {"query": SHOW, "variables": {"id": "PVT_1"}})
    assert [field["name"] for field in shown["data"]["node"]["fields"]["nodes"]] == ["Status", "Cost"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"projectId": "PVT_none"},
        {"itemId": "none"},
        {"fieldId": "none"},
        {"value": {"singleSelectOptionId": "none"}},
    ],
)
def test_what_does_not_exist_is_an_error_in_the_body(twin: Twin, item: str, wrong: dict[str, Any]) -> None:
    answer = set_field(twin, **{"itemId": item, "fieldId": "F_status", "value": {"text": "x"}, **wrong})
    assert answer["errors"][0]["type"] == "NOT_FOUND"
