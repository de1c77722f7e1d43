"""Findings that do not block, as comments at their lines (GH-30)."""

from collections.abc import Mapping, Sequence

from cogworks.model.findings import Finding
from cogworks.model.github import LineComment
from cogworks.model.json_value import sha256_text
from cogworks.pages.markers import mark
from cogworks.pages.quoting import inert


def finding_id(finding: Finding) -> str:
    """Return the id by which a posted finding is found again."""
    return sha256_text(f"{finding.source}\n{finding.file}\n{finding.line}\n{finding.description}")[:12]


def split_findings(
    findings: Sequence[Finding], lines_in_diff: Mapping[str, frozenset[int]]
) -> tuple[tuple[LineComment, ...], str]:
    """Return (comments at lines of the diff, review body with the rest); the body is empty when nothing remains."""
    inside: list[LineComment] = []
    outside: list[str] = []
    for finding in findings:
        mark_line = mark("finding", id=finding_id(finding))
        says = f"**{finding.severity}** ({inert(finding.source)}): {inert(finding.description)}"
        text = f"{mark_line}\n{says}"
        if finding.file and finding.line and finding.line in lines_in_diff.get(finding.file, frozenset()):
            inside.append(LineComment(path=finding.file, line=finding.line, body=text))
        else:
            outside.append(f"{text}\n`{finding.file or '-'}`{f' line {finding.line}' if finding.line else ''}\n")
    return tuple(inside), "\n".join(outside)
