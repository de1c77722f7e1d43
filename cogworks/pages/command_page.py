"""What people get as an answer to a command (GH-10)."""

from collections.abc import Sequence

from cogworks.model.commands import HELP, Command, Misunderstood, Said
from cogworks.model.state import RunState
from cogworks.pages.quoting import inert
from cogworks.pages.run_page import run_text

KIND = "command"


def reply_key(item: object, comment_id: int) -> str:
    """Return the key of our one reply to a comment."""
    return f"{item}/command/{comment_id}"


def help_line() -> str:
    """Return all commands in one line."""
    names = ", ".join(f"`{form}`" for form, _ in HELP)
    return f"After `/cogworks ` comes one of: {names}."


def help_page() -> str:
    """Return every command with what it does."""
    rows = [f"| `/cogworks {form}` | {text} |" for form, text in HELP]
    return "\n".join(["| Command | What it does |", "|---|---|", *rows])


def status_page(state: RunState | None, *, title: str = "") -> str:
    """Return where the run stands."""
    if state is None:
        return "No run was started yet: set the trigger label, or comment `/cogworks run`."
    return f"```text\n{inert(run_text(state, title=title)).replace('```', '')}```"


def refused(said: Said, why: str) -> str:
    """Return the line that refuses one command."""
    if isinstance(said, Misunderstood):
        return f"- `{inert(said.text).replace('`', '')}`: {why}. {help_line()}"
    return f"- `{shown(said)}` was not done: {inert(why)}."


def shown(command: Command) -> str:
    """Return a command in short."""
    swi = f" swi {command.swi}" if command.swi else ""
    return " ".join(part for part in (command.word, command.node) if part) + swi


def reply_text(by: str, lines: Sequence[str]) -> str:
    """Return the one reply to a comment, addressed without a ping."""
    return "\n".join([f"To {inert(by)}:", "", *lines]) + "\n"
