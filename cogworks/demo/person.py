"""The person of the demo at the gates: merges specification and interfaces, or leaves it to the reader (DEM-03)."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from cogworks.demo.github import GitHub, Item, Pull

_BRANCH = re.compile(r"cogworks/(?P<item>\d+)/(?:r\d+/)?(?P<slug>[^/]+)\Z")
_SWI = re.compile(r"swi-(?P<ordinal>\d+)\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a pull request of CogWorks is about."""

    item: int
    kind: str
    swi: int | None


def subject_of(pull: Pull) -> Subject | None:
    """Return what a pull request is about by its branch: spec, interfaces, code, or another document's name."""
    found = _BRANCH.match(pull.head)
    if found is None:
        return None
    piece = _SWI.match(found["slug"])
    kind = "code" if piece else found["slug"]
    return Subject(item=int(found["item"]), kind=kind, swi=int(piece["ordinal"]) if piece else None)


@dataclass(slots=True, kw_only=True)
class Person:
    """Answers each gate once."""

    login: str
    github: GitHub
    url: str
    token: str
    paused: bool
    say: Callable[[str], None]
    ask: Callable[[str], None]
    _answered: set[tuple[str, int]] = field(default_factory=set)

    def answer(self, item: Item) -> None:
        """Merge what waits at the gate of ``item``, saying so; or print how the reader does it."""
        for pull in self.github.pulls(item.repo):
            subject = subject_of(pull)
            waits = subject is not None and subject.item == item.number and subject.kind != "code" and pull.open
            if subject is None or not waits or (item.repo, pull.number) in self._answered:
                continue
            self._answered.add((item.repo, pull.number))
            if self.paused:
                self.ask(self._how(item, pull))
            else:
                self.say(f"{self.login} reads and merges #{pull.number} {pull.title}")
                self.github.merge(item.repo, pull.number)

    def _how(self, item: Item, pull: Pull) -> str:
        place = f"{self.url}/repos/{item.repo}/pulls/{pull.number}"
        header = f"-H 'Authorization: Bearer {self.token}'"
        return (
            f"#{pull.number} {pull.title} waits for you ({pull.url}):\n"
            f"  read    curl -s {header} {place}/files\n"
            f"  merge   curl -s -X PUT {header} {place}/merge\n"
            f'  reject  curl -s -X PATCH {header} -d \'{{"state":"closed"}}\' {place}'
        )
