"""The usage figures of an answer, between the twin's words and the wire's."""

from pydantic import JsonValue

from cogworks.twins.anthropic.cache import CacheUse
from cogworks.twins.anthropic.prices import Usage
from cogworks.twins.anthropic.script_rules import UsageOverride
from cogworks.twins.anthropic.wire import JsonObject


def usage_of(used: CacheUse, *, output: int) -> Usage:
    """Return the figures of a call as counted."""
    return Usage(
        input=used.uncached,
        output=output,
        cache_write_5m=used.written_5m,
        cache_write_1h=used.written_1h,
        cache_read=used.read,
    )


def overridden(usage: Usage, override: UsageOverride) -> Usage:
    """Return the figures with those of the script in place of the counted ones; its cache writes live 5 minutes."""
    written = override.cache_creation_input_tokens
    return Usage(
        input=_either(override.input_tokens, usage.input),
        output=_either(override.output_tokens, usage.output),
        cache_write_5m=_either(written, usage.cache_write_5m),
        cache_write_1h=usage.cache_write_1h if written is None else 0,
        cache_read=_either(override.cache_read_input_tokens, usage.cache_read),
    )


def _either(scripted: int | None, counted: int) -> int:
    return counted if scripted is None else scripted


def usage_json(usage: Usage) -> JsonObject:
    """Return the figures as the wire has them."""
    return {
        "input_tokens": usage.input,
        "output_tokens": usage.output,
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_5m,
            "ephemeral_1h_input_tokens": usage.cache_write_1h,
        },
        "service_tier": "standard",
    }


def read_usage(message: JsonObject) -> Usage:
    """Return the figures of a message that the twin sent."""
    usage = message["usage"]
    written = usage["cache_creation"] if isinstance(usage, dict) else None
    return Usage(
        input=_figure(usage, "input_tokens"),
        output=_figure(usage, "output_tokens"),
        cache_write_5m=_figure(written, "ephemeral_5m_input_tokens"),
        cache_write_1h=_figure(written, "ephemeral_1h_input_tokens"),
        cache_read=_figure(usage, "cache_read_input_tokens"),
    )


def _figure(figures: JsonValue, key: str) -> int:
    found = figures[key] if isinstance(figures, dict) else 0
    return found if isinstance(found, int) else 0
