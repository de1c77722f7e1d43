"""The ways in which a node ends, said the same way by all of them."""

from collections.abc import Mapping, Sequence

from cogworks.model.errors import FailureCategory
from cogworks.model.findings import Alignment, Diagnostic, Finding, MatrixRow
from cogworks.model.json_value import JsonValue, sha256_json
from cogworks.model.outcome import Check, Outcome, Result
from cogworks.model.state import Artifact


def succeeded(
    output: Mapping[str, JsonValue],
    *,
    message: str,
    artifacts: Mapping[str, Artifact] | None = None,
    alignment: Alignment | None = None,
    checks: Sequence[Check] = (),
    matrix: Sequence[MatrixRow] = (),
) -> Outcome:
    """Return the outcome of valid and aligned work."""
    return Outcome(
        result=Result.SUCCEEDED,
        output=output,
        output_hash=sha256_json(output),
        artifacts=artifacts or {},
        alignment=alignment,
        checks=tuple(checks),
        matrix=tuple(matrix),
        message=message,
    )


def invalid(
    diagnostics: Sequence[Diagnostic],
    *,
    message: str,
    output_hash: str = "",
    checks: Sequence[Check] = (),
    category: FailureCategory | None = None,
) -> Outcome:
    """Return the outcome of technically wrong work; the diagnostics go back to the model."""
    return Outcome(
        result=Result.INVALID,
        diagnostics=tuple(diagnostics),
        message=message,
        output_hash=output_hash,
        checks=tuple(checks),
        category=category,
    )


def misaligned(alignment: Alignment, *, message: str, output_hash: str = "", checks: Sequence[Check] = ()) -> Outcome:
    """Return the outcome of valid work that is not what was asked for."""
    return Outcome(
        result=Result.MISALIGNED,
        alignment=alignment,
        findings=_as_findings(alignment),
        message=message,
        output_hash=output_hash,
        checks=tuple(checks),
    )


def failed(category: FailureCategory, message: str) -> Outcome:
    """Return the outcome of work that no repetition helps."""
    return Outcome(result=Result.FAILED, category=category, message=message)


def _as_findings(alignment: Alignment) -> tuple[Finding, ...]:
    return alignment.findings
