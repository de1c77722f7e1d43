"""What the seed lets us expect: which issues carry the trigger."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cogworks.demo.verify.asking import Forge

_USUAL_TRIGGER = "cogworks:run"
_CONFIG = ".cogworks/config.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An issue that the machine has to finish."""

    repo: str
    number: int

    def __str__(self) -> str:
        """Return it as commands name it."""
        return f"{self.repo}#{self.number}"


def items_of(seed: Path, forge: Forge) -> list[Item]:
    """Return every issue of the seed that carries its repository's trigger label."""
    table = tomllib.loads(seed.read_text(encoding="utf-8"))
    return [
        Item(repo=repository["full_name"], number=number)
        for repository in table.get("repositories", [])
        for number, issue in enumerate(repository.get("issues", []), start=1)
        if _trigger(forge, repository["full_name"]) in issue.get("labels", [])
    ]


def _trigger(forge: Forge, repo: str) -> str:
    text = forge.file(repo, _CONFIG)
    try:
        table: dict[str, Any] = tomllib.loads(text or "")
    except tomllib.TOMLDecodeError:
        return _USUAL_TRIGGER
    return str(table.get("labels", {}).get("trigger", _USUAL_TRIGGER))
