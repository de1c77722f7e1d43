"""Separate programs behind the same word: they take over this process and share no code with it."""

import os
import sys
from collections.abc import Sequence

from cogworks.cli.answer import Answer, Exit, Wrong

TWINS = {
    "github": "a GitHub on loopback, with git over HTTP",
    "anthropic": "a model provider on loopback that answers from a script",
}
SERVICES = {"python": "the reference domain service for Python repositories"}


def launch(program: str, arguments: Sequence[str]) -> Answer:
    """Become ``program`` (`demo`, `twin start`, `service run`); return only when there is no such program."""
    if program == "demo":
        return become("cogworks.demo", arguments)
    kind, known = ("twins", TWINS) if program == "twin start" else ("service", SERVICES)
    named = arguments and not arguments[0].startswith("-")
    name, rest = (arguments[0], arguments[1:]) if named else ("", ())
    if name not in known:
        message = f"{name!r} is not one of ours" if name else "which one?"
        wrong = Wrong(code="usage", field="name", message=message, hint=", ".join(known))
        return Answer(exit_code=Exit.WRONG_USAGE, errors=(wrong,))
    return become(f"cogworks.{kind}.{name}", rest)


def list_twins() -> Answer:
    """Return the twins that can be started."""
    text = "".join(f"{name:<12}{about}\n" for name, about in TWINS.items())
    return Answer(text=text, data={"twins": [{"name": name, "about": about} for name, about in TWINS.items()]})


def become(module: str, arguments: Sequence[str]) -> Answer:
    """Go on as ``python -m module``; this never returns."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606 - our own module, no shell
