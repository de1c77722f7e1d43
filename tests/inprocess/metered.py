"""A provider that counts what it delivers, and lets something happen at a call while its asker waits."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from answers import body, good_answers
from world import World

from cogworks.adapters.memory_llm import Rule
from cogworks.model.errors import LlmTransient
from cogworks.model.llm import LlmAnswer, LlmRequest
from cogworks.model.state import Cost
from cogworks.policy.prices import cost_microusd
from cogworks.ports.bundle import Ports
from cogworks.ports.llm import LLM


@dataclass(slots=True, kw_only=True)
class Meter:
    """``delivered`` is what a bill would say; a call in ``cut`` is billed to nobody knows whom and never answered."""

    during: Callable[[int], None] = lambda _number: None
    cut: Sequence[int] = ()
    delivered: Cost = Cost()
    calls: int = 0
    real: LLM | None = None
    numbers: list[int] = field(default_factory=list)

    def call(self, request: LlmRequest) -> LlmAnswer:
        assert self.real is not None
        self.calls += 1
        number = self.calls
        answer = self.real.call(request)
        self.during(number)
        if number in self.cut:
            raise LlmTransient("the connection broke after the request went out", kind="timeout")
        microusd = cost_microusd(answer.usage, request.model, cache_ttl=request.cache_ttl)
        self.delivered += Cost(microusd=microusd, tokens=answer.usage.total)
        return answer

    def count(self, request: LlmRequest) -> int:
        assert self.real is not None
        return self.real.count(request)

    def plug(self, ports: Ports) -> Ports:
        self.real = ports.llm
        return replace(ports, llm=self)


def metered(
    meter: Meter, *, parts: int = 1, rules: Sequence[Rule] = (), files: Mapping[str, bytes] | None = None
) -> World:
    """A world with ``parts`` sub-work-items that wait for nothing, whose provider is ``meter``."""
    return World(rules=[*rules, *good_answers(parts)], text=body(parts), files=files or {}, plug=meter.plug)
