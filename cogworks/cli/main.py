"""`cogworks`: takes the command line apart, calls one function, prints its answer, returns its exit code."""

import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import typer

from cogworks.cli.answer import Answer, Exit, Wrong, deliver
from cogworks.cli.app import app
from cogworks.cli.failing import failed
from cogworks.cli.options import Globals, program_of, read_line, wants_json
from cogworks.cli.programs import launch
from cogworks.model.errors import CogWorksError

_PARSE_ONLY = {"prog_name": "cogworks", "standalone_mode": False}
_TWO_WORDS = frozenset({"config", "dlq", "pipeline", "queue", "service", "twin"})


class _TimeIsUp(KeyboardInterrupt):
    """The time of --timeout has passed; like a Ctrl-C, it is nobody's to swallow."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code; never raises."""
    words = tuple(sys.argv[1:] if arguments is None else arguments)
    program = program_of(words)
    if program is not None:
        return deliver(program[0], launch(*program), as_json=wants_json(words))
    options = Globals(as_json=wants_json(words))
    command = _name(words)
    try:
        line = read_line(words)
        options, command = line.options, _name(line.rest)
        answer = _run(options, line.rest)
    except CogWorksError as error:
        answer = failed(error)
    except _TimeIsUp:
        wrong = Wrong(code="timeout", message=f"not done within {options.timeout_s:g} s; what was done is saved")
        answer = Answer(exit_code=Exit.RETRIABLE, retry_after_s=0.0, errors=(wrong,))
    except KeyboardInterrupt:
        sys.stderr.write(f"{command}: interrupted; state saved, the same command goes on from here\n")
        return int(Exit.INTERRUPTED)
    except BrokenPipeError:
        return _reader_left()
    except Exception as error:  # noqa: BLE001 - the last door: a bug becomes exit 70 and one line
        answer = _unexpected(error, options)
    return deliver(command, answer, as_json=options.as_json)


def _run(options: Globals, words: Sequence[str]) -> Answer:
    try:
        call = app(list(words) if words or options.as_json else ["--help"], **_PARSE_ONLY, obj=options)
    except typer.TyperException as error:
        wrong = Wrong(code="usage", message=_message(error), hint=_help_for(words))
        return Answer(exit_code=Exit.WRONG_USAGE, errors=(wrong,))
    if not callable(call):
        # --help and --version print by themselves and leave an exit code.
        return Answer(exit_code=Exit(call or 0))
    with _deadline(options.timeout_s):
        answer: Answer = call()
    return answer


@contextmanager
def _deadline(seconds: float | None) -> Iterator[None]:
    if seconds is None:
        yield
        return

    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise _TimeIsUp

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _message(error: typer.TyperException) -> str:
    tell = getattr(error, "format_message", None)
    return " ".join(str(tell() if tell else error).split())


def _help_for(words: Sequence[str]) -> str:
    name = _name(words)
    return f"cogworks {name} --help" if name != "cogworks" else "cogworks --help"


def _name(words: Sequence[str]) -> str:
    """Return the command that ``words`` name, as documents and messages call it."""
    named = [word for word in words if not word.startswith("-")]
    if not named:
        return "cogworks"
    return " ".join(named[: 2 if named[0] in _TWO_WORDS else 1])


def _unexpected(error: Exception, options: Globals) -> Answer:
    if options.log_level == "debug":
        traceback.print_exc(file=sys.stderr)
    message = f"unexpected {type(error).__name__}: {' '.join(str(error).split())[:300]}"
    wrong = Wrong(code="internal_error", message=message, hint="--log-level debug shows where")
    return Answer(exit_code=Exit.INTERNAL, errors=(wrong,))


def _reader_left() -> int:
    # Whoever read our output has gone; closing it now keeps Python from complaining at its end.
    sys.stdout = None
    return int(Exit.DONE)


if __name__ == "__main__":
    sys.exit(main())
