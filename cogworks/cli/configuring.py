"""`config check|show`, `pipeline check|graph`: the files of a checkout or of a repository; nothing is written."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from cogworks.bootstrap import shipped
from cogworks.cli.answer import Answer, Exit, Wrong
from cogworks.cli.failing import wrong_of
from cogworks.cli.options import Globals
from cogworks.cli.surroundings import onlooker, operator
from cogworks.engine.checking import Checked, check_files, check_repository
from cogworks.engine.configuring import PIPELINE_FILE
from cogworks.engine.patience import patiently
from cogworks.graph.draw import draw
from cogworks.model.config import Config
from cogworks.model.errors import ConfigError, Problem
from cogworks.model.ids import parse_repo
from cogworks.model.json_value import JsonObject
from cogworks.policy.toml_file import MAX_BYTES

_TEMPLATES = Path(".cogworks/templates")
_CONFIG: TypeAdapter[Config] = TypeAdapter(Config)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Whose files: a repository over GitHub at ``ref``, or the checkout in ``directory``."""

    repo: str | None
    directory: Path
    ref: str | None

    def __str__(self) -> str:
        return str(self.directory.resolve()) if self.repo is None else self.repo


def check(options: Globals, source: Source) -> Answer:
    """Return every problem of every file."""
    found = _looked_at(options, source)
    text = "".join(f"ok      {name}\n" for name in found.files if not _has_problem(found.problems, name))
    text += "".join(f"warning {warning}\n" for warning in found.warnings)
    return _verdict(found, found.problems, text)


def show(options: Globals, source: Source) -> Answer:
    """Return the settings in force."""
    found = _looked_at(options, source)
    if found.config is None:
        return _verdict(found, found.problems, "")
    value = _CONFIG.dump_python(found.config, mode="json")
    return Answer(text=json.dumps(value, ensure_ascii=False, indent=2) + "\n", data=value)


def check_pipeline(options: Globals, source: Source) -> Answer:
    """Return every problem of the pipelines."""
    found = _looked_at(options, source)
    own = PIPELINE_FILE in found.files
    problems = [one for one in found.problems if one.file == PIPELINE_FILE]
    names = ", ".join(found.pipeline.pipelines)
    text = f"{PIPELINE_FILE if own else 'the shipped pipeline'}: {names}\n" if not problems else ""
    text += "".join(f"warning {warning}\n" for warning in found.warnings if warning.startswith(PIPELINE_FILE))
    return _verdict(found, problems, text)


def graph(options: Globals, source: Source, *, form: Literal["mermaid", "dot", "json"], name: str | None) -> Answer:
    """Return a drawn pipeline."""
    found = _looked_at(options, source)
    problems = [one for one in found.problems if one.file == PIPELINE_FILE]
    if problems:
        return _verdict(found, problems, "")
    wanted = name or found.pipeline.default
    chosen = found.pipeline.pipelines.get(wanted)
    if chosen is None:
        hint = ", ".join(sorted(found.pipeline.pipelines))
        wrong = Wrong(code="out_of_range", field="--pipeline", message=f"there is no pipeline {wanted}", hint=hint)
        return Answer(exit_code=Exit.WRONG_USAGE, errors=(wrong,))
    drawn = draw(chosen, form)
    data: JsonObject = {"pipeline": chosen.name, "format": form, "graph": drawn}
    return Answer(text=drawn, data=data)


def _looked_at(options: Globals, source: Source) -> Checked:
    kept = shipped(operator(options))
    if source.repo is None:
        if source.ref is not None:
            message = "--ref needs a repository; a checkout is looked at as it is"
            raise ConfigError(problems=(Problem(code="usage", field="--ref", message=message),))
        root = source.directory
        if not root.is_dir():
            raise ConfigError(problems=(Problem(code="not_a_file", file=str(root), message="there is no such folder"),))
        return check_files(lambda path: _local(root, path), templates=_templates(root), shipped=kept)
    repo = parse_repo(source.repo)
    seen = onlooker(options)
    return patiently(
        lambda: check_repository(seen.github, repo, ref=source.ref, shipped=kept), clock=seen.clock, ids=seen.ids
    )


def _templates(root: Path) -> Sequence[str]:
    return [str(path.relative_to(root)) for path in sorted((root / _TEMPLATES).glob("*.md"))]


def _local(root: Path, path: str) -> bytes | None:
    file = root / path
    if file.is_symlink() or (file.exists() and not file.is_file()):
        problem = Problem(code="not_a_file", file=path, message="a link or a folder", allowed="a file")
        raise ConfigError(problems=(problem,))
    try:
        with file.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        problem = Problem(code="not_a_file", file=path, message=f"cannot be read: {error.strerror}")
        raise ConfigError(problems=(problem,)) from error


def _has_problem(problems: Sequence[Problem], name: str) -> bool:
    return any(problem.file == name for problem in problems)


def _verdict(found: Checked, problems: Sequence[Problem], text: str) -> Answer:
    data: JsonObject = {"files": list(found.files), "warnings": list(found.warnings)}
    if problems:
        wrongs = tuple(wrong_of(problem) for problem in problems)
        return Answer(text=text, data=data, exit_code=Exit.WRONG_USAGE, errors=wrongs)
    return Answer(text=text, data=data)
