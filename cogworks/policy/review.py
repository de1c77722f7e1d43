"""The verdict of a review (REV-02)."""

from collections.abc import Sequence
from typing import Literal

from cogworks.model.findings import Finding

PASSES = ("constraint", "quality", "architecture", "security")


def verdict_of(findings: Sequence[Finding]) -> Literal["proceed", "remediate"]:
    """Return ``remediate`` when any pass blocks; escalation is the graph's answer to spent cycles."""
    return "remediate" if any(finding.blocks for finding in findings) else "proceed"
