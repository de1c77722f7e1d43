"""Intake: what kind of work is it, which modules does it touch, how careful must we be (ENG-50)."""

from cogworks.model.errors import FailureCategory
from cogworks.model.json_value import JsonObject
from cogworks.model.outcome import Outcome, Result
from cogworks.model.outputs import IntakeOutput
from cogworks.model.state import Artifact, Classification, Scope
from cogworks.nodes.conversation import Question, ask
from cogworks.nodes.job import Job, Workshop
from cogworks.nodes.material import data_item, issue_item, tree_item
from cogworks.nodes.outcomes import failed, succeeded
from cogworks.nodes.servicing import greet
from cogworks.nodes.toolbox import reading_bench, toolset
from cogworks.policy.classify import judge_class, scope_accepted, scope_excess
from cogworks.policy.labels import ours
from cogworks.policy.paths import glob_matches
from cogworks.policy.traceability import rows_of


def intake(job: Job, shop: Workshop) -> Outcome:
    """Return the classification after the safety override; escalate a thin or oversized item."""
    greet(job, shop)
    told = ask(job, shop, _question(job, shop), IntakeOutput)
    if not told.affected_modules and not job.issue.body.strip():
        return _escalated("the work item has no description and touches no known module: please add detail")
    judged = _judged(job, told)
    rules = job.config.classification
    excess = scope_excess(judged, max_files=rules.scope_max_files, max_interfaces=rules.scope_max_interfaces)
    if excess and not scope_accepted(job.state):
        return _escalated(excess, FailureCategory.SCOPE_THRESHOLD)
    return succeeded(
        _as_value(judged),
        message=f"{judged.task_type}, {judged.item_class}: {judged.rationale}",
        artifacts={"classification": Artifact(kind="file", ref="")},
        matrix=rows_of(job.issue.body),
    )


def _question(job: Job, shop: Workshop) -> Question:
    return Question(
        template="intake",
        purpose="generate",
        values={"pipelines": ", ".join(sorted(job.pipeline.pipelines))},
        items=[
            issue_item(job.issue),
            data_item("labels", [label for label in job.issue.labels if not ours(label, job.config.labels)]),
            tree_item(job, shop, ref=job.base_head),
        ],
        task="Classify the work item.",
        toolset=toolset(job),
        bench=reading_bench(job, shop, ref=job.base_head),
        with_feedback=True,
    )


def _judged(job: Job, told: IntakeOutput) -> Classification:
    plain = Classification(
        task_type=told.task_type,
        affected_modules=tuple(told.affected_modules),
        component_tags=tuple(told.component_tags),
        scope=Scope(files=told.scope.files, interfaces=told.scope.interfaces, complexity=told.scope.complexity),
        safety_affecting=told.safety_affecting,
        pipeline=told.pipeline,
        rationale=told.rationale,
    )
    rules = job.config.classification
    return judge_class(
        plain,
        safety_modules=rules.safety_modules,
        low_risk_task_types=rules.low_risk_task_types,
        safety_label=job.config.labels.safety_critical in job.issue.labels,
        matches=glob_matches,
    )


def _as_value(judged: Classification) -> JsonObject:
    return {
        "task_type": judged.task_type,
        "affected_modules": list(judged.affected_modules),
        "component_tags": list(judged.component_tags),
        "scope": {
            "files": judged.scope.files,
            "interfaces": judged.scope.interfaces,
            "complexity": judged.scope.complexity,
        },
        "safety_affecting": judged.safety_affecting,
        "pipeline": judged.pipeline,
        "rationale": judged.rationale,
        "item_class": str(judged.item_class),
    }


def _escalated(message: str, category: FailureCategory = FailureCategory.SCOPE_UNDERSPECIFIED) -> Outcome:
    if category is FailureCategory.SCOPE_THRESHOLD:
        return Outcome(result=Result.ESCALATED, category=category, message=message)
    return failed(category, message)
