"""Compare a node's output with what was asked for: deterministic checks, then one adversarial call (40 section 10)."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from cogworks.graph.definition import AlignmentRule
from cogworks.model.errors import InvalidOutput
from cogworks.model.findings import Alignment, Finding, Severity
from cogworks.model.outputs import AlignmentFinding, AlignmentOutput
from cogworks.nodes.conversation import Question, ask
from cogworks.nodes.job import Job, Workshop
from cogworks.nodes.material import data_item
from cogworks.policy.alignment import judge, tightened
from cogworks.policy.context import ContextItem

_TECHNICAL_RETRIES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class DeterministicCheck:
    """One check that needs no model: what it looked at, and what is wrong if it failed."""

    name: str
    passed: bool
    finding: str = ""


def verify(
    job: Job,
    shop: Workshop,
    *,
    asked: Sequence[ContextItem],
    produced: Sequence[ContextItem],
    checks: Sequence[DeterministicCheck],
) -> Alignment:
    """Return whether ``produced`` is what ``asked`` asks for, under the node's rule and the safety floor."""
    rule = _rule(job)
    found = [_missing(check) for check in checks if not check.passed] if rule.deterministic else []
    score: float | None = None
    if rule.llm:
        try:
            answer = _ask(job, shop, asked, produced, found)
        except InvalidOutput:
            if job.safety:
                raise
            found.append(_note("the model check gave no valid answer; only deterministic checks count"))
        else:
            score = answer.score
            found += [_told(one) for one in answer.findings]
    models = job.config.llm
    same = models.models[models.purposes.alias("alignment")].id == models.models[models.purposes.alias("generate")].id
    results = [(check.name, check.passed) for check in checks] if rule.deterministic else []
    return judge(rule, checks=results, findings=found, llm_score=score, same_model=same, safety=job.safety)


def _rule(job: Job) -> AlignmentRule:
    safety = job.config.alignment.safety
    floor = AlignmentRule(threshold=Decimal(str(safety.threshold)), max_rework=safety.max_rework)
    return tightened(job.node.alignment or AlignmentRule(llm=False), safety=job.safety, floor=floor)


def _ask(
    job: Job, shop: Workshop, asked: Sequence[ContextItem], produced: Sequence[ContextItem], found: Sequence[Finding]
) -> AlignmentOutput:
    known = [data_item("deterministic-findings", [one.description for one in found])] if found else []
    question = Question(
        template=f"align_{job.node.uses if job.node.uses != 'custom' else 'custom'}",
        purpose="alignment",
        values={},
        items=[*asked, *produced, *known],
        task="List every way in which the output fails the request, then give the score.",
        technical_retries=_TECHNICAL_RETRIES,
    )
    return ask(job, shop, question, AlignmentOutput)


def _missing(check: DeterministicCheck) -> Finding:
    return Finding(
        kind="missing", severity=Severity.BLOCKING, description=f"{check.name}: {check.finding}", origin="deterministic"
    )


def _note(text: str) -> Finding:
    return Finding(kind="ambiguous", severity=Severity.WARNING, description=text, origin="deterministic")


def _told(found: AlignmentFinding) -> Finding:
    return Finding(
        kind=found.type,
        severity=Severity(found.severity),
        description=found.description,
        origin="llm",
        source=f"{found.input_reference.source} {found.input_reference.location}".strip(),
        file=found.output_reference.source,
        suggestion=found.suggestion,
    )
