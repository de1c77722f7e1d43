"""`cogworks demo`: the main job on one machine; exit 0 verified, 1 not, 2 wrong usage, 130 interrupted."""

import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import httpx

from cogworks.demo.envelope import Wrong, document
from cogworks.demo.github import GitHub, Item
from cogworks.demo.options import Options, WrongUsage, read_options
from cogworks.demo.person import Person
from cogworks.demo.processes import Family, InputRefused, StackFailed
from cogworks.demo.report import Ended, as_data, as_text, pulls_of
from cogworks.demo.run_view import RunView
from cogworks.demo.stack import Places, Stack
from cogworks.demo.verifying import verify
from cogworks.demo.voice import Voice, voice_for
from cogworks.demo.watch import TooLate, Watch
from cogworks.demo.world import World, read_world

VERIFIED, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130
_IDLE_S = 1.0


def main(arguments: Sequence[str]) -> int:
    """Run the demo and return its exit code; no process of it lives afterwards."""
    as_json = "--json" in arguments
    try:
        options = read_options(arguments)
        return demo(options, read_world(options.seed))
    except WrongUsage as error:
        return _refused(WRONG_USAGE, Wrong(code="usage", message=str(error)), as_json=as_json)
    except InputRefused as error:
        return _refused(WRONG_USAGE, Wrong(code="invalid_input", message=str(error)), as_json=as_json)
    except (StackFailed, TooLate) as error:
        code = "timeout" if isinstance(error, TooLate) else "process_failed"
        return _refused(FAILED, Wrong(code=code, message=str(error)), as_json=as_json)
    except httpx.HTTPError as error:
        message = f"a twin did not answer: {type(error).__name__}: {error}"
        return _refused(FAILED, Wrong(code="twin_failed", message=message), as_json=as_json)
    except KeyboardInterrupt:
        sys.stderr.write("demo: interrupted; every process has been ended\n")
        return INTERRUPTED


def demo(options: Options, world: World) -> int:
    """Start everything, see the runs through, have them verified, tell how it went, end everything."""
    voice = voice_for(silent=options.quiet or options.as_json)
    with _interruptible(), _folder(options) as folder:
        family = Family(folder)
        family.adopt()
        state = options.state or folder / "state"
        state.mkdir(parents=True, exist_ok=True)
        stack = Stack(options=options, world=world, family=family, folder=folder, state=state, say=voice.say)
        try:
            exit_code = _perform(options, world, stack, voice)
        finally:
            with _deaf():
                voice.end()
                stack.stop()
    return exit_code


def _perform(options: Options, world: World, stack: Stack, voice: Voice) -> int:
    voice.say("starting Redis, twins, service, workers, beat and web")
    places = stack.start()
    voice.say(f"everything is ready: {places}")
    began = time.monotonic()
    github = GitHub.at(places.github, token=places.human_token)
    views = _watched(options, world, stack.family, voice, places)
    seconds = time.monotonic() - began
    voice.say("verifying from outside")
    ended = Ended(
        places=places,
        views=views,
        pulls={item: pulls_of(github, item) for item in views},
        verdict=verify(places, seed=options.seed, shows=options.shows),
        seconds=seconds,
        titles={Item(repo=one.repo, number=one.number): one.title for one in world.issues},
    )
    voice.end()
    exit_code = VERIFIED if ended.verdict.good else FAILED
    _tell(options, ended, exit_code)
    if options.keep:
        _stay(stack, places, world, voice)
    return exit_code


def _watched(options: Options, world: World, family: Family, voice: Voice, places: Places) -> dict[Item, RunView]:
    github = GitHub.at(places.github, token=places.human_token)
    labels = {repo: github.labels(repo) for repo in world.repos}
    items = [Item(repo=one.repo, number=one.number) for one in world.issues if labels[one.repo].trigger in one.labels]
    if not items:
        raise WrongUsage(f"{options.seed}: no issue carries the trigger label of its repository")
    person = Person(
        login=world.person,
        github=github,
        url=places.github,
        token=places.human_token,
        paused=options.pause_at_gates,
        say=voice.say,
        ask=voice.ask,
    )
    watch = Watch(github=github, person=person, family=family, show=voice.show, timeout_s=options.timeout_s)
    return watch.until_all_ended(items, labels)


def _tell(options: Options, ended: Ended, exit_code: int) -> None:
    wrongs = [
        Wrong(code="check_failed", message=f"{one.name}: {one.detail}") for one in ended.verdict.checks if not one.ok
    ]
    text = document(exit_code=exit_code, data=as_data(ended), wrongs=wrongs) if options.as_json else as_text(ended)
    sys.stdout.write(text)
    sys.stdout.flush()


def _stay(stack: Stack, places: Places, world: World, voice: Voice) -> None:
    """Leave everything running until the reader has seen enough: Ctrl-C is the usual end here, not an interruption."""
    voice.ask(f"everything stays up until Ctrl-C: {places}")
    voice.ask(f"token of {world.person}: {places.human_token}; logs in {stack.folder}")
    try:
        while True:
            time.sleep(_IDLE_S)
            stack.family.check()
    except KeyboardInterrupt:
        return


def _refused(exit_code: int, wrong: Wrong, *, as_json: bool) -> int:
    if as_json:
        sys.stdout.write(document(exit_code=exit_code, data=None, wrongs=[wrong]))
    else:
        sys.stderr.write(f"demo: {wrong.message}\n")
    return exit_code


@contextmanager
def _folder(options: Options) -> Iterator[Path]:
    """Give a folder for sockets and logs, whose path is short; logs move to ``--state`` in the end."""
    folder = Path(tempfile.mkdtemp(prefix="cogworks-demo-"))
    try:
        yield folder
    finally:
        if options.state:
            _keep_logs(folder, options.state / "logs")
        shutil.rmtree(folder, ignore_errors=True)


def _keep_logs(folder: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for log in folder.glob("*.log"):
        shutil.copy(log, target / log.name)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Take SIGINT, SIGTERM and SIGHUP as the wish to end, even where a shell made its background jobs deaf to them."""
    chosen = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, _interrupt) for number in chosen}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _deaf() -> Iterator[None]:
    """Clear up undisturbed: a second Ctrl-C would leave processes behind."""
    chosen = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in chosen}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
