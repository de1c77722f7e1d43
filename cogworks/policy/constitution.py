"""The constitutional rules: complete, approved, unchanged, or nothing runs (40 section 6)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cogworks.model.errors import FailureCategory, PolicyViolation
from cogworks.model.github import Pull, Review
from cogworks.model.ids import Sha
from cogworks.model.json_value import sha256_text

CORE_IDS = ("CR-DATA", "CR-INJECT", "CR-SCOPE", "CR-CAPS", "CR-SECRETS")
_HEADING = re.compile(r"^#{1,6}\s+(?P<id>CR-[A-Z]+)\b[^\n]*\n(?P<body>.*?)(?=^#{1,6}\s|\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Constitution:
    """The rules as they are sent, first in every call, with the hash that the gateway checks."""

    text: str
    sha256: str
    commit: Sha
    approval: str


def read_rules(text: bytes | None, *, commit: Sha, approval: str) -> Constitution:
    """Return the rules in ``text``; raise PolicyViolation when they are missing or incomplete (CONST-03)."""
    if text is None:
        raise violation("CONSTITUTIONAL_RULES_MISSING", "the file does not exist on the default branch")
    try:
        decoded = text.decode()
    except UnicodeDecodeError as error:
        raise violation("CONSTITUTIONAL_RULES_MISSING", "the file is unreadable: it is not UTF-8") from error
    bodies = {found["id"]: found["body"].strip() for found in _HEADING.finditer(decoded)}
    missing = [rule for rule in CORE_IDS if not bodies.get(rule)]
    if missing:
        raise violation("CONSTITUTIONAL_RULES_INCOMPLETE", ", ".join(missing))
    return Constitution(text=decoded, sha256=sha256_text(decoded), commit=commit, approval=approval)


def approved_by_person(pulls: Sequence[tuple[Pull, Sequence[Review]]], *, merge_by_admin_counts: bool) -> str:
    """Return who approved the commit's pull request, in words; raise PolicyViolation when nobody did (CONST-02).

    ``pulls`` are the pull requests that hold the commit, each with its reviews. ``merge_by_admin_counts`` is the
    operator's choice for repositories with one maintainer.
    """
    for pull, reviews in pulls:
        if not pull.merged:
            continue
        for review in reviews:
            if review.state == "APPROVED" and not review.author_is_bot and review.author != pull.author:
                return f"approved by {review.author} in #{pull.number}"
        if merge_by_admin_counts and pull.merged_by and not pull.merged_by_is_bot:
            return f"merged by {pull.merged_by} in #{pull.number} (approval by merge is switched on)"
    raise violation("CONSTITUTIONAL_RULES_UNREVIEWED", "no merged pull request with an approving review by a person")


_REMEDIES = {
    "CONSTITUTIONAL_RULES_MISSING": "`cogworks init` writes one; bring it in by a pull request that a person approves",
    "CONSTITUTIONAL_RULES_INCOMPLETE": "give each of them a heading and a text",
    "CONSTITUTIONAL_RULES_UNREVIEWED": "change it by a pull request that a person other than its author approves",
}


def located(error: PolicyViolation, *, file: str) -> PolicyViolation:
    """Return ``error`` whose message also names the file of the rules and what to do about it."""
    remedy = _REMEDIES.get(error.event)
    where = f"{error.detail}; file: {file}"
    told = violation(error.event, where if remedy is None else f"{where}; {remedy}")
    told.detail = error.detail
    return told


def violation(event: str, detail: str) -> PolicyViolation:
    """Return the error that stops a run before any call to a model."""
    return PolicyViolation(
        f"{event}: {detail}", category=FailureCategory.CONSTITUTION_MISSING, event=event, detail=detail
    )
