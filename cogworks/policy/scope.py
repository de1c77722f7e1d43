"""What a run may write: the authorised file set and protected paths (40 section 8)."""

from collections.abc import Iterable, Sequence

from cogworks.model.change import Change
from cogworks.policy.paths import glob_matches

PROTECTED = (
    ".cogworks/**",
    "cogworks/extension_api/schemas/**",
    "CODEOWNERS",
    "**/CODEOWNERS",
    ".github/workflows/**",
    ".github/actions/**",
    ".git/**",
    ".gitmodules",
)


def is_protected(path: str, *, extra: Sequence[str] = ()) -> bool:
    """Tell whether no run may ever write ``path``; letter case does not matter (SCOPE-05)."""
    return any(glob_matches(pattern, path, ignore_case=True) for pattern in (*PROTECTED, *extra))


def protected_among(paths: Iterable[str], *, extra: Sequence[str] = ()) -> tuple[str, ...]:
    """Return those of ``paths`` that are protected."""
    return tuple(path for path in paths if is_protected(path, extra=extra))


def outside(changes: Iterable[Change], *, authorised: Sequence[str]) -> tuple[str, ...]:
    """Return the changed paths that no entry of the authorised file set names (SCOPE-01)."""
    allowed = set(authorised)
    return tuple(change.path for change in changes if change.path not in allowed)
