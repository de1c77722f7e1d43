"""What the provider refuses, rule by rule; the first broken rule is the answer."""

import re
from collections.abc import Callable, Mapping
from datetime import date

from cogworks.twins.anthropic.cache import block_ends, check_marks
from cogworks.twins.anthropic.catalogue import Model
from cogworks.twins.anthropic.history import check_history
from cogworks.twins.anthropic.request import MessagesRequest
from cogworks.twins.anthropic.schema_rules import check_schema
from cogworks.twins.anthropic.tokens import input_tokens
from cogworks.twins.anthropic.wire import ApiError, invalid

CURRENT_VERSION = "2026-10-21"
VERSIONS = ("2023-06-01", CURRENT_VERSION)
_KNOWN_FIELDS = frozenset(
    {
        "model", "messages", "max_tokens", "cache_control", "container", "diagnostics", "inference_geo", "metadata",
        "output_config", "service_tier", "speed", "stop_sequences", "stream", "system", "temperature", "thinking",
        "tool_choice", "tools", "top_k", "top_p", "user_profile_id", "workspace_id",
    }
)  # fmt: skip
_SAMPLING = ("temperature", "top_p", "top_k")
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_LEAST_THINKING_BUDGET = 1024


def find_model(models: Mapping[str, Model], model_id: str, *, today: date) -> Model:
    """Return a model that can be called today; ApiError 404 for every other id."""
    model = models.get(model_id)
    if model is None or (model.ends is not None and today > model.ends):
        raise ApiError(404, f"model: {model_id}")
    return model


def check_version(version: str | None) -> None:
    """Refuse an API version that the provider does not have."""
    if version not in VERSIONS:
        raise invalid(f"anthropic-version: {version or 'header is required'}; valid versions: {', '.join(VERSIONS)}")


def check_request(request: MessagesRequest, model: Model, *, version: str) -> None:
    """Refuse what `model` refuses under this API version."""
    for check in _CHECKS:
        check(request, model)
    if version == CURRENT_VERSION or model.refuses_sampling:
        _no_sampling(request)
    check_history(request, model, current=version == CURRENT_VERSION)


def _no_sampling(request: MessagesRequest) -> None:
    for key in _SAMPLING:
        if key in request.body:
            raise invalid(f"{key}: this parameter is not supported")


def _known_fields(request: MessagesRequest, _model: Model) -> None:
    for key in request.body:
        if key not in _KNOWN_FIELDS:
            raise invalid(f"{key}: Extra inputs are not permitted")


def _output_limit(request: MessagesRequest, model: Model) -> None:
    if request.max_tokens > model.max_output:
        raise invalid(
            f"max_tokens: {request.max_tokens} > {model.max_output}, which is the maximum allowed number of output "
            f"tokens for {model.id}"
        )


def _prompt_length(request: MessagesRequest, model: Model) -> None:
    tokens = input_tokens(request.body)
    if tokens > model.context:
        raise invalid(f"prompt is too long: {tokens} tokens > {model.context} maximum")


def _tools(request: MessagesRequest, _model: Model) -> None:
    names = [tool.get("name") for tool in request.tools]
    for index, (tool, name) in enumerate(zip(request.tools, names, strict=True)):
        place = f"tools.{index}"
        if not isinstance(name, str) or not _TOOL_NAME.fullmatch(name):
            raise invalid(f"{place}.name: String should match pattern '^{_TOOL_NAME.pattern}$'")
        if name in names[:index]:
            raise invalid("tools: Tool names must be unique.")
        schema = tool.get("input_schema")
        if not isinstance(schema, dict) or schema.get("type") != "object":
            raise invalid(f"{place}.input_schema.type: Field required; Input should be 'object'")
        if tool.get("strict") is True:
            check_schema(schema, f"{place}.input_schema")


def _tool_choice(request: MessagesRequest, model: Model) -> None:
    kind = request.tool_choice.get("type", "auto")
    if kind not in ("auto", "any", "tool", "none"):
        raise invalid("tool_choice.type: Input should be 'auto', 'any', 'tool' or 'none'")
    if request.tool_choice and not request.tools and kind != "none":
        raise invalid("tool_choice: may only be specified while providing `tools`.")
    if kind == "tool" and request.tool_choice.get("name") not in {tool.get("name") for tool in request.tools}:
        raise invalid(f"tool_choice: Tool '{request.tool_choice.get('name')}' not found in provided tools")
    if kind in ("any", "tool") and model.refuses_forced_tool:
        raise invalid(f"tool_choice: forced tool use ('{kind}') is not supported by {model.id}")


def _thinking(request: MessagesRequest, model: Model) -> None:
    if not request.thinking:
        return
    kind = request.thinking.get("type")
    if model.thinking_always_on and (kind == "disabled" or "budget_tokens" in request.thinking):
        refused = "disabled thinking" if kind == "disabled" else "a thinking budget"
        raise invalid(f"thinking: {refused} is not supported by {model.id}")
    if kind == "enabled":
        _thinking_budget(request)


def _thinking_budget(request: MessagesRequest) -> None:
    budget = request.thinking.get("budget_tokens")
    if not isinstance(budget, int) or budget < _LEAST_THINKING_BUDGET:
        raise invalid(f"thinking.budget_tokens: Input should be greater than or equal to {_LEAST_THINKING_BUDGET}")
    if budget >= request.max_tokens:
        raise invalid("`max_tokens` must be greater than `thinking.budget_tokens`.")


def _output_format(request: MessagesRequest, _model: Model) -> None:
    if request.output_format is None:
        return
    if request.output_format.get("type") != "json_schema":
        raise invalid("output_config.format.type: Input should be 'json_schema'")
    check_schema(request.output_format.get("schema"), "output_config.format.schema")


def _marks(request: MessagesRequest, _model: Model) -> None:
    check_marks(block_ends(request))


_CHECKS: tuple[Callable[[MessagesRequest, Model], None], ...] = (
    _known_fields, _output_limit, _prompt_length, _tools, _tool_choice, _thinking, _output_format, _marks,
)  # fmt: skip
