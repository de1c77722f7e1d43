"""Every import of a file, where it stands and under which condition."""

import ast
from dataclasses import dataclass

from cogworks.service.python.modules import module_name

_FORGIVING = frozenset({"ImportError", "ModuleNotFoundError", "Exception"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One imported name: `module` is absolute; `name` is what a `from` import takes out of it."""

    module: str
    name: str | None
    line: int
    column: int
    type_checking: bool
    """stands under `if TYPE_CHECKING`"""
    forgiven: bool
    """stands in a `try` that catches its failure"""


class _Collector(ast.NodeVisitor):
    def __init__(self, *, package: str) -> None:
        self._package = package
        self._type_checking = False
        self._forgiven = False
        self.found: list[Import] = []

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._add(node, alias.name, None)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = self._absolute(node)
        for alias in node.names:
            self._add(node, module, None if alias.name == "*" else alias.name)

    def visit_If(self, node: ast.If) -> None:
        before = self._type_checking
        self._type_checking = before or _is_type_checking(node.test)
        for child in node.body:
            self.visit(child)
        self._type_checking = before
        for child in node.orelse:
            self.visit(child)

    def visit_Try(self, node: ast.Try) -> None:
        before = self._forgiven
        self._forgiven = before or any(_forgives(handler) for handler in node.handlers)
        for child in node.body:
            self.visit(child)
        self._forgiven = before
        rest: list[ast.AST] = [*node.handlers, *node.orelse, *node.finalbody]
        for other in rest:
            self.visit(other)

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self._package.split(".") if self._package else []
        base = ".".join(parts[: len(parts) - node.level + 1])
        return ".".join(part for part in (base, node.module) if part)

    def _add(self, node: ast.Import | ast.ImportFrom, module: str, name: str | None) -> None:
        self.found.append(
            Import(
                module=module,
                name=name,
                line=node.lineno,
                column=node.col_offset + 1,
                type_checking=self._type_checking,
                forgiven=self._forgiven,
            )
        )


def imports_of(tree: ast.Module, *, path: str) -> list[Import]:
    """The imports of the file in their order, relative ones made absolute."""
    name = module_name(path)
    is_package = path.endswith(("__init__.py", "__init__.pyi"))
    collector = _Collector(package=name if is_package else name.rpartition(".")[0])
    collector.visit(tree)
    return collector.found


def _is_type_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else test.id if isinstance(test, ast.Name) else ""
    return name == "TYPE_CHECKING"


def _forgives(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(kind, ast.Name) and kind.id in _FORGIVING for kind in caught)
