"""Integration: open the pull request of a reviewed sub-work-item, with its findings as comments (ENG-56)."""

import re
from dataclasses import replace

from cogworks.model.errors import BranchDiverged
from cogworks.model.findings import Finding, MatrixRow
from cogworks.model.github import Pull
from cogworks.model.ids import Sha
from cogworks.model.outcome import Outcome
from cogworks.model.state import Artifact, Cost
from cogworks.nodes.delivering import approved_heads, check_paths, ensure_pull, pull_base
from cogworks.nodes.job import Job, Workshop
from cogworks.nodes.outcomes import succeeded
from cogworks.pages.pull_page import PullFacts, branch, checks_of, pull_title, render_pull
from cogworks.pages.review_page import split_findings
from cogworks.policy.traceability import fill

_HUNK = re.compile(r"^@@ -\d+(?:,\d+)? \+(?P<start>\d+)(?:,(?P<count>\d+))? @@")


def integration(job: Job, shop: Workshop) -> Outcome:
    """Return the pull request; nothing is opened when the branch is not what was reviewed (GH-31)."""
    assert job.swi is not None, "integration runs per sub-work-item"
    reviewed = job.swi.artifacts["code"].sha
    head = shop.git.branch_head(job.key.item.repo, job.swi.branch)
    if head != reviewed:
        raise BranchDiverged(f"{job.swi.branch} is at {head}, reviewed was {reviewed}")
    base = _base_of(job)
    check_paths(job, [c.path for c in shop.git.changes(job.key.item.repo, base=base, head=head)])
    pull = _open(job, shop)
    _post_findings(job, shop, pull, head, base)
    done = succeeded(
        {"number": int(pull.number), "base": pull.base, "head": pull.head},
        message=f"#{pull.number} against {pull.base}",
        artifacts={"pull_request": Artifact(kind="pr", ref=str(pull.number), sha=head)},
        matrix=_rows(job, pull),
    )
    return replace(done, pr=int(pull.number), head=head)


def _base_of(job: Job) -> Sha:
    bases = [one.base for one in job.history.values() if one.base]
    return Sha(bases[-1]) if bases else job.base_head


def _open(job: Job, shop: Workshop) -> Pull:
    assert job.swi is not None
    needed = [job.state.swi(ordinal) for ordinal in job.swi.depends_on]
    before = [
        (branch(job.state, slug), sha) for slug, sha in zip(("spec", "interfaces"), approved_heads(job), strict=False)
    ]
    before += [(swi.branch, swi.head) for swi in needed if swi.head]
    ended = list(job.history.values())
    facts = PullFacts(
        summary=next((str(o.output["summary"]) for o in reversed(ended) if o.output and "summary" in o.output), ""),
        depends_on=tuple(int(swi.pr) for swi in needed if swi.pr),
        checks=checks_of(ended),
        score=next((o.alignment.score for o in reversed(ended) if o.alignment), None),
        rows=tuple(
            replace(row, status="delivered here")
            for row in _rows(job, None)
            if row.requirement_id in job.swi.requirements
        ),
        cost=Cost(microusd=job.swi.cost.microusd, tokens=job.swi.cost.tokens),
    )
    return ensure_pull(
        job,
        shop,
        head=job.swi.branch,
        base=pull_base(job, shop, before),
        title=pull_title(job.state, job.key.ref, kind="", title=job.swi.title),
        body=render_pull(job.state, job.key.ref, facts),
    )


def _rows(job: Job, pull: Pull | None) -> tuple[MatrixRow, ...]:
    assert job.swi is not None
    known = {row.requirement_id: row.code for row in job.state.traceability if row.code and row.code != "n/a"}
    place = f"#{pull.number}" if pull else f"SWI {job.swi.ordinal}"
    for requirement in job.swi.requirements:
        known[requirement] = ", ".join(dict.fromkeys([*filter(None, [known.get(requirement)]), place]))
    return fill(job.state.traceability, "code", known, reason="not delivered yet")


def _post_findings(job: Job, shop: Workshop, pull: Pull, head: Sha, base: Sha) -> None:
    """Post what did not block as one review; each finding carries an id, so a repetition posts nothing twice."""
    last = [finding for finding in _latest(job) if not finding.blocks]
    if not last:
        return
    repo = job.key.item.repo
    own = shop.github.contents.login()
    if any(review.author == own for review in shop.github.pulls.reviews(repo, pull.number)):
        return
    lines = _lines_in_diff(shop.git.diff(repo, base=base, head=head))
    inline, rest = split_findings(last, lines)
    shop.github.pulls.comment_review(repo, pull.number, sha=head, body=rest, comments=inline)


def _latest(job: Job) -> tuple[Finding, ...]:
    reviews = [one for one in job.history.values() if one.passes]
    return reviews[-1].findings if reviews else ()


def _lines_in_diff(diff: str) -> dict[str, frozenset[int]]:
    """Return, per file, the new line numbers that a diff shows."""
    shown: dict[str, set[int]] = {}
    path, number = "", 0
    for line in diff.splitlines():
        hunk = _HUNK.match(line)
        if line.startswith("+++ b/"):
            path = line.removeprefix("+++ b/")
        elif hunk:
            number = int(hunk["start"])
        elif line.startswith(("+", " ")):
            shown.setdefault(path, set()).add(number)
            number += 1
    return {path: frozenset(numbers) for path, numbers in shown.items()}
