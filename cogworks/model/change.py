"""What a commit or a work tree changes."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One changed path."""

    path: str
    action: Literal["create", "modify", "delete"]
