"""Approved documents and the issues of parts: rendered for people, read back by a machine."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogworks.model.errors import ValidationFailed
from cogworks.model.ids import SwiOrdinal
from cogworks.model.outputs import ArchitectureOutput, InterfaceOutput, PlannedItem
from cogworks.pages.spec_page import read_document, render_interfaces, render_spec
from cogworks.pages.swi_page import read_swi_key, render_swi, swi_key

SPEC = ArchitectureOutput.model_validate(
    {
        "title": "T",
        "summary": "S",
        "requirements": [{"id": "R1", "text": 'says "yes" \\ & ``` no'}],
        "files": [{"path": "src/a.py", "action": "create"}],
        "capabilities": [{"capability": "network", "reason": "r"}],
    }
)


def test_a_specification_is_read_back_with_what_people_changed_in_it() -> None:
    text = render_spec(SPEC, work_item=42)
    found = read_document(text, name="spec.md")
    assert found.requirements == (("R1", 'says "yes" \\ & ``` no'),)
    assert [(one.path, one.action) for one in found.files] == [("src/a.py", "create")]
    assert found.capabilities == ("network",)

    edited = text.replace('capabilities = ["network"]', 'capabilities = ["network", "process"]').replace("R1", "R7")
    again = read_document(edited, name="spec.md")
    assert (again.capabilities, again.requirements[0][0]) == (("network", "process"), "R7")


@given(st.text(min_size=1, max_size=200))
def test_any_requirement_text_survives_the_block(text: str) -> None:
    spec = SPEC.model_copy(update={"requirements": [SPEC.requirements[0].model_copy(update={"text": text})]})
    assert read_document(render_spec(spec, work_item=1), name="n").requirements == (("R1", text),)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("# no block", id="none"),
        pytest.param("```toml cogworks\nfiles = [\n```\n", id="broken"),
        pytest.param('```toml cogworks\nfiles = [{path = "a", action = "burn"}]\n```\n', id="an unknown action"),
        pytest.param('```toml cogworks\nrequirements = "R1"\n```\n', id="the wrong shape"),
    ],
)
def test_a_block_that_cannot_be_read_names_its_document(text: str) -> None:
    with pytest.raises(ValidationFailed, match=r"^spec\.md"):
        read_document(text, name="spec.md")


def test_an_interface_document_is_read_back() -> None:
    design = InterfaceOutput.model_validate(
        {
            "interfaces": [{"id": "I1", "path": "a.py", "signature": "def f() -> int", "description": "d"}],
            "authorised_files": [{"path": "a.py", "action": "modify"}],
        }
    )
    found = read_document(render_interfaces(design, work_item=1), name="n")
    assert (found.interfaces, found.files[0].path, found.capabilities) == (("I1",), "a.py", ())


def test_a_part_is_found_again_by_run_and_title() -> None:
    item = PlannedItem(title="Add @jo", description="/cogworks cancel", test_specification=["t"])
    body = render_swi(item, ordinal=SwiOrdinal(1), run_id="r", work_item=42)
    assert read_swi_key(body, "r") == swi_key("r", "Add @jo")
    assert read_swi_key(body, "other") is None
    assert "\n/cogworks cancel" not in body
