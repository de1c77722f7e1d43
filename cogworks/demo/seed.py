"""What the demo needs to know of a seed: who the people are and which issues are to be worked on."""

import shutil
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

TRIGGER = "cogworks:run"
_WRITERS = ("admin", "maintain", "write")


class SeedWrong(Exception):
    """The seed cannot be used; the message names the file and what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One issue that carries the trigger label."""

    repo: str
    number: int
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """A seed as the demo sees it."""

    file: Path
    human: str
    repos: tuple[str, ...]
    asks: tuple[Ask, ...]


def read_seed(file: Path) -> Seed:
    """Return what ``file`` seeds; raise SeedWrong when nobody could play the human or nothing is asked."""
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SeedWrong(f"{file}: cannot be read: {error}") from error
    repositories = data.get("repositories", [])
    asks = tuple(
        Ask(repo=repository["full_name"], number=number, title=issue.get("title", ""))
        for repository in repositories
        for number, issue in enumerate(repository.get("issues", []), start=1)
        if TRIGGER in issue.get("labels", [])
    )
    human = next(
        (u["login"] for u in data.get("users", []) if u.get("permission") in _WRITERS and u["login"] != "cogworks"),
        None,
    )
    if human is None:
        raise SeedWrong(f"{file}: users: nobody but cogworks has write access, so nobody can answer at gates")
    if not asks:
        raise SeedWrong(f"{file}: repositories.issues: none carries the label {TRIGGER}")
    return Seed(file=file, human=human, repos=tuple(r["full_name"] for r in repositories), asks=asks)


def shipped_seed(folder: Path) -> tuple[Path, Path]:
    """Copy the shipped seed into ``folder`` and return its seed and script files."""
    place = folder / "seed"
    with_source = files("cogworks.demo") / "seeds" / "tally"
    shutil.copytree(str(with_source), place, dirs_exist_ok=True)
    return place / "seed.toml", place / "script.jsonl"
