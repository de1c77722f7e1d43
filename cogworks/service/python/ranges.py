"""Whether a version range admits any version at all."""

from packaging.specifiers import SpecifierSet
from packaging.version import Version


def is_empty(specifiers: SpecifierSet) -> bool:
    """Whether no version can satisfy all the specifiers.

    A range changes its answer only at the versions it names, so it is enough to try those and their neighbours.
    """
    named = [Version(item.version.removesuffix(".*")) for item in specifiers if item.operator != "==="]
    if not named:
        return False
    tried = [candidate for version in named for candidate in _around(version)]
    return not any(specifiers.contains(candidate, prereleases=True) for candidate in tried)


def _around(version: Version) -> list[Version]:
    release = list(version.release)
    above = [*release[:-1], release[-1] + 1]
    below = _below(release)
    texts = [".".join(map(str, parts)) for parts in (release, above, [*release, 0, 1], below)]
    return [version, *(Version(f"{version.epoch}!{text}") for text in texts)]


def _below(release: list[int]) -> list[int]:
    for place in range(len(release) - 1, -1, -1):
        if release[place]:
            return [*release[:place], release[place] - 1, 999_999]
    return [0]
