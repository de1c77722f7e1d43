"""Whether a valid output is what was asked for (40 section 10)."""

from collections.abc import Sequence
from dataclasses import replace

from cogworks.graph.definition import AlignmentRule
from cogworks.model.findings import Alignment, Finding, Severity

SAFETY_MAX_WARNINGS = 3
SAME_MODEL_SURCHARGE = 0.02


def tightened(rule: AlignmentRule, *, safety: bool, floor: AlignmentRule) -> AlignmentRule:
    """Return ``rule`` raised to the safety floor when the item is safety-affecting; never loosened."""
    if not safety:
        return rule
    return replace(
        rule,
        llm=True,
        deterministic=True,
        threshold=max(rule.threshold, floor.threshold),
        max_rework=max(rule.max_rework, floor.max_rework),
    )


def judge(
    rule: AlignmentRule,
    *,
    checks: Sequence[tuple[str, bool]],
    findings: Sequence[Finding],
    llm_score: float | None,
    same_model: bool,
    safety: bool,
) -> Alignment:
    """Return the result: aligned when the score meets the threshold and nothing blocks (ALN-02).

    ``checks`` are the deterministic ones as (name, passed); the score is the model's when it ran, else their share.
    """
    share = sum(passed for _, passed in checks) / len(checks) if checks else 1.0
    score = share if llm_score is None else llm_score
    threshold = float(rule.threshold) + (SAME_MODEL_SURCHARGE if safety and same_model else 0.0)
    merged = tuple(dict.fromkeys(findings))
    warnings = sum(finding.severity is Severity.WARNING for finding in merged)
    aligned = (
        score >= threshold
        and not any(finding.blocks for finding in merged)
        and not (safety and warnings > SAFETY_MAX_WARNINGS)
    )
    return Alignment(
        aligned=aligned,
        score=score,
        threshold=threshold,
        findings=merged,
        llm_ran=llm_score is not None,
        same_model=same_model,
    )
