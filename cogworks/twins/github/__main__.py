"""`python -m cogworks.twins.github`: runs the twin in the foreground."""

import argparse
import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cogworks.twins.faults import FaultPlan, FaultsError
from cogworks.twins.github.app import build_app
from cogworks.twins.github.bare import GitError
from cogworks.twins.github.limits import LimitSettings
from cogworks.twins.github.plant import plant
from cogworks.twins.github.seed import Seed, SeedError, load_seed
from cogworks.twins.github.urls import Urls
from cogworks.twins.github.webhooks import Webhooks
from cogworks.twins.github.world import World
from cogworks.twins.serving import bind, serve, url_of

_EXIT_WRONG_INPUT = 2


def _recording_in(folder: str | None) -> Path | None:
    return Path(folder) / f"github-{os.getpid()}.jsonl" if folder else None


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="cogworks twin start github", description="A GitHub on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0 takes any free port")
    parser.add_argument("--seed", type=Path, help="TOML file of users, repositories and issues to begin with")
    parser.add_argument("--state", type=Path, help="directory that keeps everything; default: a temporary one")
    parser.add_argument("--faults", type=Path, help="JSON list of faults")
    parser.add_argument("--webhook-url", help="where deliveries go")
    parser.add_argument("--webhook-secret", default="", help="what deliveries are signed with")
    parser.add_argument("--rate-limits", action="store_true", help="enforce primary and secondary rate limits")
    parser.add_argument(
        "--record",
        type=Path,
        default=_recording_in(os.environ.get("COGWORKS_TWIN_RECORD")),
        help="append every REST exchange to this file as JSON Lines; default: a file in $COGWORKS_TWIN_RECORD",
    )
    options = parser.parse_args(arguments)
    if options.webhook_url and not options.webhook_secret:
        parser.error("--webhook-url needs --webhook-secret")
    return options


def main(arguments: Sequence[str]) -> int:
    """Run until SIGTERM or SIGINT; returns the exit code."""
    options = _options(arguments)
    problems: list[str] = []
    seed, plan = Seed(), FaultPlan()
    try:
        seed = load_seed(options.seed) if options.seed else seed
    except SeedError as error:
        problems.append(str(error))
    try:
        plan = FaultPlan.load(options.faults) if options.faults else plan
    except FaultsError as error:
        problems.append(str(error))
    if problems:
        return _wrong("\n".join(problems))
    state = options.state.absolute() if options.state else Path(tempfile.mkdtemp(prefix="cogworks-github-"))
    try:
        return _run(options, state, seed, plan)
    except (OSError, GitError, sqlite3.Error) as error:
        return _wrong(f"{state}: {error}" if isinstance(error, sqlite3.Error) else str(error))
    finally:
        if options.state is None:
            shutil.rmtree(state)


def _wrong(text: str) -> int:
    sys.stderr.write(f"{text}\n")
    return _EXIT_WRONG_INPUT


def _run(options: argparse.Namespace, state: Path, seed: Seed, plan: FaultPlan) -> int:
    bound = bind(options.port)
    webhooks = Webhooks(url=options.webhook_url, secret=options.webhook_secret)
    world = World(state, webhooks=webhooks, settings=LimitSettings(enabled=options.rate_limits))
    try:
        plant(world, seed)
        world.learn_tokens()
        world.catch_up(Urls(api=url_of(bound), web=url_of(bound)))
        app = build_app(world, plan=plan, record=options.record)
        serve(app, twin="github", bound=bound, tokens=world.tokens())
    finally:
        world.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
