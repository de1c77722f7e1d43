"""What Python files offer, read from their syntax tree; the code is never imported."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from cogworks.extension_api.diagnostics import Category, Diagnostic, Severity
from cogworks.extension_api.methods import ExtractedValue, ExtractInterfacesResult, Interface, Unextractable
from cogworks.service.python.annotations import annotations_of
from cogworks.service.python.calls import finding
from cogworks.service.python.checkout import Checkout
from cogworks.service.python.modules import module_name
from cogworks.service.python.sources import Unreadable, parse

_MAX_CONSTANT_CHARACTERS = 200


@dataclass(slots=True)
class _Collected:
    interfaces: list[Interface] = field(default_factory=list)
    values: list[ExtractedValue] = field(default_factory=list)
    unextractable: list[Unextractable] = field(default_factory=list)


def extract(checkout: Checkout, paths: Sequence[str]) -> ExtractInterfacesResult:
    """The interfaces and the annotated values of these files."""
    collected = _Collected()
    for path in paths:
        text = checkout.text(path)
        tree = parse(text)
        if isinstance(tree, Unreadable):
            reason = f"line {tree.line or 1}: {tree.reason}"
            collected.unextractable.append(Unextractable(path=path, reason=reason))
            continue
        collected.interfaces += _interfaces(tree, path=path)
        _collect_values(collected, text, tree, path=path)
    return ExtractInterfacesResult(
        status="incomplete" if collected.unextractable else "complete",
        interfaces=tuple(collected.interfaces),
        values=tuple(collected.values),
        unextractable=tuple(collected.unextractable),
    )


def annotation_mismatches(checkout: Checkout, paths: Sequence[str]) -> list[Diagnostic]:
    """PYS-04: a blocking finding for each annotation that disagrees with the constant it describes."""
    found: list[Diagnostic] = []
    for path in paths:
        text = checkout.text(path)
        tree = parse(text)
        if isinstance(tree, Unreadable):
            continue  # ruff reports what does not parse
        for item in annotations_of(text, tree).read:
            if item.disagrees:
                message = (
                    f"{item.interface_id}.{item.parameter} is annotated as {item.value!r}, "
                    f"but {item.constant} is {item.constant_value!r}"
                )
                found.append(finding(Category.INTERFACE_MISMATCH, message, artifact=path, line=item.line))
    return found


def unextractable_warnings(result: ExtractInterfacesResult) -> tuple[Diagnostic, ...]:
    """A warning for each file that could not be read in full."""
    return tuple(
        finding(Category.COMPLETENESS, item.reason, severity=Severity.WARNING, artifact=item.path)
        for item in result.unextractable
    )


def _collect_values(collected: _Collected, text: str, tree: ast.Module, *, path: str) -> None:
    annotations = annotations_of(text, tree)
    for item in annotations.read:
        collected.values.append(
            ExtractedValue(
                interface_id=item.interface_id,
                parameter=item.parameter,
                value=item.value,
                unit=item.unit,
                source=f"{path}:{item.line}",
            )
        )
    for line, reason in annotations.unread:
        collected.unextractable.append(Unextractable(path=path, reason=f"line {line}: {reason}"))


def _interfaces(tree: ast.Module, *, path: str) -> list[Interface]:
    module, exported = module_name(path), _exported(tree)
    found: list[Interface] = []
    for statement in tree.body:
        for kind, name, signature, node in _offered(statement):
            public = name in exported if exported is not None else not name.startswith("_")
            found.append(_interface(module, path, kind, name, signature, node, public=public))
            if isinstance(node, ast.ClassDef):
                found += _methods(node, module=module, path=path, public=public)
    return found


def _methods(owner: ast.ClassDef, *, module: str, path: str, public: bool) -> Iterator[Interface]:
    for node in owner.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            shown = public and (not node.name.startswith("_") or node.name == "__init__")
            name = f"{owner.name}.{node.name}"
            yield _interface(module, path, "method", name, _signature(node), node, public=shown)


def _interface(
    module: str, path: str, kind: str, name: str, signature: str, node: ast.stmt, *, public: bool
) -> Interface:
    documented = node if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) else None
    return Interface(
        module=module,
        kind=kind,
        name=name,
        signature=signature,
        line=node.lineno,
        public=public,
        docstring=ast.get_docstring(documented) if documented else None,
        path=path,
    )


def _offered(node: ast.stmt) -> Iterator[tuple[str, str, str, ast.stmt]]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            yield "function", name, _signature(node), node
        case ast.ClassDef(name=name):
            bases = ", ".join(ast.unparse(base) for base in (*node.bases, *node.keywords))
            yield "class", name, f"class {name}({bases})" if bases else f"class {name}", node
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield "constant", name, _cut(ast.unparse(node)), node
        case ast.Assign(targets=targets):
            for target in targets:
                if isinstance(target, ast.Name) and target.id != "__all__":
                    yield "constant", target.id, _cut(ast.unparse(node)), node
        case _:
            return


def _signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    prefix = "async " if isinstance(node, ast.AsyncFunctionDef) else ""
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"{prefix}{node.name}({ast.unparse(node.args)}){returns}"


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_CONSTANT_CHARACTERS else text[: _MAX_CONSTANT_CHARACTERS - 1] + "…"


def _exported(tree: ast.Module) -> frozenset[str] | None:
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            names = node.value.elts if isinstance(node.value, ast.List | ast.Tuple) else []
            return frozenset(n.value for n in names if isinstance(n, ast.Constant) and isinstance(n.value, str))
    return None
