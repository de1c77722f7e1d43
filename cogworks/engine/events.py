"""What the step function can be told (ENG-28). Each is a fact read from the world, never from a message."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cogworks.engine.run_config import RunConfig
from cogworks.model.errors import FailureCategory
from cogworks.model.ids import NodeRef
from cogworks.model.json_value import JsonObject
from cogworks.model.outcome import Outcome

Results = Mapping[str, JsonObject]


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggered:
    """The trigger label is on; nothing ran yet, or a stopped run is to go on.

    ``accept_graph``: a person said that it may go on with another pipeline file than it began with (ENG-07);
    ``config`` is then what it goes on with. ``text_sha`` tells the text of the issue as it is now.
    """

    by: str = ""
    text_sha: str = ""
    accept_graph: bool = False
    config: RunConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """A person had the dead letter of this attempt replayed."""

    ref: NodeRef
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeEnded:
    """An attempt came to an outcome. ``results`` holds earlier outputs, which edge conditions may read."""

    ref: NodeRef
    attempt: int
    outcome: Outcome
    results: Results = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateApproved:
    """A person said yes; ``head`` is the approved commit of the pull request."""

    ref: NodeRef
    by: str
    where: str
    head: str = ""
    results: Results = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRejected:
    """A person said no."""

    ref: NodeRef
    by: str
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseStale:
    """An attempt has no owner and no outcome: it is taken again under the same number."""

    ref: NodeRef


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitOver:
    """The time that a run waited for has come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """A person took the trigger away, set the cancel label, or closed the issue.

    ``ended`` are the outcomes that came in meanwhile: their work counts no more, their cost does.
    """

    reason: str
    ended: tuple[NodeEnded, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """A precondition of the whole run broke: configuration, constitution, graph, state."""

    category: FailureCategory
    message: str


Event = Triggered | Replayed | NodeEnded | GateApproved | GateRejected | LeaseStale | WaitOver | Cancel | Halt
