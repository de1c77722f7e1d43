"""Is the work there: the end of the run, sub-issues, and a pull request for each thing that has to be one?"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cogworks.demo.verify.asking import Forge
from cogworks.demo.verify.checks import Check, check
from cogworks.demo.verify.expected import Item

MACHINE = "cogworks"
_COMPLETE, _FAILED = "cogworks:node:complete", "cogworks:node:failed"
_BRANCH = re.compile(r"cogworks/(?P<item>\d+)/(?:r\d+/)?(?P<slug>[^/]+)\Z")
_STATE_ROW = re.compile(r"^\| (?P<node>architecture|interface_design) \| (?P<status>\w+) \|", re.MULTILINE)
_SLUG_OF_NODE = {"architecture": "spec", "interface_design": "interfaces"}
_KEY = re.compile(r"<!-- cogworks:audit v1 key=(?P<key>\S+)")
_REQUIREMENT = re.compile(r"^\| R\d+ \|")
_STOPPED = re.compile(r"^(?:Stopped: .+|.*\bcategory\b.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What was found for an item: its pull requests by slug, its sub-issues, its comments."""

    item: Item
    labels: frozenset[str]
    pulls: dict[str, dict[str, Any]]
    doubled: tuple[str, ...]
    sub_issues: tuple[int, ...]
    comments: tuple[str, ...]

    @property
    def code(self) -> dict[str, dict[str, Any]]:
        """The pull requests that hold code."""
        return {slug: pull for slug, pull in self.pulls.items() if slug.startswith("swi-")}


def look_at(forge: Forge, item: Item) -> Delivery:
    """Return what GitHub holds of an item."""
    place = f"/repos/{item.repo}/issues/{item.number}"
    pulls: dict[str, dict[str, Any]] = {}
    doubled: list[str] = []
    for pull in sorted(forge.all(f"/repos/{item.repo}/pulls?state=all"), key=lambda one: int(one["number"])):
        found = _BRANCH.match(pull["head"]["ref"])
        if found is None or int(found["item"]) != item.number:
            continue
        if found["slug"] in pulls and pulls[found["slug"]]["head"]["ref"] == pull["head"]["ref"]:
            doubled.append(found["slug"])
        pulls[found["slug"]] = pull
    comments = forge.all(f"{place}/comments")
    return Delivery(
        item=item,
        labels=frozenset(one["name"] for one in forge.one(place)["labels"]),
        pulls=pulls,
        doubled=tuple(doubled),
        sub_issues=tuple(int(one["number"]) for one in forge.all(f"{place}/sub_issues")),
        comments=tuple(one["body"] for one in comments if one["user"]["login"] == MACHINE),
    )


def delivery_checks(found: Delivery) -> list[Check]:
    """Return whether the run ended well and everything that it had to deliver is there."""
    item = found.item
    return [
        check(f"{item} complete", _end(found), good=f"label {_COMPLETE}"),
        check(f"{item} sub-issues", _pieces(found), good=f"{len(found.sub_issues)} attached"),
        check(f"{item} pull requests", _pulls(found), good=_listed(found)),
        check(f"{item} told everything once", _doubled_comments(found), good=f"{len(found.comments)} comments"),
        check(f"{item} traceability", _untraced(found), good="every requirement is satisfied"),
    ]


def _end(found: Delivery) -> list[str]:
    if _COMPLETE in found.labels and _FAILED not in found.labels:
        return []
    said = next((hit.group() for body in found.comments if (hit := _STOPPED.search(body))), "")
    labels = ", ".join(sorted(found.labels)) or "none"
    return [f"the run is not complete, labels: {labels}{f'; {said[:500]}' if said else ''}"]


def _pieces(found: Delivery) -> list[str]:
    return [] if found.sub_issues else ["no sub-issue is attached"]


def _pulls(found: Delivery) -> list[str]:
    wanted = [*_documents(found), *(f"swi-{number}" for number in range(1, len(found.sub_issues) + 1))]
    wrong = [f"there is no pull request from cogworks/{found.item.number}/{slug}" for slug in _absent(found, wanted)]
    wrong += [f"{slug} has more than one pull request" for slug in found.doubled]
    wrong += [f"#{one['number']} ({slug}) was closed unmerged" for slug, one in found.pulls.items() if _closed(one)]
    strangers = [(slug, one) for slug, one in found.pulls.items() if one["user"]["login"] != MACHINE]
    return wrong + [f"#{one['number']} ({slug}) is by {one['user']['login']}" for slug, one in strangers]


def _doubled_comments(found: Delivery) -> list[str]:
    marks = Counter(hit["key"] for body in found.comments if (hit := _KEY.match(body)))
    return [f"{key} is told {count} times" for key, count in marks.items() if count > 1]


def _untraced(found: Delivery) -> list[str]:
    """Return requirements that the summary's matrix does not call satisfied; its last column is the status."""
    summary = next((body for body in found.comments if " kind=summary " in body.split("\n", 1)[0]), "")
    lines = [line.strip() for line in summary.splitlines() if _REQUIREMENT.match(line)]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    wrong = [f"{row[0]} is {row[-1]}" for row in rows if row[-1] != "satisfied"]
    return wrong if rows else ["there is no matrix"]


def _absent(found: Delivery, wanted: Sequence[str]) -> list[str]:
    return [slug for slug in wanted if slug not in found.pulls]


def _documents(found: Delivery) -> list[str]:
    """Return the documents that this pipeline makes: the usual two, unless its state names no such node."""
    state = next((body for body in reversed(found.comments) if body.startswith("<!-- cogworks:state ")), None)
    if state is None:
        return list(_SLUG_OF_NODE.values())
    made = {row["node"] for row in _STATE_ROW.finditer(state) if row["status"] != "skipped"}
    return [slug for node, slug in _SLUG_OF_NODE.items() if node in made]


def _closed(pull: dict[str, Any]) -> bool:
    return pull["state"] == "closed" and pull["merged_at"] is None


def _listed(found: Delivery) -> str:
    return ", ".join(f"#{one['number']} {slug}" for slug, one in found.pulls.items())
