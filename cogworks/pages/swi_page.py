"""The issue of a sub-work-item (GH-32)."""

import re

from cogworks.model.ids import IssueNumber, SwiOrdinal
from cogworks.model.json_value import sha256_text
from cogworks.model.outputs import PlannedItem
from cogworks.pages.markers import mark, read_mark
from cogworks.pages.quoting import inert

KIND = "swi"
_PARENT = re.compile(r"[^\n]*\nPart of #(?P<number>[1-9]\d{0,9})\.")


def swi_key(run_id: str, title: str) -> str:
    """Return the key by which the issue of a planned item is found again."""
    return sha256_text(f"{run_id}\n{title}")[:16]


def render_swi(item: PlannedItem, *, ordinal: SwiOrdinal, run_id: str, work_item: int) -> str:
    """Return the body of the issue for ``item``."""
    lines = [
        mark(KIND, run=run_id, ordinal=ordinal, key=swi_key(run_id, item.title)),
        f"Part of #{work_item}.\n",
        inert(item.description),
        "\n**Files**\n",
        *(f"- {change.action} `{change.path}`" for change in item.files),
        "\n**Interfaces**\n",
        *(f"- `{interface}`" for interface in item.interfaces),
        "\n**Test specification**\n",
        *(f"- {inert(test)}" for test in item.test_specification),
        "\n**Requirements**\n",
        *(f"- {requirement}" for requirement in item.requirements),
    ]
    return "\n".join(lines) + "\n"


def read_swi_key(body: str, run_id: str) -> str | None:
    """Return the key in ``body`` if it is a sub-work-item of this run."""
    found = read_mark(body, KIND)
    return found.fields.get("key") if found and found.fields.get("run") == run_id else None


def parent_in(body: str) -> IssueNumber | None:
    """Return the work item that the sub-work-item with ``body`` belongs to; None when it is no sub-work-item."""
    found = _PARENT.match(body.replace("\r\n", "\n")) if read_mark(body, KIND) else None
    return IssueNumber(int(found["number"])) if found else None
