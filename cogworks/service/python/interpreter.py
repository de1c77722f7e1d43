"""The Python environments that a sandbox shows: the service's own, and the one of the target."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from cogworks.service.python.deadlines import Deadline
from cogworks.service.python.faults import tool_not_found
from cogworks.service.python.processes import run_process

_QUESTION = """
import importlib.metadata, json, sys
names = {}
for module, distributions in importlib.metadata.packages_distributions().items():
    names[module] = sorted(set(distributions))
print(json.dumps({
    "executable": sys.executable, "prefixes": sorted({sys.prefix, sys.base_prefix}),
    "version": "%d.%d" % sys.version_info[:2], "modules": names, "standard": sorted(sys.stdlib_module_names),
}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """One Python environment, as it described itself."""

    executable: Path
    prefixes: tuple[Path, ...]
    version: str
    modules: dict[str, tuple[str, ...]]
    """import name -> the distributions that provide it"""
    standard_modules: frozenset[str]

    @property
    def scripts(self) -> Path:
        """Where the environment keeps its commands."""
        return self.executable.parent

    def has_module(self, name: str) -> bool:
        """Whether `import name` would find something installed."""
        return name in self.modules


def ask_interpreter(python: Path) -> Interpreter:
    """What the interpreter at `python` says of itself; a fault `tool_not_found` when there is none."""
    if not python.is_file():
        raise tool_not_found(str(python))
    # Not resolved: the path of a virtual environment's interpreter is what makes it that environment.
    answer = run_process(
        [str(python), "-I", "-c", _QUESTION], deadline=Deadline.after_ms(30_000), environment={"LANG": "C.UTF-8"}
    )
    if answer.exit_code:
        raise tool_not_found(str(python))
    facts = json.loads(answer.stdout)
    return Interpreter(
        executable=Path(facts["executable"]),
        prefixes=tuple(Path(prefix) for prefix in facts["prefixes"]),
        version=facts["version"],
        modules={module: tuple(names) for module, names in facts["modules"].items()},
        standard_modules=frozenset(facts["standard"]),
    )


def own_interpreter() -> Interpreter:
    """The service's own environment, which holds ruff and the type checker."""
    return ask_interpreter(Path(sys.executable))
