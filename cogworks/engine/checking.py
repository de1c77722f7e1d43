"""Look at every ``.cogworks`` file and name all that is wrong, without starting anything (70 section 3)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from cogworks.engine.configuring import CONFIG_FILE, PIPELINE_FILE, Shipped
from cogworks.graph.definition import PipelineFile
from cogworks.graph.parse import parse_pipeline
from cogworks.graph.validate import validate
from cogworks.model.config import Config, Constitutional
from cogworks.model.errors import ConfigError, PolicyViolation, Problem
from cogworks.model.ids import RepoName, Sha
from cogworks.model.services import Services
from cogworks.nodes.template import Template, read_template
from cogworks.policy.config_file import parse_config
from cogworks.policy.constitution import read_rules
from cogworks.policy.services_file import parse_services
from cogworks.ports.github import GitHub

Read = Callable[[str], bytes | None]
"""Returns the content of a file by its path in the repository, None when it does not exist."""

_T = TypeVar("_T")


@dataclass(slots=True, kw_only=True)
class Checked:
    """What was found in the files of one repository."""

    pipeline: PipelineFile
    config: Config | None = None
    services: Services = field(default_factory=Services)
    files: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def check_repository(github: GitHub, repo: RepoName, *, ref: str | None, shipped: Shipped) -> Checked:
    """Check the files of a repository over GitHub, by default at the head of its default branch.

    Templates are left out: GitHub is asked for files by name, and theirs are free.
    """
    branch = github.contents.repo(repo).default_branch if ref is None else ref
    return check_files(lambda path: github.contents.file(repo, path, ref=branch), templates=(), shipped=shipped)


def check_files(read: Read, *, templates: Sequence[str], shipped: Shipped) -> Checked:
    """Check the files that ``read`` gives, the repository's own ``templates`` among them."""
    found = Checked(pipeline=shipped.default_pipeline)
    found.config = _part(found, lambda: _config(read, found, shipped))
    found.pipeline = _part(found, lambda: _pipeline(read, found, shipped)) or shipped.default_pipeline
    found.services = _part(found, lambda: _services(read, found, shipped)) or Services()
    found.warnings += found.services.warnings
    _part(found, partial(_rules, read, found))
    for path in templates:
        _part(found, partial(_template, read, path, found))
    return found


def _part(found: Checked, parse: Callable[[], _T]) -> _T | None:
    try:
        return parse()
    except ConfigError as error:
        found.problems += error.problems
        return None


def _config(read: Read, found: Checked, shipped: Shipped) -> Config:
    text = _seen(read, CONFIG_FILE, found)
    if text is None:
        raise ConfigError(problems=(_missing(CONFIG_FILE),))
    return parse_config(text, file=CONFIG_FILE, known_models=shipped.known_models)


def _pipeline(read: Read, found: Checked, shipped: Shipped) -> PipelineFile:
    text = _seen(read, PIPELINE_FILE, found)
    if text is None:
        return shipped.default_pipeline
    parsed = parse_pipeline(text, file=PIPELINE_FILE, defaults=shipped.default_pipeline)
    verdict = validate(parsed, file=PIPELINE_FILE)
    found.warnings += [str(warning) for warning in verdict.warnings]
    if verdict.errors:
        raise ConfigError(problems=verdict.errors)
    return parsed


def _services(read: Read, found: Checked, shipped: Shipped) -> Services:
    text = _seen(read, shipped.services_file, found)
    return Services() if text is None else parse_services(text, file=shipped.services_file)


def _rules(read: Read, found: Checked) -> None:
    """Check that the rules are there and whole; who approved them is seen when a run starts (CONST-02)."""
    path = (found.config.constitutional if found.config else Constitutional()).rules_file
    text = _seen(read, path, found)
    if text is None:
        found.problems.append(_missing(path))
        return
    try:
        read_rules(text, commit=Sha(""), approval="")
    except PolicyViolation as error:
        found.problems.append(
            Problem(code="missing_key", file=path, field=error.detail, message=error.message, allowed="every core rule")
        )


def _template(read: Read, path: str, found: Checked) -> Template:
    return read_template(_seen(read, path, found) or b"", file=path)


def _seen(read: Read, path: str, found: Checked) -> bytes | None:
    text = read(path)
    if text is not None:
        found.files.append(path)
    return text


def _missing(path: str) -> Problem:
    return Problem(
        code="missing_file", file=path, message="the file does not exist", allowed="`cogworks init` writes one"
    )
