"""The seed file: who and what a twin begins with, every mistake named at once."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cogworks.twins.github.bare import GitError, run_git
from cogworks.twins.github.people import BOT_LOGIN
from cogworks.twins.github.wire import BODY_LIMIT_CHARACTERS

FIRST_AUTHOR = "maria"
FIRST_REVIEWER = "reviewer"
_Login = Annotated[str, Field(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})$")]
_Title = Annotated[str, Field(min_length=1, max_length=256)]
_LabelName = Annotated[
    str, Field(min_length=1, max_length=50, pattern=r"^[^,\x00-\x1f\s](?:[^,\x00-\x1f]*[^,\x00-\x1f\s])?$")
]


class SeedError(Exception):
    """The seed file is wrong; the message names file, field and what is allowed, one problem a line."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SeedUser(_Strict):
    """A person; `cogworks` need not be listed."""

    login: _Login
    permission: Literal["admin", "write", "triage", "read", "none"] = "write"


class SeedLabel(_Strict):
    """A label of a repository."""

    name: _LabelName
    color: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{6}$")] = "ededed"
    description: Annotated[str, Field(max_length=100)] | None = None


class SeedMilestone(_Strict):
    """An open milestone."""

    title: _Title
    description: str | None = None


class SeedIssue(_Strict):
    """An open issue; its text is `body`, or stands in `body_file`."""

    title: _Title
    body: str | None = None
    body_file: str | None = None
    author: str = FIRST_AUTHOR
    labels: tuple[_LabelName, ...] = ()
    milestone: str | None = None


class SeedRepository(_Strict):
    """A repository; `source` is a folder or a git repository."""

    full_name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}$")]
    source: str | None = None
    default_branch: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._/-]*$")] = "main"
    labels: tuple[SeedLabel, ...] = ()
    milestones: tuple[SeedMilestone, ...] = ()
    issues: tuple[SeedIssue, ...] = ()


class Seed(_Strict):
    """A whole seed file."""

    users: tuple[SeedUser, ...] = ()
    repositories: tuple[SeedRepository, ...] = ()


def load_seed(path: Path) -> Seed:
    """Read a seed file and resolve the paths in it; SeedError names everything that is wrong."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SeedError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SeedError(f"{path}: must be TOML: {error}") from error
    try:
        seed = Seed.model_validate(table)
    except ValidationError as error:
        raise SeedError("\n".join(f"{path}: {problem}" for problem in _shape_problems(error))) from error
    problems = _meaning_problems(seed, path.parent)
    if problems:
        raise SeedError("\n".join(f"{path}: {problem}" for problem in problems))
    return _resolved(seed, path.parent)


_MODELS: dict[str, type[BaseModel]] = {
    "users": SeedUser, "repositories": SeedRepository, "labels": SeedLabel, "milestones": SeedMilestone,
    "issues": SeedIssue,
}  # fmt: skip


def _shape_problems(error: ValidationError) -> list[str]:
    found = []
    for detail in error.errors(include_url=False):
        field = _place(*detail["loc"])
        if detail["type"] == "extra_forbidden":
            tables = [part for part in detail["loc"][:-1] if isinstance(part, str)]
            model = _MODELS[tables[-1]] if tables else Seed
            found.append(f"{field}: unknown field, allowed: {', '.join(model.model_fields)}")
        else:
            found.append(f"{field}: {detail['msg']}")
    return found


def _place(*parts: int | str) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).lstrip(".")


def _meaning_problems(seed: Seed, folder: Path) -> list[str]:
    logins = [user.login.lower() for user in seed.users]
    problems = [
        f"users[{index}].login: {login} is listed twice or reserved, allowed: each login once, never {BOT_LOGIN}"
        for index, login in enumerate(logins)
        if login in logins[:index] or login == BOT_LOGIN
    ]
    names = [repository.full_name.lower() for repository in seed.repositories]
    known = {*logins, BOT_LOGIN, FIRST_AUTHOR, FIRST_REVIEWER}
    for index, repository in enumerate(seed.repositories):
        place = f"repositories[{index}]"
        if names[index] in names[:index]:
            problems.append(f"{place}.full_name: {repository.full_name} is listed twice")
        problems += _list_problems(place, repository)
        problems += _source_problems(place, repository, folder)
        for number, issue in enumerate(repository.issues):
            problems += _issue_problems(f"{place}.issues[{number}]", issue, repository, known, folder)
    return problems


def _list_problems(place: str, repository: SeedRepository) -> list[str]:
    labels = [label.name.lower() for label in repository.labels]
    titles = [milestone.title for milestone in repository.milestones]
    return [
        *(f"{place}.labels[{n}].name: {name} is listed twice" for n, name in enumerate(labels) if name in labels[:n]),
        *(
            f"{place}.milestones[{n}].title: {name} is listed twice"
            for n, name in enumerate(titles)
            if name in titles[:n]
        ),
    ]


def _source_problems(place: str, repository: SeedRepository, folder: Path) -> list[str]:
    if repository.source is None:
        return []
    source = folder / repository.source
    if not source.is_dir():
        return [f"{place}.source: {source} does not exist, allowed: a folder or a git repository"]
    if not is_git(source):
        return [] if any(source.iterdir()) else [f"{place}.source: {source} is empty, allowed: a folder with files"]
    branch = repository.default_branch
    try:
        run_git(source, ["rev-parse", "--verify", "--quiet", f"refs/heads/{branch}"])
    except GitError:
        return [f"{place}.default_branch: {source} has no branch {branch}, allowed: one of its branches"]
    return []


def _issue_problems(
    place: str, issue: SeedIssue, repository: SeedRepository, known: set[str], folder: Path
) -> list[str]:
    problems = []
    if issue.author.lower() not in known:
        problems.append(f"{place}.author: unknown user {issue.author}, allowed: {', '.join(sorted(known))}")
    titles = [milestone.title for milestone in repository.milestones]
    if issue.milestone is not None and issue.milestone not in titles:
        allowed = ", ".join(titles) or "none, the repository has no milestones"
        problems.append(f"{place}.milestone: unknown milestone {issue.milestone}, allowed: {allowed}")
    if issue.body is not None and issue.body_file is not None:
        problems.append(f"{place}.body_file: allowed: body or body_file, not both")
    elif issue.body_file is not None and not (folder / issue.body_file).is_file():
        problems.append(f"{place}.body_file: {folder / issue.body_file} does not exist, allowed: a text file")
    elif len(_text(issue, folder) or "") > BODY_LIMIT_CHARACTERS:
        problems.append(f"{place}.body: is too long, allowed: {BODY_LIMIT_CHARACTERS} characters")
    return problems


def _text(issue: SeedIssue, folder: Path) -> str | None:
    if issue.body_file is None:
        return issue.body
    return (folder / issue.body_file).read_text(encoding="utf-8", errors="replace")


def is_git(source: Path) -> bool:
    """Say whether a folder is a git repository, with or without a working copy."""
    return (source / ".git").exists() or ((source / "HEAD").is_file() and (source / "objects").is_dir())


def _resolved(seed: Seed, folder: Path) -> Seed:
    """Return a seed that no longer depends on where its file stood."""
    repositories = tuple(
        repository.model_copy(
            update={
                "source": None if repository.source is None else str((folder / repository.source).resolve()),
                "issues": tuple(
                    issue.model_copy(update={"body": _text(issue, folder), "body_file": None})
                    for issue in repository.issues
                ),
            }
        )
        for repository in seed.repositories
    )
    return seed.model_copy(update={"repositories": repositories})
