"""An installation whose every part can be put back to a saved moment, so that cells begin in the middle of a run."""

import json
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from chaos_gate import ServiceGate
from chaos_saving import Moment
from journey import COMPLETE, FAILED
from plans import Plan
from processes import until
from redis import Redis
from scripts import rules_of, write_script
from seeds import CALC, Seed
from stack import FORGETFUL, Stack

from cogworks.adapters.redis_start import start_redis

WORKER, BEAT = "worker", "beat"
CELERY = (sys.executable, "-m", "celery", "-A", "tasks")
# One process group holds all queues: its death is the death of a whole host, and it starts once.
_WORK = ("worker", "-Q", "control,llm,tool,aux", "-c", "2", "--without-gossip", "--without-mingle")
# Below the ports that the system gives to callers, so that they are free again for the next cell.
_PORTS = range(20_000, 32_000)


@dataclass(slots=True, kw_only=True)
class Room(Stack):
    """A stack with one worker for all queues, twins that always stand at the same ports, and a gate at the service."""

    gate: ServiceGate
    ports: Mapping[str, int]
    evidence: Path
    moments: list[Moment] = field(default_factory=list)

    def open(self, moment: Moment | None = None) -> None:
        """Start the outside as it was at ``moment``, or with nothing done yet."""
        self.gate.begin()
        if moment is not None:
            with self.redis_client() as client:
                moment.restore(self.folder, client)
        for twin in ("github", "anthropic"):
            self._start_twin(twin)
        for twin in ("github", "anthropic"):
            line = self.programs[twin].ready_line()
            if moment is None:
                setattr(self, twin, json.loads(line))

    def _start_twin(self, twin: str) -> None:
        begin = ("--seed", self.seed) if twin == "github" else ("--script", self.script)
        command = (sys.executable, "-m", f"cogworks.twins.{twin}", *begin, "--state", self.folder / twin)
        more = ("--record", self.recording) if twin == "github" else ()
        place = ("--port", self.ports[twin], *more)
        self._start(twin, *map(str, (*command, *place)), says_ready=True)

    @property
    def recording(self) -> Path:
        """Where the GitHub twin writes every REST exchange of a cell."""
        return self.folder / "github.jsonl"

    def begin_work(self, name: str = WORKER, *, launcher: Sequence[str] = CELERY, **settings: str) -> None:
        """Start a worker for all queues."""
        self._start(name, *launcher, *_WORK, "-n", f"{name}@%h", env={**self.environment(), **settings})

    def begin_beat(self, name: str = BEAT, *, launcher: Sequence[str] = CELERY, **settings: str) -> None:
        """Start a beat."""
        schedule = ("-s", str(self.folder / f"{name}-schedule"))
        self._start(name, *launcher, "beat", *schedule, env={**self.environment(), **settings})

    def begin(self, name: str, *command: str) -> None:
        """Start any other program with the operator's settings, in place of an ended one of that name."""
        self.end(name)
        self._start(name, *command, env=self.environment())

    def end(self, *names: str) -> None:
        """Kill programs and all that they started, as a power cut would."""
        for name in names:
            if name in self.programs:
                program = self.programs.pop(name)
                started = _started_by(program.process.pid) if program.runs else []
                program.kill()
                for pid in started:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)

    def end_alone(self, name: str) -> None:
        """Kill a program and its pool; commands that it started in sessions of their own are left alone."""
        self.programs.pop(name).kill()

    def clear(self) -> None:
        """End everything that belongs to one cell; what is always the same stays: Redis, service, one beat."""
        stays = (BEAT, "service-python")
        self.end(*(name for name in self.programs if name not in stays))
        for person in self.people.values():
            person.client.close()
        self.people.clear()
        self.recording.unlink(missing_ok=True)
        for log in self.folder.glob("*.log"):
            if log.stem not in stays:
                log.unlink()

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """Stop the worker for a moment, between two instructions."""
        group = self.programs[WORKER].process.pid
        os.killpg(group, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(group, signal.SIGCONT)

    def keep(self) -> Moment:
        """Save the present moment."""
        number = len(self.moments)
        moment = Moment(number=number, folder=self.folder / "moments" / str(number))
        with self.redis_client() as client:
            moment.save(self.folder, client)
        self.moments.append(moment)
        return moment

    def redis_client(self) -> Redis:
        """Return a client for what the harness does in Redis."""
        return Redis.from_url(self.redis.url, socket_timeout=20)

    def replace_redis(self) -> None:
        """Kill Redis and start an empty one in its place."""
        self.redis.kill()
        for kept in (self.folder / "redis").glob("appendonlydir/*"):
            kept.unlink()
        self.redis = start_redis(folder=self.folder / "redis")

    def holds_something(self) -> bool:
        """Whether a twin or the gate holds a request back."""
        return self.gate.holds or self.holds_a_request()

    def let_all_go(self) -> None:
        """Let every held request go on."""
        self.gate.release()
        self.let_go()

    def close(self) -> None:
        """End everything that was started here."""
        self.gate.close()
        for person in self.people.values():
            person.client.close()
        self.end(*reversed(list(self.programs)))
        self.redis.stop()


def _started_by(pid: int) -> list[int]:
    """Return the descendants of a process, whatever session they are in."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The name of a program may hold anything; behind it come the state and the parent.
            parents.setdefault(int(stat.read_text().rpartition(")")[2].split()[1]), []).append(int(stat.parent.name))
    found = [pid]
    for one in found:
        found += parents.get(one, [])
    return found[1:]


def free_ports(names: Sequence[str]) -> dict[str, int]:
    """Return a port for each name that nobody listens on."""
    found: dict[str, int] = {}
    first = os.getpid() * 7 % len(_PORTS)
    for offset in range(len(_PORTS)):
        port = _PORTS[(first + offset) % len(_PORTS)]
        with socket.socket() as probe:
            if len(found) < len(names) and probe.connect_ex(("127.0.0.1", port)) != 0:
                found[names[len(found)]] = port
        if len(found) == len(names):
            break
    return found


@contextmanager
def room_for(
    plan: Plan, *, service_home: Path, evidence: Path, settings: Mapping[str, str] = FORGETFUL
) -> Iterator[Room]:
    """Furnish a room for the work item of ``plan``: Redis and service run, nothing else does."""
    with tempfile.TemporaryDirectory(prefix="cwc-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        gate = ServiceGate(folder / "python.sock", behind=folder / "service.sock")
        seed = Seed(title=plan.title, body=plan.issue_body, files=CALC)
        room = Room(
            folder=folder,
            seed=seed.write(folder, service_socket=folder / "python.sock"),
            script=write_script(folder / "script.jsonl", rules_of(plan)),
            settings=settings,
            service_home=service_home,
            redis=start_redis(folder=folder / "redis"),
            gate=gate,
            ports=free_ports(("github", "anthropic")),
            evidence=evidence,
        )
        try:
            options = ("--socket", str(folder / "service.sock"), "--home", str(service_home))
            room._start("service-python", sys.executable, "-m", "cogworks.service.python", *options, says_ready=True)
            room.programs["service-python"].ready_line()
            yield room
        finally:
            room.close()


def over(room: Room) -> bool:
    """Whether the run has ended, well or badly."""
    return bool({COMPLETE, FAILED} & room.maria.labels())


def ended(room: Room, *, within_s: float, meanwhile: Callable[[], None] = lambda: None) -> float:
    """Play the person until the run ends; return the seconds it took."""

    def going() -> None:
        room.maria.merge_what_waits()
        meanwhile()

    return until(lambda: over(room), within_s=within_s, what="the run ends", meanwhile=going, every_s=0.25)
