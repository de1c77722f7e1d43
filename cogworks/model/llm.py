"""One call to a model: what is sent, what comes back, what it costs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel

from cogworks.model.json_value import JsonObject

Purpose = Literal["generate", "alignment", "review", "edge", "judge", "summary", "interpret"]
Loop = Literal["first", "retry", "rework"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """US dollars per million tokens, exact decimals."""

    input: Decimal
    output: Decimal
    cache_write_5m: Decimal
    cache_write_1h: Decimal
    cache_read: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTier:
    """Prices of a whole call whose prompt is over ``above_prompt_tokens``."""

    above_prompt_tokens: int
    prices: Prices


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """A model with its limits, its ways of delivering a structured answer, and its prices."""

    alias: str
    id: str
    context_window: int
    max_output_tokens: int
    asked_output_tokens: int
    min_cache_tokens: int
    forced_tool: bool
    schema_output: bool
    prices: Prices
    tiers: tuple[PriceTier, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CallIdentity:
    """Who asks: the ``X-CogWorks-Call`` header (TWA-01)."""

    call_id: str
    run_id: str
    work_item: int
    node: str
    sub_work_item: int | None
    purpose: Purpose
    template: str
    loop: Loop
    attempt: int
    trace_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A piece of prompt text; ``cached`` asks the provider to remember the prefix that ends here."""

    text: str
    cached: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """A tool as the model sees it; ``parameters`` is a closed JSON Schema object."""

    name: str
    description: str
    parameters: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A model asks for a tool."""

    id: str
    name: str
    input: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What a tool answered to the call with ``call_id``."""

    call_id: str
    text: str
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UserTurn:
    """What we say: text, or the results of the tools that the model asked for."""

    blocks: tuple[Block, ...] = ()
    results: tuple[ToolResult, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantTurn:
    """What the model said, kept as it came: thinking blocks too must go back unchanged."""

    content: tuple[JsonObject, ...]


Turn = UserTurn | AssistantTurn


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmRequest:
    """One request. Stable parts come first, so that attempts share a prefix (LLM-19)."""

    model: ModelSpec
    system: tuple[Block, ...]
    tools: tuple[ToolSpec, ...]
    turns: tuple[Turn, ...]
    schema_name: str
    schema: type[BaseModel]
    max_output_tokens: int
    cache_ttl: Literal["off", "5m", "1h"]
    identity: CallIdentity
    timeout_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The four token figures of an answer."""

    input: int = 0
    output: int = 0
    cache_write: int = 0
    cache_read: int = 0

    @property
    def prompt(self) -> int:
        """Tokens of the whole prompt, which the price tier is chosen by."""
        return self.input + self.cache_write + self.cache_read

    @property
    def total(self) -> int:
        """All four figures together."""
        return self.prompt + self.output


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """What the provider said is left, per kind of limit; empty when it said nothing."""

    remaining: Mapping[str, int] = field(default_factory=dict)
    limit: Mapping[str, int] = field(default_factory=dict)
    reset_at: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmAnswer:
    """One answer: tools to call, or the structured answer as JSON text in ``output``."""

    content: tuple[JsonObject, ...]
    tool_calls: tuple[ToolCall, ...]
    output: str | None
    stop_reason: str
    usage: Usage
    request_id: str
    model: str
    limits: RateLimits = field(default_factory=RateLimits)
