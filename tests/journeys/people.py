"""The GitHub twin as a person sees it: what she does there, and what she finds in the end."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from seeds import REPO, TRIGGER

WAITING = "cogworks:awaiting-review"
_GATE_SLUGS = ("spec", "interfaces")
_KEY = re.compile(r"<!-- cogworks:(?P<kind>[a-z-]+) v1 (?:key=(?P<key>\S+)|run=(?P<run>\S+))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with a browser: reads and writes over the REST API with a token of her own."""

    client: httpx.Client

    def get(self, path: str) -> Any:
        """Read something below the repository; lists come whole."""
        answer = self.client.get(f"/repos/{REPO}{path}", params={"per_page": "100", "state": "all"})
        return answer.raise_for_status().json()

    def labels(self, issue: int = 1) -> frozenset[str]:
        """Return the labels of an issue."""
        return frozenset(one["name"] for one in self.get(f"/issues/{issue}")["labels"])

    def pulls(self) -> list["Pull"]:
        """Return CogWorks' pull requests, oldest first."""
        found = [Pull.of(one) for one in self.get("/pulls")]
        return sorted((one for one in found if one.head.startswith("cogworks/")), key=lambda one: one.number)

    def start_work(self) -> None:
        """Put the trigger label on the issue."""
        self.client.post(f"/repos/{REPO}/issues/1/labels", json={"labels": [TRIGGER]}).raise_for_status()

    def waiting_pull(self) -> "Pull | None":
        """Return the open pull request that a gate waits for."""
        if WAITING not in self.labels():
            return None
        return next((one for one in self.pulls() if one.open and one.slug in _GATE_SLUGS), None)

    def merge_what_waits(self) -> None:
        """Merge the specification or the interfaces when their gate waits."""
        pull = self.waiting_pull()
        if pull is not None:
            self.client.put(f"/repos/{REPO}/pulls/{pull.number}/merge", json={}).raise_for_status()

    def comments(self) -> list[str]:
        """Return the bodies of all comments on the work item."""
        return [one["body"] for one in self.get("/issues/1/comments")]

    def told_cost_microusd(self) -> int:
        """Return what the run says it has spent."""
        state = next(body for body in self.comments() if body.startswith("<!-- cogworks:state"))
        told: int = json.loads(state.partition("<!-- cogworks:json\n")[2].partition("\ncogworks:end")[0])["cost"][
            "microusd"
        ]
        return told

    def look_around(self) -> "Found":
        """Return everything there is."""
        issues = [one for one in self.get("/issues") if "pull_request" not in one]
        marks = [_KEY.match(body) for body in self.comments()]
        keys = [f"{m['kind']} {_shorter(m['key'] or '')}".strip() for m in marks if m]
        return Found(
            labels=self.labels(),
            issues=Counter(one["title"] for one in issues),
            comments=Counter(keys),
            foreign_comments=sum(m is None for m in marks),
            pulls=tuple(self.pulls()),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """A pull request."""

    number: int
    head: str
    base: str
    open: bool
    merged: bool

    @property
    def slug(self) -> str:
        """What it is about: spec, interfaces, swi-1 …"""
        return self.head.rpartition("/")[2]

    @staticmethod
    def of(seen: Mapping[str, Any]) -> "Pull":
        """Read a pull request."""
        return Pull(
            number=seen["number"],
            head=seen["head"]["ref"],
            base=seen["base"]["ref"],
            open=seen["state"] == "open",
            merged=seen["merged_at"] is not None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The final state: labels, issues by title, comments by key without the run's id, pull requests."""

    labels: frozenset[str]
    issues: Counter[str]
    comments: Counter[str]
    foreign_comments: int
    pulls: tuple[Pull, ...]

    def doubled(self) -> list[str]:
        """Return what exists more than once."""
        heads = Counter(pull.head for pull in self.pulls)
        return [name for counted in (self.issues, self.comments, heads) for name, count in counted.items() if count > 1]

    def code_pulls(self) -> list[Pull]:
        """Return the pull requests that hold code."""
        return [pull for pull in self.pulls if pull.slug.startswith("swi-")]


def _shorter(key: str) -> str:
    """Return a comment key without the work item and the run, which differ from run to run."""
    return re.sub(r"^\S+?#\d+/[0-9a-f-]{36}/", "", key)
