"""What nodes are shown: the work item, approved documents, files; each scanned before it enters a prompt."""

import json
from collections.abc import Sequence

from cogworks.model.errors import FailureCategory, NotFound, PolicyViolation, ValidationFailed
from cogworks.model.github import Issue
from cogworks.model.ids import Sha
from cogworks.model.json_value import JsonObject, sha256_text
from cogworks.nodes.job import Job, Workshop
from cogworks.pages.spec_page import ApprovedDocument, read_document
from cogworks.policy.context import (
    CONSTRAINTS,
    PREDECESSOR,
    STANDARDS,
    SUBJECT,
    SURROUNDINGS,
    ContextItem,
)
from cogworks.policy.injection import scan
from cogworks.policy.paths import any_matches

SPEC_FILE = "docs/cogworks/{work_item}/spec.md"
INTERFACES_FILE = "docs/cogworks/{work_item}/interfaces.md"
_STANDARD_FILES = ("CONTRIBUTING.md", "docs/standards/**", "CODING_STANDARDS.md")
_DECISION_FILES = ("docs/adr/**", "docs/adrs/**", "docs/architecture/**")
_MAX_FILE_BYTES = 65_536


def scanned(job: Job, item: ContextItem) -> ContextItem:
    """Return ``item``; raise PolicyViolation when an untrusted text gives orders and nobody released it (INJ-01)."""
    if item.trust != "P3":
        return item
    found = scan(item.text)
    digest = sha256_text(item.text)
    if found is None or digest in job.state.released_findings:
        return item
    raise PolicyViolation(
        f"INJECTION_DETECTED ({found.category}) in {item.source}",
        category=FailureCategory.INJECTION_DETECTED,
        event="INJECTION_DETECTED",
        detail=found.offending_text,
        digest=digest,
    )


def issue_item(issue: Issue, *, kind: str = "work_item", priority: int = SUBJECT) -> ContextItem:
    """Return an issue's title and body as one text."""
    return ContextItem(
        id=f"{kind}-{issue.number}",
        kind=kind,
        priority=priority,
        text=f"# {issue.title}\n\n{issue.body}",
        source=f"issue-{issue.number}",
    )


def data_item(name: str, value: JsonObject | Sequence[object], *, priority: int = SUBJECT) -> ContextItem:
    """Return facts as indented JSON."""
    text = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True, default=str)
    return ContextItem(id=name, kind="facts", priority=priority, text=text, source=name)


def file_items(
    job: Job,
    shop: Workshop,
    paths: Sequence[str],
    *,
    ref: Sha,
    kind: str,
    priority: int = SURROUNDINGS,
    distance: int = 0,
) -> list[ContextItem]:
    """Return the text files among ``paths`` at ``ref``; absent, binary and oversized ones are left out."""
    items = []
    for path in sorted(set(paths)):
        content = shop.git.read(job.key.item.repo, path, ref=ref)
        if content is None or len(content) > _MAX_FILE_BYTES or b"\0" in content:
            continue
        text = content.decode("utf-8", errors="replace")
        items.append(
            ContextItem(
                id=f"{kind}:{path}",
                kind=kind,
                priority=priority,
                text=text,
                source=path,
                ref=ref[:12],
                distance=distance,
            )
        )
    return items


def tree_item(job: Job, shop: Workshop, *, ref: Sha) -> ContextItem:
    """Return the list of files at ``ref``."""
    paths = [p for p in shop.git.list(job.key.item.repo, ref=ref) if not p.startswith(".cogworks/scenarios/")]
    return ContextItem(
        id="tree", kind="tree", priority=CONSTRAINTS, text="\n".join(paths), source="repository", ref=ref[:12]
    )


def standards(job: Job, shop: Workshop, *, ref: Sha) -> list[ContextItem]:
    """Return coding standards and decision records, if the repository has any (CTX-08)."""
    paths = shop.git.list(job.key.item.repo, ref=ref)
    rules = [path for path in paths if any_matches(_STANDARD_FILES, path)]
    decisions = [path for path in paths if any_matches(_DECISION_FILES, path)]
    return [
        *file_items(job, shop, decisions, ref=ref, kind="decision", priority=CONSTRAINTS),
        *file_items(job, shop, rules, ref=ref, kind="standard", priority=STANDARDS),
    ]


def approved_text(job: Job, shop: Workshop, slot: str) -> tuple[str, str] | None:
    """Return (path, text) of an approved document as it was approved, human edits included; None without one."""
    artifact = job.state.artifacts.get(slot)
    if artifact is None or artifact.kind != "pr":
        return None
    pattern = SPEC_FILE if slot == "spec" else INTERFACES_FILE
    path = pattern.format(work_item=job.key.item.number)
    try:
        content = shop.git.read(job.key.item.repo, path, ref=artifact.sha)
    except NotFound:
        # Squashed on merging and its branch deleted: the base branch holds what was approved.
        content = shop.git.read(job.key.item.repo, path, ref=job.base_head)
    if content is None:
        raise ValidationFailed(f"{path} is missing at the approved commit", problems=(f"{path}: missing",))
    return path, content.decode("utf-8", errors="replace")


def approved_item(job: Job, shop: Workshop, slot: str, *, priority: int = CONSTRAINTS) -> list[ContextItem]:
    """Return an approved document as an item, or nothing when the pipeline made none."""
    found = approved_text(job, shop, slot)
    if found is None:
        return []
    return [ContextItem(id=slot, kind=slot, priority=priority, text=found[1], source=found[0])]


def approved_document(job: Job, shop: Workshop, slot: str) -> ApprovedDocument | None:
    """Return what the block of an approved document says, or None without one."""
    found = approved_text(job, shop, slot)
    return read_document(found[1], name=found[0]) if found else None


def predecessor_items(job: Job, shop: Workshop) -> list[ContextItem]:
    """Return the files of the sub-work-items that this one builds on, at their heads, and of no other (ENG-36)."""
    items: list[ContextItem] = []
    for ordinal in job.swi.depends_on if job.swi else ():
        other = job.state.swi(ordinal)
        if other.head:
            items += file_items(job, shop, other.files, ref=other.head, kind=f"swi-{ordinal}", priority=PREDECESSOR)
    return items
