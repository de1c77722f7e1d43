"""What can be seen of a run from outside: labels, the state comment, pull requests, sub-issues."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from cogworks.demo.rest import Json, Rest
from cogworks.demo.seed import Ask

_STATE = re.compile(r"<!-- cogworks:json\n(?P<json>.*?)\ncogworks:end -->", re.DOTALL)
_BRANCH = re.compile(r"cogworks/(?P<item>\d+)/(?:r\d+/)?(?P<slug>[a-z0-9-]+)$")
BOT = "cogworks"


@dataclass(frozen=True, slots=True, kw_only=True)
class PullSeen:
    """A pull request of a run: ``kind`` is spec, interfaces, code or other."""

    number: int
    kind: str
    swi: int | None
    head: str
    base: str
    url: str
    title: str
    state: str
    merged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """One look at a work item."""

    ask: Ask
    labels: frozenset[str]
    state: Mapping[str, Json] = field(default_factory=dict)
    state_url: str = ""

    @property
    def ended(self) -> str | None:
        """How the run ended, if it did."""
        if "cogworks:node:complete" in self.labels:
            return "completed"
        return "failed" if "cogworks:node:failed" in self.labels else None

    @property
    def waits(self) -> bool:
        """Whether a gate waits for a person."""
        return "cogworks:awaiting-review" in self.labels


def look(github: Rest, ask: Ask) -> Sight:
    """Return what is to be seen of ``ask`` now."""
    issue = github.get(f"/repos/{ask.repo}/issues/{ask.number}")
    labels = frozenset(label["name"] for label in issue["labels"])
    for comment in github.every(f"/repos/{ask.repo}/issues/{ask.number}/comments"):
        found = _STATE.search(comment["body"]) if comment["user"]["login"] == BOT else None
        if found:
            return Sight(ask=ask, labels=labels, state=json.loads(found["json"]), state_url=comment["html_url"])
    return Sight(ask=ask, labels=labels)


def pulls_of(github: Rest, ask: Ask) -> tuple[PullSeen, ...]:
    """Return the pull requests of the run, oldest first."""
    found = []
    for pull in github.every(f"/repos/{ask.repo}/pulls?state=all&direction=asc"):
        branch = _BRANCH.match(pull["head"]["ref"])
        if branch and int(branch["item"]) == ask.number:
            found.append(_seen(pull, branch["slug"]))
    return tuple(sorted(found, key=lambda one: one.number))


def _seen(pull: Json, slug: str) -> PullSeen:
    code = slug.startswith("swi-")
    return PullSeen(
        number=pull["number"],
        kind="code" if code else slug if slug in ("spec", "interfaces") else "other",
        swi=int(slug.removeprefix("swi-")) if code else None,
        head=pull["head"]["ref"],
        base=pull["base"]["ref"],
        url=pull["html_url"],
        title=pull["title"],
        state=pull["state"],
        merged=pull["merged_at"] is not None,
    )


def summary_of(github: Rest, ask: Ask) -> str:
    """Return the text of the run's summary comment; empty without one."""
    for comment in github.every(f"/repos/{ask.repo}/issues/{ask.number}/comments"):
        if comment["user"]["login"] == BOT and " kind=summary " in comment["body"].split("\n", 1)[0]:
            return str(comment["body"].split("\n", 1)[1])
    return ""


def matrix_in(summary: str) -> list[dict[str, str]]:
    """Return the traceability matrix of a summary, a row a requirement."""
    lines = [line for line in summary.splitlines() if line.startswith("|")]
    if len(lines) < 3:
        return []
    names = [_key(cell) for cell in _cells(lines[0])]
    return [dict(zip(names, _cells(line), strict=False)) for line in lines[2:]]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def _key(name: str) -> str:
    return name.lower().replace(" ", "_")
