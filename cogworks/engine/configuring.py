"""Read what steers a run: the ``.cogworks`` files at one commit, and the approved rules (ENG-07, CONST-02)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import TypeVar

from cogworks.engine.run_config import RunConfig
from cogworks.graph.definition import PipelineFile
from cogworks.graph.parse import parse_pipeline, with_budgets
from cogworks.graph.validate import validate
from cogworks.model.config import Config, Labels
from cogworks.model.errors import ConfigError, PolicyViolation, Problem
from cogworks.model.ids import RepoName, Sha
from cogworks.model.services import Services
from cogworks.nodes.template import Template, read_template
from cogworks.policy.config_file import labels_left, parse_config
from cogworks.policy.constitution import Constitution, approved_by_person, located, read_rules
from cogworks.policy.known_models import ModelFacts
from cogworks.policy.services_file import parse_services
from cogworks.ports.git import Git
from cogworks.ports.github import GitHub
from cogworks.ports.runtime import Projection

CONFIG_FILE = ".cogworks/config.toml"
PIPELINE_FILE = ".cogworks/pipeline.toml"
_TEMPLATE_DIR = ".cogworks/templates/"
_DEFAULT_BRANCH = "default-branch"

_T = TypeVar("_T")


# Compared by identity: one is made per process, and what was read beside it is remembered under it.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shipped:
    """Data that comes with the package, and the operator's choices that no repository file can make.

    ``services_text`` is the operator's own services file; without one, the repository's counts.
    """

    default_pipeline: PipelineFile
    known_models: Mapping[str, ModelFacts]
    services_file: str
    services_text: bytes | None
    service_tokens: Mapping[str, str]
    approval_by_merge: bool


def read_config(git: Git, repo: RepoName, *, ref: Sha, shipped: Shipped) -> RunConfig:
    """Return the configuration of ``repo`` at ``ref``; raise ConfigError with every problem of every file."""
    problems: list[Problem] = []
    config = _part(problems, lambda: _config(git, repo, ref=ref, shipped=shipped))
    pipeline = _part(problems, lambda: _pipeline(git, repo, ref=ref, config=config, shipped=shipped))
    services = _part(problems, lambda: _services(git, repo, ref=ref, shipped=shipped))
    if config is None or pipeline is None or services is None:
        raise ConfigError(problems=tuple(problems))
    return RunConfig(config=config, pipeline=pipeline, services=services, config_sha=ref)


def read_first_config(git: Git, repo: RepoName, *, ref: Sha, shipped: Shipped) -> RunConfig:
    """Return what ``read_config`` does, for a run that begins: its templates have to be sound as well (CFG-01)."""
    problems: list[Problem] = []
    config = _part(problems, lambda: read_config(git, repo, ref=ref, shipped=shipped))
    _part(problems, lambda: own_templates(git, repo, ref=ref))
    if config is None or problems:
        raise ConfigError(problems=tuple(problems))
    return config


def own_templates(git: Git, repo: RepoName, *, ref: Sha) -> Mapping[str, Template]:
    """Return the repository's own templates at ``ref`` by name; raise ConfigError with every problem of all."""
    problems: list[Problem] = []
    found: list[Template | None] = []
    for path in git.list(repo, ref=ref):
        if path.startswith(_TEMPLATE_DIR) and path.endswith(".md"):
            content = git.read(repo, path, ref=ref) or b""
            found.append(_part(problems, partial(read_template, content, file=path)))
    if problems:
        raise ConfigError(problems=tuple(problems))
    return {one.name: one for one in found if one is not None}


def _part(problems: list[Problem], read: Callable[[], _T]) -> _T | None:
    try:
        return read()
    except ConfigError as error:
        problems += error.problems
        return None


def _config(git: Git, repo: RepoName, *, ref: Sha, shipped: Shipped) -> Config:
    text = git.read(repo, CONFIG_FILE, ref=ref)
    if text is None:
        raise ConfigError(problems=(_missing(CONFIG_FILE, "`cogworks init` writes one"),))
    return parse_config(text, file=CONFIG_FILE, known_models=shipped.known_models)


def _pipeline(git: Git, repo: RepoName, *, ref: Sha, config: Config | None, shipped: Shipped) -> PipelineFile:
    text = git.read(repo, PIPELINE_FILE, ref=ref)
    if text is None:
        if config is None:
            return shipped.default_pipeline
        return with_budgets(
            shipped.default_pipeline,
            review_max_remediation_cycles=config.budgets.review_max_remediation_cycles,
            sub_work_item_max_retries=config.budgets.sub_work_item_max_retries,
        )
    return _valid_pipeline(text, shipped)


# Every step and every attempt reads the same bytes; judging them took longer than all else that we compute for a node.
@lru_cache(maxsize=32)
def _valid_pipeline(text: bytes, shipped: Shipped) -> PipelineFile:
    parsed = parse_pipeline(text, file=PIPELINE_FILE, defaults=shipped.default_pipeline)
    verdict = validate(parsed, file=PIPELINE_FILE)
    if verdict.errors:
        raise ConfigError(problems=verdict.errors)
    return parsed


def _services(git: Git, repo: RepoName, *, ref: Sha, shipped: Shipped) -> Services:
    text = shipped.services_text or git.read(repo, shipped.services_file, ref=ref)
    if text is None:
        return Services()
    return parse_services(text, file=shipped.services_file)


def labels_at(git: Git, repo: RepoName, *, branch: str) -> Labels:
    """Return the workflow labels of ``repo`` as far as its configuration, sound or not, names them."""
    head = git.branch_head(repo, branch)
    return labels_left(git.read(repo, CONFIG_FILE, ref=head) if head is not None else None)


def read_constitution(
    git: Git, github: GitHub, projection: Projection, repo: RepoName, *, config: Config, shipped: Shipped
) -> Constitution:
    """Return the rules at the head of the default branch, once a person has approved them (CONST-02, CONST-04).

    Raises PolicyViolation that says what is wrong with them; then nothing may be asked of a model.
    """
    path = config.constitutional.rules_file
    try:
        return _rules(git, github, projection, repo, path=path, shipped=shipped)
    except PolicyViolation as error:
        raise located(error, file=path) from error


def _rules(
    git: Git, github: GitHub, projection: Projection, repo: RepoName, *, path: str, shipped: Shipped
) -> Constitution:
    branch = default_branch(github, projection, repo)
    commit = github.contents.last_commit(repo, path, ref=branch)
    text = git.read(repo, path, ref=commit) if commit is not None else None
    rules = read_rules(text, commit=commit or Sha(""), approval="")
    name = f"approved-{rules.commit}"
    approval = projection.cursor(repo, name)
    if not approval:
        pulls = [(pull, github.pulls.reviews(repo, pull.number)) for pull in github.pulls.of_commit(repo, rules.commit)]
        approval = approved_by_person(pulls, merge_by_admin_counts=shipped.approval_by_merge)
        projection.move_cursor(repo, name, approval)
    return replace(rules, approval=approval)


def default_branch(github: GitHub, projection: Projection, repo: RepoName, *, anew: bool = False) -> str:
    """Return the default branch; asked ``anew`` by each new run, and remembered for its nodes."""
    noted = None if anew else projection.cursor(repo, _DEFAULT_BRANCH)
    if noted:
        return noted
    told = github.contents.repo(repo).default_branch
    projection.move_cursor(repo, _DEFAULT_BRANCH, told)
    return told


def _missing(file: str, allowed: str) -> Problem:
    return Problem(
        code="missing_file", file=file, message="the file does not exist on the default branch", allowed=allowed
    )
