"""Judge a change by the domain service: what was there before the change does not count against it (ENG-54).

Real repositories hold findings and habits of their own. A change must bring no new blocking finding, its tests must
pass, and a file whose people keep another form is not formatted anew: that would bury the change.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from cogworks.extension_api.envelope import Repository
from cogworks.model.change import Change
from cogworks.model.findings import Diagnostic, Severity
from cogworks.model.ids import Sha
from cogworks.model.json_value import JsonObject, JsonValue
from cogworks.model.outcome import Check
from cogworks.nodes.job import Job, Workshop
from cogworks.nodes.servicing import Desk, Examined, as_artifacts, examine
from cogworks.ports.git import WorkTree

_LARGEST_FILE = 1_048_576
_BY_FILE = ("validate", "review_rules")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What is to be judged: a work tree, the commit that it started from, and the desk to ask."""

    desk: Desk
    tree: WorkTree
    base: Sha


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What service and tests say about a commit."""

    diagnostics: tuple[Diagnostic, ...]
    checks: tuple[Check, ...]
    failed: bool


def judge(job: Job, shop: Workshop, trial: Trial, head: Sha, changes: Sequence[Change]) -> Judged:
    """Run validate, review rules and tests at ``head``, stopping at the first that fails."""
    checks: list[Check] = []
    diagnostics: list[Diagnostic] = []
    paths = [change.path for change in changes if change.action != "delete"]
    for method in (*_BY_FILE, "simulate"):
        examined = examine_files(job, shop, trial, method, paths, ref=head)
        judged = Judged(diagnostics=examined.diagnostics, checks=examined.checks, failed=examined.failed)
        if judged.failed and method in _BY_FILE:
            judged = _without_old_findings(job, shop, trial, method, judged, paths)
        checks += judged.checks
        diagnostics += judged.diagnostics
        if judged.failed:
            return Judged(diagnostics=tuple(diagnostics), checks=tuple(checks), failed=True)
    return Judged(diagnostics=tuple(diagnostics), checks=tuple(checks), failed=False)


def examine_files(job: Job, shop: Workshop, trial: Trial, method: str, paths: Sequence[str], *, ref: Sha) -> Examined:
    """Return what ``method`` finds in files of the tree; ``simulate`` runs the tests of commit ``ref`` instead."""
    params: JsonObject = {"filter": {}}
    if method != "simulate":
        texts = {path: trial.tree.read(path, max_bytes=_LARGEST_FILE) for path in paths}
        params = {"artifacts": as_artifacts(texts)}
    return examine(
        job,
        shop,
        trial.desk,
        method,
        params,
        repository=Repository(path=trial.tree.root, ref=ref),
        required=method != "review_rules",
        tests_expected=method == "simulate",
    )


def normalise(job: Job, shop: Workshop, trial: Trial, texts: Mapping[str, str]) -> dict[str, str]:
    """Write the service's form of the changed files to the tree and return it; foreign forms are left alone."""
    if not trial.desk.offers("normalise") or not texts:
        return {}
    old = _at_base(job, shop, trial, list(texts))
    kept_otherwise = _reformed(job, shop, trial, old, ref=trial.base)
    ours = {path: text for path, text in texts.items() if path not in kept_otherwise}
    better = _reformed(job, shop, trial, ours, ref=trial.tree.head())
    for path, content in better.items():
        trial.tree.write(path, content, create=False)
    return better


def _reformed(job: Job, shop: Workshop, trial: Trial, texts: Mapping[str, str], *, ref: Sha) -> dict[str, str]:
    """Return those of ``texts`` that the service writes differently, as it writes them."""
    if not texts:
        return {}
    examined = examine(
        job,
        shop,
        trial.desk,
        "normalise",
        {"artifacts": as_artifacts(texts)},
        repository=Repository(path=trial.tree.root, ref=ref),
        required=False,
    )
    result = examined.response.result if examined.response else None
    told: JsonValue = result.get("artifacts") if result else None
    return {
        str(one["path"]): str(one["content"])
        for one in (told if isinstance(told, list) else [])
        if isinstance(one, dict) and one.get("changed") and one.get("path") in texts
    }


def _at_base(job: Job, shop: Workshop, trial: Trial, paths: Sequence[str]) -> dict[str, str]:
    """Return what the files said before the change; new ones are left out."""
    found = {path: shop.git.read(job.key.item.repo, path, ref=trial.base) for path in paths}
    return {path: content.decode("utf-8", errors="replace") for path, content in found.items() if content is not None}


def _without_old_findings(
    job: Job, shop: Workshop, trial: Trial, method: str, judged: Judged, paths: Sequence[str]
) -> Judged:
    """Return the judgement with findings that the files had before as warnings; without new ones it is no failure."""
    old = _at_base(job, shop, trial, paths)
    if not old:
        return judged
    before = examine(
        job,
        shop,
        trial.desk,
        method,
        {"artifacts": as_artifacts(old)},
        repository=Repository(path=trial.tree.root, ref=trial.base),
        required=False,
    )
    diagnostics = _with_old_as_warnings(judged.diagnostics, before.diagnostics)
    if any(one.severity is Severity.BLOCKING for one in diagnostics) or not before.failed:
        return replace(judged, diagnostics=diagnostics)
    checks = tuple(
        replace(check, passed=True, detail=f"{check.detail}; what blocks was there before") for check in judged.checks
    )
    return Judged(diagnostics=diagnostics, checks=checks, failed=False)


def _with_old_as_warnings(now: Sequence[Diagnostic], before: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return ``now`` with old findings as warnings; lines move, so file, category and message make a finding."""
    known = Counter((one.artifact, one.category, one.message) for one in before if one.severity is Severity.BLOCKING)
    told: list[Diagnostic] = []
    for one in now:
        key = (one.artifact, one.category, one.message)
        old = one.severity is Severity.BLOCKING and known[key] > 0
        known[key] -= old
        told.append(replace(one, severity=Severity.WARNING) if old else one)
    return tuple(told)
