"""All sockets together, as ``bootstrap`` plugs them."""

from dataclasses import dataclass

from cogworks.ports.dead_letters import DeadLetters
from cogworks.ports.git import Git
from cogworks.ports.github import GitHub
from cogworks.ports.limits import Permits, Quota
from cogworks.ports.llm import LLM
from cogworks.ports.pulse import Pulse
from cogworks.ports.runtime import Clock, Ids, Leases, Ledger, Memo, Projection, Queue
from cogworks.ports.services import DomainService


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """One socket per outside party."""

    github: GitHub
    git: Git
    llm: LLM
    permits: Permits
    quota: Quota
    services: DomainService
    leases: Leases
    projection: Projection
    memo: Memo
    ledger: Ledger
    dead_letters: DeadLetters
    queue: Queue
    pulse: Pulse
    clock: Clock
    ids: Ids
