"""`init`: starter files for a repository (CFG-01)."""

from importlib.resources import files
from pathlib import Path

from cogworks.cli.answer import Answer, Exit, Wrong
from cogworks.cli.options import Globals

_NAMES = ("config.toml", "constitutional-rules.md", "services.toml")
_NEXT = (
    "Next: choose a model in config.toml, run `cogworks config check`, and bring the files to the default branch by a\n"
    "pull request that another person approves (constitutional-rules.md needs that approval).\n"
)


def init(_options: Globals, directory: Path) -> Answer:
    """Write the starter files that ``directory`` lacks and name them; overwrite nothing."""
    if not directory.is_dir():
        wrong = Wrong(code="not_a_file", file=str(directory), message="there is no such folder", hint="--dir FOLDER")
        return Answer(exit_code=Exit.WRONG_USAGE, errors=(wrong,))
    home = directory / ".cogworks"
    home.mkdir(exist_ok=True)
    written, kept = list[str](), list[str]()
    for name in _NAMES:
        (written if _write(home / name, name) else kept).append(str(home / name))
    lines = [f"wrote {path}\n" for path in written] + [f"kept  {path}\n" for path in kept]
    return Answer(text="".join(lines) + _NEXT, data={"written": list(written), "kept": list(kept)})


def _write(path: Path, name: str) -> bool:
    content = (files("cogworks.cli") / "starter" / name).read_bytes()
    try:
        # Exclusive, so that what appears meanwhile stays too.
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError:
        return False
    return True
