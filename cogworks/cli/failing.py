"""From an error to the answer of a command: exit code and error items (70 section 1, CLI-01)."""

from dataclasses import replace

from cogworks.cli.answer import Answer, Exit, Wrong
from cogworks.model.errors import (
    CogWorksError,
    ConfigError,
    DependencyUnavailable,
    NotFound,
    PermissionDenied,
    Problem,
    Transient,
)

_OF_AN_ISSUE = frozenset({"issues.get", "comments.list"})
_RIGHTS = "a valid token that may write issues, pull requests and contents of the repository"


def failed(error: CogWorksError) -> Answer:
    """Return the answer that ``error`` means."""
    match error:
        case ConfigError(problems=problems):
            return Answer(exit_code=Exit.WRONG_USAGE, errors=tuple(wrong_of(problem) for problem in problems))
        case NotFound(operation=operation, target=target) if operation in _OF_AN_ISSUE:
            return Answer(exit_code=Exit.WRONG_USAGE, errors=(_no_issue(target),))
        case NotFound(operation="contents.repo", target=target):
            return Answer(exit_code=Exit.WRONG_USAGE, errors=(_no_repository(target),))
        case PermissionDenied():
            wrong = replace(_wrong(error), field="COGWORKS_GITHUB_TOKEN", hint=_RIGHTS)
            return Answer(exit_code=Exit.FAILED, errors=(wrong,))
        case DependencyUnavailable(retry_after_s=seconds):
            return Answer(exit_code=Exit.RETRIABLE, retry_after_s=seconds, errors=(_wrong(error),))
        case Transient(retry_after_s=seconds):
            return Answer(exit_code=Exit.RETRIABLE, retry_after_s=seconds or 60.0, errors=(_wrong(error),))
        case _:
            return Answer(exit_code=Exit.FAILED, errors=(_wrong(error),))


def wrong_of(problem: Problem) -> Wrong:
    """Return a problem with an input as an error item."""
    return Wrong(
        code=problem.code,
        message=problem.message,
        file=problem.file,
        field=problem.field,
        hint=problem.allowed,
    )


def _wrong(error: CogWorksError) -> Wrong:
    # Programs that watch for causes know the failure categories; what has none is known by its class.
    return Wrong(code=error.category or error.code, message=error.message)


def _no_issue(target: str) -> Wrong:
    asked = target.removeprefix("/repos/").removesuffix("/comments").replace("/issues/", "#")
    return Wrong(
        code="issue_not_found",
        message=f"{asked} does not exist, or the token may not see it",
        field="issue",
        hint="owner/name#42 of an issue that the token can read",
    )


def _no_repository(target: str) -> Wrong:
    return Wrong(
        code="repository_not_found",
        message=f"{target.removeprefix('/repos/')} does not exist, or the token may not see it",
        field="repo",
        hint="owner/name of a repository that the token can read",
    )
