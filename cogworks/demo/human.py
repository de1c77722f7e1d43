"""Play the human: merge what waits at a gate, or say how to (DEM-03)."""

from collections.abc import Callable
from dataclasses import dataclass, field

from cogworks.demo.rest import Rest, RestError
from cogworks.demo.view import PullSeen, Sight, pulls_of

_DESIGNS = ("spec", "interfaces")


@dataclass(slots=True, kw_only=True)
class Human:
    """A person with write access. With ``pauses`` the reader is that person."""

    github: Rest
    login: str
    pauses: bool
    say: Callable[[str], None]
    _answered: set[tuple[str, int]] = field(default_factory=set)

    def answer(self, sight: Sight) -> None:
        """Merge the specification and interface pull requests that wait, each once."""
        if not sight.waits:
            return
        for pull in pulls_of(self.github, sight.ask):
            key = (sight.ask.repo, pull.number)
            if pull.kind in _DESIGNS and pull.state == "open" and key not in self._answered:
                self._one(sight, pull)
                self._answered.add(key)

    def _one(self, sight: Sight, pull: PullSeen) -> None:
        path = f"/repos/{sight.ask.repo}/pulls/{pull.number}/merge"
        if self.pauses:
            url = f"{self.github.url}{path}"
            auth = f"-H 'Authorization: Bearer {self.github.token}'"
            self.say(f"#{pull.number} waits for you. Merge it with:\n  curl -X PUT {auth} {url}")
            return
        try:
            self.github.put(path, {})
        except RestError as error:
            self.say(f"{self.login} could not merge #{pull.number}: {error}")
            return
        self.say(f"{self.login} reads and merges #{pull.number} {pull.title}")
