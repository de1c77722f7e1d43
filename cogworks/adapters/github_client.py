"""GitHub over PyGithub: all verb groups of one token, plugged into the port ``GitHub``."""

from collections.abc import Callable

from cogworks.adapters.github_comments import GitHubComments
from cogworks.adapters.github_contents import GitHubContents
from cogworks.adapters.github_issues import GitHubIssues, GitHubLabels
from cogworks.adapters.github_pulls import GitHubPulls
from cogworks.adapters.github_wire import EtagStore, GitHubWire, Observers, requester_for
from cogworks.model.errors import RateLimited
from cogworks.model.github import Limits
from cogworks.ports.github import Guard
from cogworks.ports.limits import RequestKind


class GitHubClient:
    """One token at one server; ``guarded_by`` gives the same with a guard before every write."""

    def __init__(
        self,
        *,
        token: str,
        base_url: str,
        etags: EtagStore,
        count: Callable[[str, int], None],
        limits_seen: Callable[[Limits], None] | None = None,
        pace: Callable[[RequestKind], None] | None = None,
        refused: Callable[[RateLimited], RateLimited] | None = None,
        login: str | None = None,
    ) -> None:
        """Build the client; nothing is asked of the server yet.

        ``count`` is told each operation with its status (0: no answer), ``limits_seen`` every limit that an answer
        tells, ``pace`` is called before each request and may wait or raise RateLimited, ``refused`` is told of each
        refusal for a limit and returns it with the time until it lifts. ``login`` is needed for App installation
        tokens.
        """
        observers = Observers(count=count, limits_seen=limits_seen, pace=pace, refused=refused)
        requester = requester_for(token=token, base_url=base_url)
        self._plug(GitHubWire(requester=requester, base_url=base_url, etags=etags, observers=observers), login=login)

    def _plug(self, wire: GitHubWire, *, login: str | None) -> None:
        self._wire = wire
        self.issues = GitHubIssues(wire)
        self.labels = GitHubLabels(wire)
        self.comments = GitHubComments(wire)
        self.pulls = GitHubPulls(wire)
        self.contents = GitHubContents(wire, login=login)

    def guarded_by(self, guard: Guard) -> "GitHubClient":
        """Return the same GitHub whose every write first calls ``guard``, which raises to forbid it."""
        guarded = GitHubClient.__new__(GitHubClient)
        guarded._plug(self._wire.guarded_by(guard), login=None)
        guarded.contents = self.contents
        return guarded
