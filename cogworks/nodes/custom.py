"""Nodes that a repository defines itself: a prompt of its own, or a deterministic call (10 section 2.1)."""

from dataclasses import replace

from cogworks.extension_api.envelope import Repository
from cogworks.model.errors import ConfigError, Problem
from cogworks.model.ids import Sha, Slot
from cogworks.model.json_value import JsonObject
from cogworks.model.outcome import Outcome
from cogworks.model.outputs import SCHEMAS, DocumentOutput, Output
from cogworks.model.state import Artifact
from cogworks.nodes.conversation import Question, ask
from cogworks.nodes.delivering import ensure_pull, push_files
from cogworks.nodes.job import Job, Workshop
from cogworks.nodes.material import approved_item, data_item, issue_item
from cogworks.nodes.outcomes import invalid, succeeded
from cogworks.nodes.servicing import as_artifacts, examine, open_desk
from cogworks.nodes.toolbox import reading_bench, toolset
from cogworks.pages.pull_page import PullFacts, pull_title, render_pull
from cogworks.policy.context import ContextItem


def custom(job: Job, shop: Workshop) -> Outcome:
    """Return what a repository's own prompt yields, delivered as the node says."""
    template = job.node.prompt or job.node.id
    if template not in shop.templates:
        known = ", ".join(sorted(shop.templates))
        problem = Problem(
            code="missing_file", file=f".cogworks/templates/{template}.md", message="is missing", allowed=known
        )
        raise ConfigError(problems=(problem,))
    question = Question(
        template=template,
        purpose="generate",
        values={},
        items=[*_inputs(job, shop), issue_item(job.issue, priority=3)],
        task=f"Do the work of the node {job.node.id}.",
        toolset=toolset(job),
        bench=reading_bench(job, shop, ref=job.base_head),
        with_feedback=True,
    )
    answer = ask(job, shop, question, SCHEMAS[shop.templates[template].schema])
    return _delivered(job, shop, answer)


def _inputs(job: Job, shop: Workshop) -> list[ContextItem]:
    items = [item for one in job.node.inputs for item in approved_item(job, shop, one.slot, priority=1)]
    facts = {name: outcome.output for name, outcome in job.history.items() if outcome.output is not None}
    return [*items, *([data_item("inputs", facts, priority=2)] if facts else [])]


def _delivered(job: Job, shop: Workshop, answer: Output) -> Outcome:
    slot = job.node.outputs[0] if job.node.outputs else Slot(job.node.id)
    value = answer.model_dump(mode="json")
    if job.node.deliver != "pr" or not isinstance(answer, DocumentOutput):
        return succeeded(value, message=f"{slot} is ready", artifacts={slot: Artifact(kind="file", ref="")})
    slug = job.node.slug or job.node.id.replace("_", "-")
    path = f"docs/cogworks/{job.key.item.number}/{slug}.md"
    text = f"# {answer.title}\n\n{answer.body}\n"
    name, head = push_files(job, shop, slug=slug, files={path: text}, summary=answer.title)
    pull = ensure_pull(
        job,
        shop,
        head=name,
        base=job.base_branch,
        title=pull_title(job.state, job.key.ref, kind=job.node.id, title=answer.title),
        body=render_pull(
            job.state, job.key.ref, PullFacts(summary=answer.title, cost=shop.tally.cost, unbooked=shop.tally.cost)
        ),
    )
    artifact = Artifact(kind="pr", ref=str(pull.number), sha=head)
    return replace(
        succeeded(value, message=f"#{pull.number}", artifacts={slot: artifact}), pr=int(pull.number), head=head
    )


def deterministic(job: Job, shop: Workshop) -> Outcome:
    """Return what the domain service says about everything that the run delivered; no model, no tokens (ENG-49)."""
    heads = [swi.head for swi in job.state.sub_work_items if swi.head]
    joined = shop.git.merge(job.key.item.repo, (job.base_head, *heads), message="Everything together\n")
    changes = shop.git.changes(job.key.item.repo, base=job.base_head, head=joined)
    paths = [c.path for c in changes if c.action != "delete"]
    desk = open_desk(job, shop, paths)
    slot = job.node.outputs[0] if job.node.outputs else Slot(job.node.id)
    if desk is None:
        return succeeded({"checked": 0}, message="nothing to check", artifacts={slot: Artifact(kind="file", ref="")})
    tree = shop.git.checkout(job.key.item.repo, ref=Sha(joined), name=f"{job.key.run_id}-{job.node.id}")
    suffixes = tuple(desk.hello.artifact_types)
    texts = {path: tree.read(path, max_bytes=1_048_576) for path in paths if path.endswith(suffixes)}
    method = job.node.service_method or "validate"
    params: JsonObject = {"filter": {}} if method == "simulate" else {"artifacts": as_artifacts(texts)}
    examined = examine(job, shop, desk, method, params, repository=Repository(path=tree.root, ref=joined))
    tree.remove()
    if examined.failed:
        return invalid(examined.diagnostics, message=f"{method} failed on the whole", checks=examined.checks)
    output: JsonObject = {"checked": len(texts), "method": method, "service": desk.service.name}
    return succeeded(
        output,
        message=f"{method}: {len(texts)} files, no blocking finding",
        artifacts={slot: Artifact(kind="file", ref="")},
        checks=examined.checks,
    )
