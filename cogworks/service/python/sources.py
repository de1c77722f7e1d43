"""Reading Python source without running it, however odd it is."""

import ast
import warnings
from dataclasses import dataclass

from cogworks.extension_api.diagnostics import Category, Diagnostic
from cogworks.service.python.calls import finding

MAX_SOURCE_CHARACTERS = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """Why a file could not be parsed, and where."""

    reason: str
    line: int | None = None
    column: int | None = None
    kind: str = "SyntaxError"

    def to_finding(self, path: str) -> Diagnostic:
        """The blocking finding about it."""
        return finding(
            Category.SYNTAX_ERROR, self.reason, artifact=path, line=self.line, column=self.column, code=self.kind
        )


def parse(text: str) -> ast.Module | Unreadable:
    """The syntax tree, or why there is none."""
    if len(text) > MAX_SOURCE_CHARACTERS:
        return Unreadable(reason=f"the file is longer than {MAX_SOURCE_CHARACTERS} characters", kind="TooLong")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd escapes of the target are not warnings of ours
            return ast.parse(text)
    except SyntaxError as error:
        return Unreadable(
            reason=error.msg or "invalid syntax", line=error.lineno, column=error.offset, kind=type(error).__name__
        )
    except (ValueError, RecursionError, MemoryError) as error:
        return Unreadable(reason=str(error) or "the file is too deeply nested", kind=type(error).__name__)


def compile_problem(text: str) -> Unreadable | None:
    """What keeps the text from being compiled; it finds more than parsing does, and runs nothing."""
    tree = parse(text)
    if isinstance(tree, Unreadable):
        return tree
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(tree, "<artifact>", "exec", dont_inherit=True)
    except SyntaxError as error:
        return Unreadable(reason=error.msg, line=error.lineno, column=error.offset, kind=type(error).__name__)
    except (ValueError, RecursionError, MemoryError) as error:
        return Unreadable(reason=str(error) or "the file is too deeply nested", kind=type(error).__name__)
    return None
