"""What the scripted model plans and writes, from which a whole script is made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Action = Literal["create", "modify"]
Files = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One sub-work-item: the files it writes in full, and earlier tries that are wrong."""

    title: str
    files: Files
    modifies: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    wrong_tries: tuple[Files, ...] = ()

    @property
    def changes(self) -> list[dict[str, str]]:
        """The files with what is done to them."""
        return [{"path": path, "action": self.action(path)} for path in sorted(self.files)]

    def action(self, path: str) -> Action:
        """What is done to a file."""
        return "modify" if path in self.modifies else "create"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A whole work item as the scripted model sees it; pieces stand in their topological order."""

    title: str
    modules: tuple[str, ...]
    requirements: tuple[str, ...]
    pieces: tuple[Piece, ...]
    task_type: str = "new_feature"
    remediate: Mapping[int, str] = field(default_factory=dict)
    """per ordinal, what the first quality review finds and blocks"""

    @property
    def issue_body(self) -> str:
        """The text of the issue, its requirements as a task list."""
        lines = "\n".join(f"- [ ] {text}" for text in self.requirements)
        return f"{self.title}, please.\n\n{lines}\n"

    @property
    def changes(self) -> list[dict[str, str]]:
        """All files of all pieces."""
        return [change for piece in self.pieces for change in piece.changes]
