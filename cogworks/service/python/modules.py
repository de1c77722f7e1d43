"""Which module a file is, and which file a module is."""

from collections.abc import Iterable
from dataclasses import dataclass

_ROOTS = ("src/",)


def module_name(path: str) -> str:
    """The dotted name under which the file is imported, with `src/` and the root on the path."""
    for root in _ROOTS:
        path = path.removeprefix(root)
    bare = path.removesuffix(".pyi").removesuffix(".py")
    return bare.removesuffix("/__init__").replace("/", ".")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleMap:
    """Every module of the repository by its dotted name."""

    paths: dict[str, str]
    packages: frozenset[str]
    """directories that can be imported, with an `__init__.py` or without"""

    def is_local(self, name: str) -> bool:
        """Whether the first part of the name belongs to the repository."""
        top = name.partition(".")[0]
        return top in self.paths or top in self.packages

    def exists(self, name: str) -> bool:
        """Whether the repository has exactly that module or package."""
        return name in self.paths or name in self.packages

    def nearest(self, name: str) -> str | None:
        """The file of the module, for a name that may go on into the module's attributes."""
        while name:
            if name in self.paths:
                return self.paths[name]
            name = name.rpartition(".")[0]
        return None


def map_modules(files: Iterable[str]) -> ModuleMap:
    """The modules that these files are; a stub never hides its implementation."""
    paths: dict[str, str] = {}
    packages: set[str] = set()
    for path in files:
        name = module_name(path)
        if name not in paths or path.endswith(".py"):
            paths[name] = path
        parts = name.split(".")
        packages |= {".".join(parts[:count]) for count in range(1, len(parts))}
    return ModuleMap(paths=paths, packages=frozenset(packages))
