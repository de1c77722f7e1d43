"""What people can see of a run in the end, as single facts that can be counted and compared."""

import re
import subprocess
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from chaos_room import Room
from people import Person
from stack import REPO

from cogworks.adapters.redis_ledger import RedisLedger
from cogworks.model.ids import IssueNumber, Item, RepoName

_RUN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<=run/)[0-9a-f]{8}\b")
_MARK = re.compile(r"<!-- cogworks:(?P<kind>[a-z-]+) v1 (?:key=(?P<key>\S+))?")
_AUDIT = "/audit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The facts of a final state, each with how often it is there."""

    facts: Counter[str]

    def more_than(self, other: "Picture") -> list[str]:
        """Return what is here and not there."""
        return sorted((self.facts - other.facts).elements())


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """The two sides of the bill, in micro-dollars."""

    told: int
    committed: int
    open: int
    delivered: int
    cut_off: int

    def wrong(self) -> list[str]:
        """Return what does not agree (RUN-17)."""
        found = []
        if self.told != self.delivered:
            found.append(f"the run tells of {self.told} micro-dollars, the provider was paid {self.delivered}")
        if self.committed != self.delivered:
            found.append(f"the ledger holds {self.committed} micro-dollars, the provider was paid {self.delivered}")
        if self.cut_off and self.open < self.cut_off:
            found.append(f"calls for {self.cut_off} micro-dollars were cut off, {self.open} are unreconciled")
        return found


def money(room: Room) -> Money:
    """Read what both sides say of the cost."""
    counts = room.ask("anthropic", "counts")
    with room.redis_client() as client:
        ledger, item = RedisLedger(client), Item(RepoName(REPO), IssueNumber(1))
        if not ledger.book(item, ()):
            # Lost when nothing was left to do: it starts anew when somebody asks.
            room.command("ledger", "rebuild", str(item))
        account = ledger.show(item)
    return Money(
        told=room.maria.told_cost_microusd(),
        committed=account.committed.microusd,
        open=account.unreconciled.microusd + account.reserved.microusd,
        delivered=counts["delivered"]["cost_microusd"],
        cut_off=counts["cut_off"]["cost_microusd"],
    )


def look(room: Room) -> Picture:
    """Take the picture of what is there now."""
    facts = [*_issues(room.maria), *_pulls(room.maria), *_comments(room.maria), *_branches(room.folder / "github")]
    return Picture(facts=Counter(_RUN.sub("RUN", fact) for fact in facts))


def _issues(person: Person) -> Iterable[str]:
    for one in person.get("/issues"):
        if "pull_request" not in one:
            labels = sorted(label["name"] for label in one["labels"])
            yield f"issue #{one['number']} {one['title']!r}: {one['state']}, {', '.join(labels)}"
            parts = sorted(part["number"] for part in person.get(f"/issues/{one['number']}/sub_issues"))
            yield f"issue #{one['number']}: sub-issues {parts}"
            waits = sorted(part["number"] for part in person.get(f"/issues/{one['number']}/dependencies/blocked_by"))
            yield f"issue #{one['number']}: blocked by {waits}"


def _pulls(person: Person) -> Iterable[str]:
    for one in person.get("/pulls"):
        merged = "merged" if one["merged_at"] else one["state"]
        labels = sorted(label["name"] for label in one["labels"])
        yield f"pull request {one['head']['ref']} into {one['base']['ref']}: {one['title']!r} {merged}, {labels}"


def _comments(person: Person) -> Iterable[str]:
    for issue in person.get("/issues"):
        for comment in person.get(f"/issues/{issue['number']}/comments"):
            found = _MARK.match(comment["body"])
            text = f"{found['kind']} {found['key'] or ''}" if found else comment["body"][:80]
            yield f"comment on #{issue['number']}: {text}"
            if found and found["kind"] == "state":
                yield from _told(comment["body"])


def _told(state: str) -> Iterable[str]:
    """Yield how the run stands by its own words: status, and per node attempts, retries and rework."""
    for line in state.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if line.startswith("### "):
            yield f"state: {line}"
        elif len(cells) > 6:
            yield f"state: {', '.join(cells[1:6])}"


def _branches(state: Path) -> Iterable[str]:
    (repository,) = (path.parent for path in state.glob("**/HEAD") if path.parent.name.endswith(".git"))
    heads = _git(repository, "for-each-ref", "--format=%(refname:short)", "refs/heads")
    for head in heads:
        for line in _git(repository, "ls-tree", "-r", head):
            place = line.split(maxsplit=3)
            # Records hold times; what matters is that each is there once.
            yield f"file {head}:{place[3]}" + ("" if head.endswith(_AUDIT) else f" {place[2]}")
        for subject in _git(repository, "log", "--format=%s", head):
            yield f"commit on {head}: {subject}"


def _git(repository: Path, *command: str) -> list[str]:
    done = subprocess.run(
        ("git", "-c", "safe.directory=*", f"--git-dir={repository}", *command),
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.splitlines()
