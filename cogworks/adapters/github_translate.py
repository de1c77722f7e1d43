"""From GitHub's JSON to model values; pure. A missing or misshapen field is a ParseFailure, never a guess (GH-50)."""

import base64
import binascii
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from cogworks.model.errors import ParseFailure
from cogworks.model.github import (
    Comment,
    Issue,
    IssueEvent,
    Label,
    Limits,
    Milestone,
    Permission,
    Pull,
    Repo,
    Review,
)
from cogworks.model.ids import IssueNumber, PullNumber, RepoName, Sha
from cogworks.model.json_value import JsonValue

T = TypeVar("T")
W = TypeVar("W", bound="_Wire")
_PERMISSIONS = frozenset(get_args(Permission))


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _User(_Wire):
    login: str
    type: str = "User"

    @property
    def is_bot(self) -> bool:
        return self.type == "Bot"


# GitHub shows the account "ghost" in place of a deleted one, and null in the API.
_GHOST = _User(login="ghost")
_Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]
_Someone = Annotated[_User, BeforeValidator(lambda value: _GHOST if value is None else value)]


class _Label(_Wire):
    name: str
    color: _Text = ""
    description: _Text = ""


class _Milestone(_Wire):
    number: int
    title: str


class _Dependencies(_Wire):
    blocked_by: int


class _Issue(_Wire):
    id: int
    number: int
    title: str
    body: _Text
    state: Literal["open", "closed"]
    labels: tuple[_Label | str, ...]
    user: _Someone
    milestone: _Milestone | None = None
    updated_at: datetime
    pull_request: Any = None
    issue_dependencies_summary: _Dependencies | None = None


class _Comment(_Wire):
    id: int
    body: _Text
    user: _Someone
    created_at: datetime
    updated_at: datetime | None = None
    issue_url: str = ""


class _Numbered(_Wire):
    number: int


class _Event(_Wire):
    id: int
    event: str
    actor: _Someone
    created_at: datetime
    issue: _Numbered | None = None
    label: _Label | None = None


class _Branch(_Wire):
    ref: str
    sha: str


class _Pull(_Wire):
    number: int
    title: str
    body: _Text
    state: Literal["open", "closed"]
    head: _Branch
    base: _Branch
    user: _Someone
    html_url: str
    merged_at: datetime | None
    merged_by: _User | None = None


class _Review(_Wire):
    id: int
    user: _Someone
    state: Literal["APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED", "PENDING"]
    body: _Text
    submitted_at: datetime | None = None


class _Rights(_Wire):
    push: bool = False
    admin: bool = False


class _Repo(_Wire):
    full_name: str
    default_branch: str
    permissions: _Rights = _Rights()


class _Permission(_Wire):
    permission: str
    role_name: str = ""


class _File(_Wire):
    type: str
    encoding: str
    content: str


class _Object(_Wire):
    sha: str


class _Ref(_Wire):
    object: _Object


class _Rate(_Wire):
    limit: int
    remaining: int
    reset: int


class _Rates(_Wire):
    core: _Rate


class _RateAnswer(_Wire):
    resources: _Rates


def _parsed(kind: type[W], body: JsonValue, *, operation: str, target: str) -> W:
    try:
        return kind.model_validate(body)
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "answer"
        raise ParseFailure(f"field {field}: {first['msg']}", operation=operation, target=target) from fault


def issue(body: JsonValue, *, operation: str, target: str) -> Issue:
    """Return one issue; ``is_pull`` tells a pull request in its form as an issue."""
    wire = _parsed(_Issue, body, operation=operation, target=target)
    return Issue(
        id=wire.id,
        number=IssueNumber(wire.number),
        title=wire.title,
        body=wire.body,
        open=wire.state == "open",
        labels=tuple(label if isinstance(label, str) else label.name for label in wire.labels),
        author=wire.user.login,
        author_is_bot=wire.user.is_bot,
        milestone=wire.milestone.title if wire.milestone else None,
        milestone_number=wire.milestone.number if wire.milestone else None,
        updated_at=wire.updated_at,
        is_pull=wire.pull_request is not None,
        open_blockers=None if wire.issue_dependencies_summary is None else wire.issue_dependencies_summary.blocked_by,
    )


def label(body: JsonValue, *, operation: str, target: str) -> Label:
    """Return one label of the repository."""
    wire = _parsed(_Label, body, operation=operation, target=target)
    return Label(name=wire.name, color=wire.color, description=wire.description)


def milestone(body: JsonValue, *, operation: str, target: str) -> Milestone:
    """Return one milestone."""
    wire = _parsed(_Milestone, body, operation=operation, target=target)
    return Milestone(number=wire.number, title=wire.title)


