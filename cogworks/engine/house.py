"""What every turn of the crank needs: the ports, what is shipped, and the operator's figures."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from cogworks.engine.configuring import Shipped
from cogworks.model.audit import Actor
from cogworks.nodes.template import Template
from cogworks.ports.bundle import Ports

Log = Callable[[str, str], None]
"""Takes an action of 70 section 4 and a message."""


class Within(Protocol):
    """Adds fields of 70 section 4, such as ``run_id``, to every line that is logged inside the block."""

    def __call__(self, **fields: object) -> AbstractContextManager[None]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Built once per process by ``bootstrap``; holds no state of any run.

    ``patience_s`` is how long an attempt may stay without owner before its message counts as lost (RUN-21).
    """

    ports: Ports
    shipped: Shipped
    templates: Mapping[str, Template]
    actor: Actor
    patience_s: float
    max_active_runs: int
    log: Log
    within: Within

    @property
    def owner(self) -> str:
        """The name under which this process holds leases."""
        return self.actor.name
