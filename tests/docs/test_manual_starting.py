"""Procfile, compose file, start scripts and `.ci/run`: they parse, agree, and refuse what they must."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from honcho.environ import parse_procfile

from cogworks.adapters.celery_queue import celery_settings
from cogworks.cli.app import app as command_line
from tests.docs.tables import TOP

PROCFILE: dict[str, str] = parse_procfile((TOP / "Procfile").read_text(encoding="utf-8")).processes
COMPOSE: dict[str, Any] = yaml.safe_load((TOP / "compose/compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
WORKERS = ("worker-control", "worker-llm", "worker-tool")


def run(*command: str, path: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command at the top with hardly an environment."""
    variables = {"PATH": path or os.environ["PATH"], **environment}
    return subprocess.run(
        command,
        cwd=TOP,
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_the_procfile_starts_every_process() -> None:
    """The table of the operations page, and control first."""
    named = re.findall(r"^\| `([a-z-]+)` \|", (TOP / "docs/operations.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(PROCFILE) == sorted(named)
    assert next(iter(PROCFILE)) == "worker-control"


def test_workers_take_every_queue_once() -> None:
    """A queue that nobody reads is work that nobody does."""
    read = [queue for name in WORKERS for queue in PROCFILE[name].split("-Q ")[1].split()[0].split(",")]
    declared = re.findall(
        r'Queue\("(\w+)"|queue="(\w+)"', repr(celery_settings("redis://127.0.0.1", visibility_s=120.0))
    )
    assert sorted(read) == ["aux", "control", "llm", "tool"]
    assert {name for pair in declared for name in pair if name} <= set(read)


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_hands_back_its_work_when_it_is_told_to_end(name: str) -> None:
    """REMAP_SIGTERM is read by Celery when it is imported; exec lets the signal arrive."""
    assert PROCFILE[name].startswith("REMAP_SIGTERM=SIGQUIT exec celery -A tasks worker ")
    assert {"-E", "--without-gossip", "--without-mingle"} <= set(PROCFILE[name].split())


def test_the_procfile_names_programs_that_exist() -> None:
    """The application, our commands and our scripts."""
    known = {one.name or one.callback.__name__ for one in command_line.registered_commands if one.callback}
    groups = {group.name for group in command_line.registered_groups}
    for line in PROCFILE.values():
        words = line.removeprefix("REMAP_SIGTERM=SIGQUIT ").removeprefix("exec ").split()
        match words:
            case ["celery", "-A", "tasks", "worker" | "beat", *_]:
                assert (TOP / "tasks/celery.py").exists()
            case ["cogworks", command, *_]:
                assert command in known | groups
            case [script]:
                assert os.access(TOP / script, os.X_OK)
            case _:
                pytest.fail(f"{line}: which program is this?")


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({}, "FLOWER_BASIC_AUTH is not set"),
        ({"FLOWER_BASIC_AUTH": ""}, "FLOWER_BASIC_AUTH is not set"),
        ({"FLOWER_BASIC_AUTH": "a:b", "FLOWER_UNAUTHENTICATED_API": "1"}, "FLOWER_UNAUTHENTICATED_API is set"),
        ({"FLOWER_BASIC_AUTH": "a:b", "FLOWER_UNAUTHENTICATED_API": ""}, "FLOWER_UNAUTHENTICATED_API is set"),
    ],
)
def test_flower_is_never_open(environment: dict[str, str], reason: str) -> None:
    """Whoever reaches Flower can end workers (FLO-01)."""
    answer = run("compose/start-flower", **environment)
    assert answer.returncode == 2
    assert reason in answer.stderr


def test_flower_starts_on_loopback_behind_its_password(tmp_path: Path) -> None:
    """Given a password, the command of the specification runs."""
    stub(tmp_path, "celery", 'echo "$@"')
    answer = run("compose/start-flower", path=f"{tmp_path}:{os.environ['PATH']}", FLOWER_BASIC_AUTH="a:b")
    assert answer.returncode == 0
    assert answer.stdout.startswith(
        "-A tasks flower --address=127.0.0.1 --port=5555 --url_prefix=flower --persistent=True"
    )


def test_compose_runs_what_the_procfile_runs() -> None:
    """One truth about the processes: the same command lines in both."""
    for name in (*WORKERS, "beat"):
        ours = PROCFILE[name].removeprefix("REMAP_SIGTERM=SIGQUIT ").removeprefix("exec ")
        assert SERVICES[name]["command"] == ours
    assert set(PROCFILE) | {"redis", "net", "twin-github", "twin-anthropic"} == set(SERVICES)


def test_compose_services_are_whole() -> None:
    """Every service reaps its children, names an image without a registry, and mounts volumes that are declared."""
    for name, service in SERVICES.items():
        assert service["init"] is True, name
        assert re.fullmatch(r"[a-z]+(:\w+)?", service["image"]), name
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in COMPOSE["volumes"], name
        for other in service.get("depends_on", []):
            assert other in SERVICES
    assert {name for name, service in SERVICES.items() if service.get("profiles") == ["demo"]} == {
        "twin-github",
        "twin-anthropic",
    }
    assert "noeviction" in SERVICES["redis"]["command"]


def test_compose_gives_generated_code_nothing() -> None:
    """The Python service has no network, no environment of the product, and only reads working copies."""
    service = SERVICES["service-python"]
    assert service["network_mode"] == "none"
    assert "env_file" not in service
    assert "environment" not in service
    assert service["cap_drop"] == ["ALL"]
    assert "work:/var/lib/cogworks:ro" in service["volumes"]
    assert any(volume.startswith("sockets:") for volume in SERVICES["worker-tool"]["volumes"])


def test_what_compose_names_exists() -> None:
    """Files of the repository that containers use."""
    for path in ("compose/Dockerfile", "compose/services.toml", "compose/demo.env", "compose/start-twin-github"):
        assert (TOP / path).is_file()
    for service in SERVICES.values():
        command = str(service.get("command", "")) + str(service.get("environment", ""))
        for path in re.findall(r"(?:/opt/cogworks/)?((?:cogworks/demo|compose)/[\w./-]+)", command):
            assert (TOP / path).exists(), path


@pytest.mark.parametrize("script", [".ci/run", "compose/start-flower", "compose/start-twin-github"])
def test_scripts_stop_at_the_first_error(script: str) -> None:
    """Bash, strict, executable, and bash can read it."""
    source = (TOP / script).read_text(encoding="utf-8")
    assert source.startswith("#!/usr/bin/env bash\n")
    assert "\nset -euo pipefail\n" in source
    assert os.access(TOP / script, os.X_OK)
    assert run("bash", "-n", script).returncode == 0


def stub(folder: Path, name: str, line: str) -> None:
    """Put a program that does one thing on a PATH."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
    path.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A PATH of a bare machine: bash, git, make and Python, each saying what it was asked."""
    for name in ("bash", "dirname", "sh"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    for name in ("git", "python3", "apt-get"):
        stub(tmp_path, name, f'echo "{name} $*"')
    stub(tmp_path, "make", 'echo "make $*"')
    stub(tmp_path, "id", "echo 0")
    return tmp_path


def test_ci_installs_the_sandbox_and_runs_the_tests(machine: Path) -> None:
    """Given root and apt-get but no bubblewrap, it is installed without a question; then `make test` runs."""
    answer = run(".ci/run", path=str(machine))
    assert answer.returncode == 0, answer.stderr
    assert "apt-get install -y" in answer.stderr
    assert answer.stdout == "make test\n"


@pytest.mark.parametrize(
    ("broken", "line", "reason"),
    [
        ("apt-get", "exit 100", "apt-get could not install bubblewrap"),
        ("make", None, "make is missing"),
        ("python3", None, "python3 is missing"),
    ],
)
def test_ci_fails_loudly(machine: Path, broken: str, line: str | None, reason: str) -> None:
    """Given a machine that cannot do it, the reason is on stderr and the exit is not 0."""
    (machine / broken).unlink()
    if line:
        stub(machine, broken, line)
    answer = run(".ci/run", path=str(machine))
    assert answer.returncode == 1
    assert reason in answer.stderr


def test_ci_passes_a_failure_on(machine: Path) -> None:
    """Given tests that fail, so does the job."""
    stub(machine, "make", "exit 2")
    assert run(".ci/run", path=str(machine)).returncode == 2


def test_ci_goes_on_where_it_may_not_install(machine: Path) -> None:
    """Given no root, tests run on what is there, and that is said."""
    stub(machine, "id", "echo 1000")
    answer = run(".ci/run", path=str(machine))
    assert answer.returncode == 0
    assert "no bubblewrap" in answer.stderr
