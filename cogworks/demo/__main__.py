"""``cogworks demo``: the main job on one machine, no account, no key, no server installed before (DEM-01 to DEM-07)."""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from cogworks.demo.children import ChildFailed, Children
from cogworks.demo.human import Human
from cogworks.demo.installation import Installation, Wanted, install
from cogworks.demo.progress import Progress
from cogworks.demo.report import Ended, as_document, as_text
from cogworks.demo.rest import Rest
from cogworks.demo.seed import Seed, SeedWrong, read_seed, shipped_seed
from cogworks.demo.verify import Check
from cogworks.demo.view import Sight, look

OK, FAILED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130
_LOOK_EVERY_S = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line asked for."""

    seed: Path | None
    script: Path | None
    real_llm: bool
    pauses: bool
    keep: bool
    state: Path | None
    as_json: bool
    port: int
    timeout_s: float


def main() -> int:
    """Run the demo and return its exit code: 0 verified, 1 not, 2 wrong use, 130 interrupted."""
    options = _options()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    progress = Progress(quiet=options.as_json)
    try:
        with ExitStack() as stack:
            folder = options.state or Path(stack.enter_context(_temporary_folder()))
            return _demo(options, folder, progress)
    except SeedWrong as error:
        return _refused(options, str(error), WRONG_USE)
    except ChildFailed as error:
        return _refused(options, str(error), FAILED)
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted; every process of the demo has been ended\n")
        return INTERRUPTED


def _demo(options: Options, folder: Path, progress: Progress) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    seed_file, script = shipped_seed(folder) if options.seed is None else (options.seed, options.script)
    if script is None and not options.real_llm:
        raise SeedWrong(f"{seed_file}: --script is needed beside --seed, unless --llm real is given")
    seed = read_seed(seed_file.resolve())
    wanted = Wanted(folder=folder, seed=seed, script=script or seed_file, real_llm=options.real_llm, port=options.port)
    with Children(logs=folder / "logs") as children:
        progress.say("starting Redis, twins, service, workers, beat and web")
        at = install(wanted, children, progress.say)
        began = time.monotonic()
        progress.say(f"everything is ready: GitHub {at.github}, web {at.web}")
        sights = _watched(options, seed, at, children, progress)
        seconds = time.monotonic() - began
        progress.say("verifying from outside")
        checks = _verified(seed, at)
        ended = Ended(seed=seed, at=at, sights=sights, checks=checks, seconds=seconds)
        code = OK if all(check.ok for check in checks) else FAILED
        _print(options, ended, code)
        if options.keep:
            _keep(at, seed)
        return code


def _watched(
    options: Options, seed: Seed, at: Installation, children: Children, progress: Progress
) -> tuple[Sight, ...]:
    """Watch until every issue has ended, answering at gates; raise ChildFailed when the stack breaks or time is up."""
    github = Rest(url=at.github, token=at.human_token)
    human = Human(github=github, login=seed.human, pauses=options.pauses, say=progress.say)
    end = time.monotonic() + options.timeout_s
    with progress.shown():
        while True:
            sights = tuple(look(github, ask) for ask in seed.asks)
            for sight in sights:
                progress.show(sight)
                human.answer(sight)
            fallen = children.fallen()
            if fallen is not None:
                raise ChildFailed(f"{fallen.name} ended with {fallen.process.returncode}:\n{fallen.tail()}")
            if all(sight.ended for sight in sights) or (time.monotonic() > end and not options.pauses):
                return sights
            time.sleep(_LOOK_EVERY_S)


def _verified(seed: Seed, at: Installation) -> tuple[Check, ...]:
    """Return what the verifier found; it is a process of its own."""
    command = [sys.executable, "-m", "cogworks.demo.verify", "--github", at.github, "--seed", str(seed.file)]
    command += ["--anthropic", at.anthropic] if at.anthropic else []
    environment = {**at.environment, "COGWORKS_DEMO_TOKEN": at.human_token}
    ran = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)  # noqa: S603 - our own command
    checks = tuple(Check(**json.loads(line)) for line in ran.stdout.splitlines() if line.startswith("{"))
    if ran.returncode not in (OK, FAILED) or not checks:
        return (*checks, Check(name="the verifier ran", ok=False, detail=ran.stderr.strip()[-500:]))
    return checks


def _print(options: Options, ended: Ended, code: int) -> None:
    if options.as_json:
        sys.stdout.write(json.dumps(as_document(ended, exit_code=code)) + "\n")
    else:
        sys.stdout.write(as_text(ended))
    sys.stdout.flush()


def _keep(at: Installation, seed: Seed) -> None:
    """Leave everything running until the reader interrupts."""
    sys.stderr.write(
        f"Everything stays up until Ctrl-C.\n  GitHub  {at.github}\n  web     {at.web}\n"
        f"  token of {seed.human}: {at.human_token}\n"
    )
    while True:
        time.sleep(1.0)


def _refused(options: Options, message: str, code: int) -> int:
    if options.as_json:
        sys.stdout.write(json.dumps(refusal(message, exit_code=code)) + "\n")
    else:
        sys.stderr.write(f"cogworks demo: {message}\n")
    return code


def refusal(message: str, *, exit_code: int) -> dict[str, object]:
    """Return the JSON document of a demo that could not run."""
    code = "usage" if exit_code == WRONG_USE else "demo_failed"
    return {
        "schema_version": "1",
        "command": "demo",
        "ok": False,
        "exit_code": exit_code,
        "retriable": False,
        "retry_after_s": None,
        "data": None,
        "errors": [{"code": code, "message": message, "file": None, "field": None, "hint": None}],
    }


def _temporary_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="cogworks-demo-", ignore_cleanup_errors=True)


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="cogworks demo", description=__doc__)
    parser.add_argument("--seed", type=Path, help="another repository and its issues")
    parser.add_argument("--script", type=Path, help="what the scripted model answers")
    parser.add_argument(
        "--llm", choices=("twin", "real"), default="twin", help="real asks the provider; it costs money"
    )
    parser.add_argument("--pause-at-gates", action="store_true", help="you merge, by the curl lines that are printed")
    parser.add_argument("--keep", action="store_true", help="leave everything running after the verdict, until Ctrl-C")
    parser.add_argument("--state", type=Path, help="keep the twins' state in this folder")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--port", type=int, default=0, help="port of the web; default: a free one")
    parser.add_argument("--timeout", type=float, default=300.0, metavar="S", help="give up after so many seconds")
    given = parser.parse_args()
    if given.llm == "real" and not os.environ.get("COGWORKS_LLM_API_KEY"):
        parser.error("--llm real needs COGWORKS_LLM_API_KEY")
    return Options(
        seed=given.seed,
        script=given.script,
        real_llm=given.llm == "real",
        pauses=given.pause_at_gates,
        keep=given.keep,
        state=given.state,
        as_json=given.json,
        port=given.port,
        timeout_s=given.timeout,
    )


if __name__ == "__main__":
    sys.exit(main())