def comment(body: JsonValue, *, operation: str, target: str) -> Comment:
    """Return one comment, with the issue that its ``issue_url`` names."""
    wire = _parsed(_Comment, body, operation=operation, target=target)
    number = wire.issue_url.rpartition("/")[2]
    return Comment(
        id=wire.id,
        author=wire.user.login,
        author_is_bot=wire.user.is_bot,
        body=wire.body,
        created_at=wire.created_at,
        issue=IssueNumber(int(number)) if number.isdecimal() else None,
        edited=wire.updated_at is not None and wire.updated_at > wire.created_at,
    )


def event(body: JsonValue, *, operation: str, target: str) -> IssueEvent | None:
    """Return one issue event; None for one whose issue GitHub no longer shows."""
    wire = _parsed(_Event, body, operation=operation, target=target)
    if wire.issue is None:
        return None
    return IssueEvent(
        id=wire.id,
        issue=IssueNumber(wire.issue.number),
        kind=wire.event,
        actor=wire.actor.login,
        actor_is_bot=wire.actor.is_bot,
        at=wire.created_at,
        label=wire.label.name if wire.label else None,
    )


def pull(body: JsonValue, *, operation: str, target: str) -> Pull:
    """Return one pull request; lists do not tell who merged it."""
    wire = _parsed(_Pull, body, operation=operation, target=target)
    return Pull(
        number=PullNumber(wire.number),
        title=wire.title,
        body=wire.body,
        open=wire.state == "open",
        merged=wire.merged_at is not None,
        head=wire.head.ref,
        head_sha=Sha(wire.head.sha),
        base=wire.base.ref,
        author=wire.user.login,
        url=wire.html_url,
        merged_by=wire.merged_by.login if wire.merged_by else None,
        merged_by_is_bot=wire.merged_by is not None and wire.merged_by.is_bot,
    )


def review(body: JsonValue, *, operation: str, target: str) -> Review:
    """Return one review."""
    wire = _parsed(_Review, body, operation=operation, target=target)
    return Review(
        id=wire.id,
        author=wire.user.login,
        author_is_bot=wire.user.is_bot,
        state=wire.state,
        body=wire.body,
        at=wire.submitted_at,
    )


def repo(body: JsonValue, *, operation: str, target: str) -> Repo:
    """Return the repository as the token sees it."""
    wire = _parsed(_Repo, body, operation=operation, target=target)
    return Repo(
        name=RepoName(wire.full_name),
        default_branch=wire.default_branch,
        can_push=wire.permissions.push,
        can_admin=wire.permissions.admin,
    )


def permission(body: JsonValue, *, operation: str, target: str) -> Permission:
    """Return a person's right: the finer role where it is one of ours, else the coarse word."""
    wire = _parsed(_Permission, body, operation=operation, target=target)
    for word in (wire.role_name, wire.permission):
        if word in _PERMISSIONS:
            return word  # type: ignore[return-value]  # one of the words of Permission, by the line above
    raise ParseFailure(f"field permission: {wire.permission!r} is unknown", operation=operation, target=target)


def login(body: JsonValue, *, operation: str, target: str) -> str:
    """Return the login of an account."""
    return _parsed(_User, body, operation=operation, target=target).login


def limits(body: JsonValue, *, operation: str, target: str) -> Limits:
    """Return the primary limit."""
    wire = _parsed(_RateAnswer, body, operation=operation, target=target).resources.core
    return Limits(limit=wire.limit, remaining=wire.remaining, reset_at=datetime.fromtimestamp(wire.reset, UTC))


def file(body: JsonValue, *, operation: str, target: str) -> bytes | None:
    """Return the bytes of a file; None when the path is a folder or a submodule."""
    if isinstance(body, list):
        return None
    wire = _parsed(_File, body, operation=operation, target=target)
    if wire.type != "file":
        return None
    if wire.encoding != "base64":
        raise ParseFailure(f"field encoding: {wire.encoding!r}, too large", operation=operation, target=target)
    try:
        return base64.b64decode(wire.content)
    except binascii.Error as fault:
        raise ParseFailure(f"field content: {fault}", operation=operation, target=target) from fault


def ref(body: JsonValue, *, operation: str, target: str) -> Sha:
    """Return the commit that a ref points to."""
    return Sha(_parsed(_Ref, body, operation=operation, target=target).object.sha)


def sha(body: JsonValue, *, operation: str, target: str) -> Sha:
    """Return the id of a commit."""
    return Sha(_parsed(_Object, body, operation=operation, target=target).sha)


def each(one: Callable[..., T], body: JsonValue, *, operation: str, target: str) -> tuple[T, ...]:
    """Return every entry of a list, each translated by ``one``."""
    if not isinstance(body, list):
        raise ParseFailure("answer is not a list", operation=operation, target=target)
    return tuple(one(entry, operation=operation, target=target) for entry in body)
