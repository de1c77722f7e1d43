"""Bring labels to what the state wants: only the difference is sent (GH-07)."""

from cogworks.graph.definition import Graph
from cogworks.model.config import Labels as LabelNames
from cogworks.model.errors import AlreadyExists
from cogworks.model.github import Issue, Label
from cogworks.model.ids import END_TO_END, IssueNumber, RepoName
from cogworks.model.state import RunState, Swi, SwiStatus
from cogworks.policy.labels import (
    NODE_COMPLETE,
    NODE_PREFIX,
    PROCESSING,
    STATUS_PREFIX,
    described,
    desired,
    of_swi,
    ours,
)
from cogworks.ports.github import GitHub

_DEFAULT_LOOK = ("ededed", "CogWorks")


def prepare_labels(github: GitHub, names: LabelNames, repo: RepoName, graph: Graph) -> None:
    """Create the labels that a run of ``graph`` will use; once per run, so that no later request need look."""
    nodes = {f"{NODE_PREFIX}{node}" for node in (*graph.nodes, END_TO_END)}
    statuses = {f"{STATUS_PREFIX}{status}" for status in SwiStatus}
    ensure_labels(
        github,
        names,
        repo,
        frozenset({*nodes, *statuses, PROCESSING, NODE_COMPLETE, names.awaiting_review, names.sub_work_item}),
    )


def set_labels(github: GitHub, names: LabelNames, state: RunState, issue: Issue) -> None:
    """Add and remove labels of the work item and of its sub-work-items' issues."""
    wanted, have = desired(state, names), frozenset(issue.labels)
    _apply(github, names, state.repo, issue.number, have=have, want=wanted, drop_ours=True)


def set_swi_labels(github: GitHub, names: LabelNames, repo: RepoName, swi: Swi, *, have: frozenset[str]) -> None:
    """Bring the status label of one sub-work-item's issue up to date."""
    wanted = of_swi(swi, names)
    if wanted - have:
        github.labels.add(repo, swi.issue, sorted(wanted - have))
    for label in have:
        if label.startswith(STATUS_PREFIX) and label not in wanted:
            github.labels.remove(repo, swi.issue, label)


def _apply(
    github: GitHub,
    names: LabelNames,
    repo: RepoName,
    number: IssueNumber,
    *,
    have: frozenset[str],
    want: frozenset[str],
    drop_ours: bool,
) -> None:
    missing = want - have
    if missing:
        github.labels.add(repo, number, sorted(missing))
    for label in sorted(have - want):
        if drop_ours and ours(label, names):
            github.labels.remove(repo, number, label)


def ensure_labels(github: GitHub, names: LabelNames, repo: RepoName, wanted: frozenset[str]) -> None:
    """Create those of ``wanted`` that the repository lacks, with colour and description."""
    known = {label.name.casefold() for label in github.labels.list(repo)}
    looks = described(names)
    for name in sorted(wanted):
        if name.casefold() not in known:
            color, description = looks.get(name, _DEFAULT_LOOK)
            try:
                github.labels.create(repo, Label(name=name, color=color, description=description))
            except AlreadyExists:
                continue
