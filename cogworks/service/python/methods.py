"""What each method does with its params."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from cogworks.extension_api.diagnostics import Diagnostic
from cogworks.extension_api.envelope import ConstraintResult
from cogworks.extension_api.methods import (
    Artifact,
    Method,
    NormalisedArtifact,
    NormaliseResult,
    ReviewRulesParams,
    ReviewRulesResult,
    SimulateParams,
    ValidateDepsParams,
    ValidateResult,
)
from cogworks.extension_api.wire import WireModel
from cogworks.service.python import deps, graph, interfaces, lint
from cogworks.service.python.calls import Answer, Call, Findings
from cogworks.service.python.checkout import Checkout, fresh_checkout
from cogworks.service.python.contracts import compare
from cogworks.service.python.sources import compile_problem
from cogworks.service.python.tests_run import simulate
from cogworks.service.python.typecheck import type_errors

_REVIEWED = ("ruff", "cogworks-annotations")


def perform(method: Method, call: Call, params: WireModel) -> Answer:
    """The answer of any method but the handshake, worked out on a fresh checkout that is gone afterwards."""
    with fresh_checkout(
        call.repository, _overlays(params), scratch=call.workshop.scratch, deadline=call.deadline
    ) as checkout:
        return _METHODS[method](call, checkout, params)


def _overlays(params: WireModel) -> Sequence[Artifact]:
    if isinstance(params, ValidateDepsParams):
        return [Artifact(path=item.path, content=item.content) for item in params.declarations]
    artifacts: Sequence[Artifact] = getattr(params, "artifacts", ())
    return artifacts


def _normalise(call: Call, checkout: Checkout, _params: WireModel) -> Answer:
    artifacts: list[NormalisedArtifact] = []
    diagnostics: list[Diagnostic] = []
    for path in checkout.python_artifacts():
        before = checkout.text(path)
        normal = lint.normalise_file(call, checkout, path)
        if normal.problem is not None:
            diagnostics.append(normal.problem)
        artifacts.append(NormalisedArtifact(path=path, changed=normal.content != before, content=normal.content))
    result = NormaliseResult(changed=any(item.changed for item in artifacts), artifacts=tuple(artifacts))
    return Answer(result=result, diagnostics=tuple(diagnostics), artifacts_checked=len(checkout.artifacts))


def _validate(call: Call, checkout: Checkout, _params: WireModel) -> Answer:
    paths = checkout.python_artifacts()
    findings = Findings()
    with findings.check("syntax"):
        problems = {path: compile_problem(checkout.text(path)) for path in paths}
        findings.diagnostics += [problem.to_finding(path) for path, problem in problems.items() if problem]
    declarations = checkout.declaration_artifacts()
    if declarations:
        with findings.check("declarations"):
            findings.diagnostics += deps.check_declarations(checkout, declarations).diagnostics
    sound = [path for path, problem in problems.items() if problem is None]
    if sound:
        with findings.check("imports"):
            findings.diagnostics += deps.undeclared_imports(call, checkout, sound)
        with findings.check("lint"):
            findings.diagnostics += lint.certain_errors(call, checkout, sound)
        with findings.check("types"):
            findings.diagnostics += type_errors(call, checkout, sound)
    checked = len(checkout.artifacts)
    return Answer(
        result=ValidateResult(artifacts_checked=checked, checks=tuple(findings.checks)),
        diagnostics=tuple(findings.diagnostics),
        constraint_results=_constraints(call, checkout, paths),
        artifacts_checked=checked,
    )


def _review_rules(call: Call, checkout: Checkout, params: WireModel) -> Answer:
    assert isinstance(params, ReviewRulesParams)
    paths, rules = checkout.python_artifacts(), params.rule_config
    diagnostics = interfaces.annotation_mismatches(checkout, paths)
    if paths:
        diagnostics += lint.rule_findings(call, checkout, paths, select=rules.select, blocking=rules.blocking)
    checked = len(checkout.artifacts)
    return Answer(
        result=ReviewRulesResult(rules_run=(*_REVIEWED, *rules.select), artifacts_checked=checked),
        diagnostics=tuple(diagnostics),
        constraint_results=_constraints(call, checkout, paths),
        artifacts_checked=checked,
    )


def _simulate(call: Call, checkout: Checkout, params: WireModel) -> Answer:
    assert isinstance(params, SimulateParams)
    answer = simulate(call, checkout, params)
    return replace(answer, artifacts_checked=max(answer.artifacts_checked, len(checkout.artifacts)))


def _validate_deps(_call: Call, checkout: Checkout, params: WireModel) -> Answer:
    assert isinstance(params, ValidateDepsParams)
    return deps.check_declarations(checkout, [item.path for item in params.declarations])


def _extract_interfaces(call: Call, checkout: Checkout, _params: WireModel) -> Answer:
    paths = checkout.python_artifacts()
    result = interfaces.extract(checkout, paths)
    return Answer(
        result=result,
        diagnostics=interfaces.unextractable_warnings(result),
        constraint_results=compare(call.contracts, result.values) if call.contracts is not None else None,
        artifacts_checked=len(checkout.artifacts),
    )


def _dependency_graph(call: Call, checkout: Checkout, _params: WireModel) -> Answer:
    result = graph.dependency_graph(checkout, standard_modules=call.workshop.target.standard_modules)
    return Answer(result=result, artifacts_checked=len(checkout.artifacts))


def _constraints(call: Call, checkout: Checkout, paths: Sequence[str]) -> tuple[ConstraintResult, ...] | None:
    if call.contracts is None:
        return None
    return compare(call.contracts, interfaces.extract(checkout, paths).values)


_METHODS: dict[Method, Callable[[Call, Checkout, WireModel], Answer]] = {
    Method.NORMALISE: _normalise,
    Method.VALIDATE: _validate,
    Method.REVIEW_RULES: _review_rules,
    Method.SIMULATE: _simulate,
    Method.VALIDATE_DEPS: _validate_deps,
    Method.EXTRACT_INTERFACES: _extract_interfaces,
    Method.DEPENDENCY_GRAPH: _dependency_graph,
}
