"""What is wrong with declared dependencies, and which imports nobody declared."""

from collections.abc import Sequence

from cogworks.extension_api.diagnostics import Category, Diagnostic, Severity
from cogworks.extension_api.methods import Dependency, ValidateDepsResult
from cogworks.service.python.calls import Answer, Call, finding
from cogworks.service.python.checkout import Checkout
from cogworks.service.python.declared import (
    Declared,
    UnreadableDeclaration,
    declared_names,
    declares_elsewhere,
    own_name,
    read_declarations,
)
from cogworks.service.python.imports import Import, imports_of
from cogworks.service.python.modules import ModuleMap, map_modules
from cogworks.service.python.ranges import is_empty
from cogworks.service.python.sources import Unreadable, parse

_ALWAYS_THERE = frozenset({"pytest", "_pytest"})
"""The service itself promises pytest to the tests."""

_PROVIDED_BY = {
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "jwt": "pyjwt",
    "github": "pygithub",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
"""Import names of well-known distributions that are called otherwise, for when they are not installed."""


def check_declarations(checkout: Checkout, paths: Sequence[str]) -> Answer:
    """The declared dependencies of these files, each with what is wrong with it."""
    dependencies: list[Dependency] = []
    diagnostics: list[Diagnostic] = []
    for path in paths:
        found, problems = _check_file(path, checkout.text(path))
        dependencies += found
        diagnostics += problems
    result = ValidateDepsResult(valid=not diagnostics, dependencies=tuple(dependencies))
    return Answer(result=result, diagnostics=tuple(diagnostics), artifacts_checked=len(paths))


def _check_file(path: str, text: str) -> tuple[list[Dependency], list[Diagnostic]]:
    try:
        declared = read_declarations(path, text)
    except UnreadableDeclaration as error:
        return [], [finding(Category.DEPENDENCY_ERROR, error.reason, artifact=path)]
    dependencies: list[Dependency] = []
    diagnostics: list[Diagnostic] = []
    seen: set[tuple[str, str, str]] = set()
    for item in declared:
        problem = item.problem or _range_problem(item) or _duplicate_problem(item, seen)
        dependencies.append(
            Dependency(
                name=item.name,
                constraint=str(item.requirement.specifier) if item.requirement else "",
                declared_in=path,
                problem=problem,
            )
        )
        if problem is not None:
            message = f"{item.text}: {problem}"
            diagnostics.append(finding(Category.DEPENDENCY_ERROR, message, artifact=path, line=_line(item, text)))
    return dependencies, diagnostics


def _range_problem(item: Declared) -> str | None:
    if item.requirement is not None and is_empty(item.requirement.specifier):
        return "empty range: no version satisfies it"
    return None


def _duplicate_problem(item: Declared, seen: set[tuple[str, str, str]]) -> str | None:
    marker = str(item.requirement.marker or "") if item.requirement else ""
    key = (item.group, item.name, marker)
    if key in seen:
        return "duplicate: declared before in the same place"
    seen.add(key)
    return None


def _line(item: Declared, text: str) -> int | None:
    if item.line is not None:
        return item.line
    return next((number for number, line in enumerate(text.splitlines(), start=1) if item.text in line), None)


def undeclared_imports(call: Call, checkout: Checkout, paths: Sequence[str]) -> list[Diagnostic]:
    """A finding for each import that is neither standard, nor the repository's own, nor declared.

    It blocks, unless the repository may declare its dependencies in a file that cannot be read without running code.
    """
    local = map_modules(checkout.python_files())
    declared = declared_names(checkout) | ({name} if (name := own_name(checkout)) else set())
    severity = Severity.WARNING if declares_elsewhere(checkout) else Severity.BLOCKING
    found: list[Diagnostic] = []
    for path in paths:
        for item in _doubtful_imports(checkout, path):
            problem = _import_problem(call, item, local=local, declared=declared)
            if problem is not None:
                found.append(
                    finding(
                        Category.DEPENDENCY_ERROR,
                        problem,
                        severity=severity,
                        artifact=path,
                        line=item.line,
                        column=item.column,
                        code="undeclared-import",
                    )
                )
    return found


def _doubtful_imports(checkout: Checkout, path: str) -> list[Import]:
    """The imports that must be found: not those in a `try`, and not those of a neighbour, as tests and scripts do."""
    tree = parse(checkout.text(path))
    if isinstance(tree, Unreadable):
        return []  # the syntax check has reported it
    return [
        item for item in imports_of(tree, path=path) if not item.forgiven and not _is_neighbour(checkout, path, item)
    ]


def _is_neighbour(checkout: Checkout, path: str, item: Import) -> bool:
    directory, _, _ = path.rpartition("/")
    top = item.module.partition(".")[0]
    places = [f"{directory}/{top}".lstrip("/") + suffix for suffix in (".py", "/__init__.py")] if top else []
    return any(checkout.exists(place) for place in places)


def _import_problem(call: Call, item: Import, *, local: ModuleMap, declared: frozenset[str] | set[str]) -> str | None:
    top = item.module.partition(".")[0]
    if not top or top in call.workshop.target.standard_modules or top in _ALWAYS_THERE:
        return None
    if local.is_local(item.module):
        return None if local.exists(item.module) else f"the repository has no module {item.module}"
    providers = {top.lower().replace("_", "-"), _PROVIDED_BY.get(top, "")}
    providers |= {
        name.lower().replace("_", "-").replace(".", "-") for name in call.workshop.target.modules.get(top, ())
    }
    if providers & declared:
        return None
    return f"import of {top}, which is not among the declared dependencies"
