"""What was typed after `cogworks demo`."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

SHIPPED = Path(__file__).parent / "seeds" / "tally"
SHIPPED_SHOWS = ("parallel", "retry", "rework", "gates")
LLM_KEY = "COGWORKS_LLM_API_KEY"
_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The demo that is wanted; ``shows`` is what its script is known to make happen."""

    seed: Path
    script: Path | None
    shows: tuple[str, ...] = ()
    pause_at_gates: bool = False
    keep: bool = False
    state: Path | None = None
    as_json: bool = False
    quiet: bool = False
    port: int = 0
    timeout_s: float = _TIMEOUT_S


class WrongUsage(Exception):
    """The command line, or a file that it names, cannot be used; the text says what would be right."""


class _Parser(argparse.ArgumentParser):
    """Raises instead of ending the process, so that --json has its document for wrong usage too."""

    def error(self, message: str) -> NoReturn:
        raise WrongUsage(f"{message}; `cogworks demo --help` shows every option")


def read_options(arguments: Sequence[str]) -> Options:
    """Return the demo that ``arguments`` ask for; raise WrongUsage for what cannot be."""
    given = _parser().parse_args(arguments)
    own = given.seed is None and given.script is None
    if not own and given.seed is None:
        raise WrongUsage("--script belongs to a --seed of its own; name both")
    if given.seed is not None and given.script is None and given.llm != "real":
        raise WrongUsage("--seed needs the --script that its model answers from, or --llm real")
    if given.llm == "real" and not os.environ.get(LLM_KEY):
        raise WrongUsage(f"--llm real needs {LLM_KEY}")
    seed, script = given.seed or SHIPPED / "seed.toml", given.script or (SHIPPED / "script.jsonl" if own else None)
    for path in filter(None, (seed, script)):
        if not path.is_file():
            raise WrongUsage(f"{path} is not a file")
    if given.timeout <= 0:
        raise WrongUsage("--timeout is in seconds, more than 0")
    scripted = given.llm != "real"
    return Options(
        seed=seed.resolve(),
        script=script.resolve() if script and scripted else None,
        shows=SHIPPED_SHOWS if own and scripted else (),
        pause_at_gates=given.pause_at_gates,
        keep=given.keep,
        state=given.state.resolve() if given.state else None,
        as_json=given.json,
        quiet=given.quiet,
        port=given.port,
        timeout_s=given.timeout,
    )


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="cogworks demo",
        description="The whole system on this machine: no account, no key, no server needed.",
        allow_abbrev=False,
    )
    parser.add_argument("--seed", type=Path, metavar="FILE", help="world to begin with; default: a small shop library")
    parser.add_argument("--script", type=Path, metavar="FILE", help="what the scripted model answers, JSON Lines")
    parser.add_argument("--llm", choices=["scripted", "real"], default="scripted", help=f"real needs {LLM_KEY}")
    parser.add_argument("--pause-at-gates", action="store_true", help="you merge at the gates; curl lines say how")
    parser.add_argument("--keep", action="store_true", help="leave everything running after the verdict, until Ctrl-C")
    parser.add_argument("--state", type=Path, metavar="DIR", help="keep the twins' state and all logs here")
    parser.add_argument("--json", action="store_true", help="print one JSON document on standard output")
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    parser.add_argument("--port", type=int, default=0, metavar="N", help="port of the console; default: any free one")
    parser.add_argument(
        "--timeout", type=float, default=_TIMEOUT_S, metavar="S", help="give up after this time (%(default).0f s)"
    )
    return parser
