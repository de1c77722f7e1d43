"""Hand work over: commits on our branch, one pull request per branch, found before it is made (GH-25 to GH-31)."""

from collections.abc import Mapping, Sequence

from cogworks.model.errors import FailureCategory, Permanent, PolicyViolation, ValidationFailed
from cogworks.model.github import Pull
from cogworks.model.ids import Sha
from cogworks.nodes.job import Job, Workshop
from cogworks.pages.commit_message import commit_message
from cogworks.pages.pull_page import branch
from cogworks.policy.scope import protected_among
from cogworks.policy.secrets import find_secrets, redact


class PullClosed(Permanent):
    """The pull request of this branch was closed unmerged: a person said no."""

    category = FailureCategory.GATE_REJECTED


def start_of(job: Job, shop: Workshop, predecessors: Sequence[Sha]) -> Sha:
    """Return where a new branch starts: the base branch with the predecessors that it does not hold yet (GH-26)."""
    message = f"Join what work item #{job.key.item.number} builds on\n"
    return shop.git.merge(job.key.item.repo, (job.base_head, *predecessors), message=message)


def approved_heads(job: Job) -> tuple[Sha, ...]:
    """Return the approved commits of the specification and interface pull requests."""
    artifacts = (job.state.artifacts.get(slot) for slot in ("spec", "interfaces"))
    return tuple(Sha(one.sha) for one in artifacts if one is not None and one.kind == "pr" and one.sha)


def push_files(job: Job, shop: Workshop, *, slug: str, files: Mapping[str, str], summary: str) -> tuple[str, Sha]:
    """Put ``files`` on the branch of ``slug`` and return branch and head; pushing the same files twice does nothing."""
    check_content(job, files)
    repo, name = job.key.item.repo, branch(job.state, slug)
    head = shop.git.branch_head(repo, name)
    parent = head or start_of(job, shop, approved_heads(job))
    content = {path: text.encode() for path, text in files.items()}
    if head and all(shop.git.read(repo, path, ref=head) == data for path, data in content.items()):
        return name, head
    message = commit_message(job.key, job.state, summary)
    sha = shop.git.commit_files(repo, parent=parent, files=content, message=message)
    shop.git.push(repo, branch=name, sha=sha, expected=head)
    return name, sha


def check_content(job: Job, files: Mapping[str, str]) -> None:
    """Refuse protected paths and secrets before anything is pushed (GH-31, SCOPE-04, SEC-02)."""
    check_paths(job, tuple(files))
    hits = [f"{path} line {hit.line}: {hit.kind}" for path, text in files.items() for hit in find_secrets(text)]
    if hits:
        raise ValidationFailed("secret_in_output", problems=tuple(f"secret_in_output: {hit}" for hit in hits))


def check_paths(job: Job, paths: Sequence[str]) -> None:
    """Refuse protected paths: no retry by machine."""
    protected = protected_among(paths, extra=job.config.constitutional.protected_paths_extra)
    if protected:
        raise PolicyViolation(
            f"PROTECTED_PATH_VIOLATION: {', '.join(protected)}",
            category=FailureCategory.PROTECTED_PATH_VIOLATION,
            event="PROTECTED_PATH_VIOLATION",
        )


def ensure_pull(job: Job, shop: Workshop, *, head: str, base: str, title: str, body: str) -> Pull:
    """Return the pull request of branch ``head``: found in any state, else opened; PullClosed when rejected."""
    repo, title, body = job.key.item.repo, redact(title), redact(body)
    known = [one for one in shop.github.pulls.find(repo, head=head) if _counts(job, shop, one)]
    found = [pull for pull in known if pull.open or pull.merged]
    if found:
        pull = found[0]
        if pull.open and pull.body != body:
            shop.github.pulls.update_body(repo, pull.number, body)
        return pull
    if known:
        raise PullClosed(f"pull request #{known[0].number} was closed unmerged")
    return shop.github.pulls.create(repo, title=title, body=body, head=head, base=base)


def _counts(job: Job, shop: Workshop, pull: Pull) -> bool:
    """Tell whether a pull request says something about the branch as it is.

    One that was set aside does so only while it is open, for a branch has one open pull request at most, or when it
    brought all that the branch holds.
    """
    if pull.open or pull.number not in job.state.set_aside:
        return True
    return pull.merged and shop.git.branch_head(job.key.item.repo, pull.head) == pull.head_sha


def pull_base(job: Job, shop: Workshop, open_branches: Sequence[tuple[str, Sha]]) -> str:
    """Return the base of a pull request: its one unmerged predecessor's branch, else the base branch (GH-26)."""
    repo = job.key.item.repo
    unmerged = [
        name
        for name, sha in open_branches
        if shop.git.merge(repo, (job.base_head, sha), message="Is it merged?\n") != job.base_head
    ]
    return unmerged[0] if len(unmerged) == 1 else job.base_branch
