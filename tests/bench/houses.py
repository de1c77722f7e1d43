"""Houses that differ in their forge alone: real Redis, leases, ledger and queue, and a model that answers at once."""

from dataclasses import replace

from cogworks.adapters.memory_forge import MemoryForge, PlantedIssue
from cogworks.adapters.memory_git import MemoryGit
from cogworks.adapters.memory_github import MemoryGitHub
from cogworks.adapters.memory_llm import ScriptedLlm
from cogworks.bootstrap import build, task_log
from cogworks.engine.house import House
from cogworks.ports.runtime import Queue
from cogworks.settings import read_settings
from tests.bench.shapes import CHAIN, FAN, REPO, files, rules, title

TRIGGER = "cogworks:run"
ISSUES = 40
"""Issues with odd numbers go through the chain, those with even numbers through the fan-out."""
RATE_ISSUES = 28
"""Issues of the repository that throughput is measured on; each is used once."""


def pipeline_of(number: int) -> str:
    """Return the pipeline of an issue."""
    return CHAIN if number % 2 else FAN


def twin_house(queue: Queue) -> House:
    """Return a house on the GitHub twin that the environment names, with real git."""
    built = build(read_settings(), queue=queue, log=task_log, redis_is_private=True)
    return replace(built, ports=replace(built.ports, llm=ScriptedLlm(rules())))


def memory_house(queue: Queue) -> House:
    """Return the same house on a forge in this process's memory."""
    forge = MemoryForge()
    planted = [
        PlantedIssue(title=title(pipeline_of(number)), body="Go.", labels=(TRIGGER,)) for number in range(1, ISSUES + 1)
    ]
    forge.add_repo(REPO, files={path: text.encode() for path, text in files().items()}, issues=planted)
    built = twin_house(queue)
    return replace(built, ports=replace(built.ports, github=MemoryGitHub(forge), git=MemoryGit(forge)))
