"""Runs the twin: `python -m cogworks.twins.anthropic [--port 0] [--script FILE] [--state DIR] [--faults FILE]`."""

import argparse
import secrets
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from cogworks.twins.anthropic.app import build_app
from cogworks.twins.anthropic.catalogue import load_models
from cogworks.twins.anthropic.script import ScriptedRule, ScriptError, load_script
from cogworks.twins.anthropic.service import Service
from cogworks.twins.anthropic.store import Store
from cogworks.twins.faults import FaultPlan, FaultsError
from cogworks.twins.serving import bind, serve

_EXIT_USAGE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; 2 when the script, the faults or the port cannot be used."""
    given = _parser().parse_args(arguments)
    rules: Sequence[ScriptedRule] | None = None
    plan = FaultPlan()
    problems: list[str] = []
    try:
        rules = None if given.script is None else load_script(given.script)
    except ScriptError as error:
        problems.append(str(error))
    try:
        plan = plan if given.faults is None else FaultPlan.load(given.faults)
    except FaultsError as error:
        problems.append(str(error))
    if problems:
        return _refuse("\n".join(problems))
    if given.state is not None:
        return _run(given.port, given.state, rules=rules, plan=plan)
    with tempfile.TemporaryDirectory(prefix="twin-anthropic-") as folder:
        return _run(given.port, Path(folder), rules=rules, plan=plan)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m cogworks.twins.anthropic", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes any free port")
    parser.add_argument("--script", type=Path, help="JSON Lines, one rule a line; without it the twin echoes")
    parser.add_argument("--state", type=Path, help="folder that a restart goes on from; default: a temporary one")
    parser.add_argument("--faults", type=Path, help="JSON list of faults")
    return parser


def _run(port: int, state: Path, *, rules: Sequence[ScriptedRule] | None, plan: FaultPlan) -> int:
    try:
        state.mkdir(parents=True, exist_ok=True)
        bound = bind(port)
    except OSError as error:
        return _refuse(f"cannot start on port {port} with state {state}: {error.strerror}")
    store = Store(state / "anthropic.sqlite3")
    try:
        service = Service(store=store, models=load_models(), rules=rules, now=lambda: datetime.now(UTC))
        tokens = {"api_key": f"sk-twin-{secrets.token_hex(8)}"}
        serve(build_app(service, plan=plan), twin="anthropic", bound=bound, tokens=tokens)
    finally:
        store.close()
    return 0


def _refuse(problem: str) -> int:
    sys.stderr.write(f"{problem}\n")
    return _EXIT_USAGE


if __name__ == "__main__":
    sys.exit(main())
