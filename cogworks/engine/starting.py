"""What must be true before a process begins to work: a Redis to rely on, and the rights it needs (RUN-14, GH-02)."""

from collections.abc import Callable, Sequence

from cogworks.model.errors import CogWorksError, ConfigError, Problem, Transient
from cogworks.model.ids import RepoName
from cogworks.ports.github import GitHub
from cogworks.ports.runtime import Clock

UNREACHABLE = "redis_unreachable"
_ASK_AGAIN_S = 5.0

Say = Callable[[str], None]


def await_redis(problems: Callable[[], Sequence[Problem]], *, clock: Clock, say: Say) -> None:
    """Return once Redis can be relied on; wait while it is away, raise ConfigError that names what else is wrong."""
    while True:
        found = problems()
        if not found:
            return
        if any(one.code != UNREACHABLE for one in found):
            raise ConfigError(problems=tuple(found))
        say(f"{found[0].message}; it is asked again in {_ASK_AGAIN_S:.0f} s")
        clock.sleep(_ASK_AGAIN_S)


def require_rights(github: GitHub, repos: Sequence[RepoName], *, say: Say) -> None:
    """Raise ConfigError that names every permission the token lacks; say where it may do more than it should.

    A GitHub that does not answer is no reason to stay away: it is asked again by all that follows.
    """
    problems: list[Problem] = []
    for repo in repos:
        try:
            problems += [_lacks(repo, right) for right in missing_rights(github, repo)]
            if github.contents.repo(repo).can_admin:
                say(f"the token may administer {repo}: write access to issues, pull requests and contents would do")
        except Transient as error:
            say(f"rights to {repo} cannot be asked for now: {error.message}")
        except CogWorksError as error:
            problems.append(_lacks(repo, f"any access: {error.message}"))
    if problems:
        raise ConfigError(problems=tuple(problems))


def missing_rights(github: GitHub, repo: RepoName) -> tuple[str, ...]:
    """Return the permissions that the token lacks for work in ``repo``."""
    lacks = github.contents.missing_rights(repo)
    return lacks if github.contents.repo(repo).can_push else (*lacks, "contents: write")


def _lacks(repo: RepoName, right: str) -> Problem:
    return Problem(
        code="permission_denied",
        file="environment",
        field="COGWORKS_GITHUB_TOKEN",
        message=f"the token lacks for {repo}: {right}",
        allowed="read and write rights to issues, pull requests and contents",
    )
