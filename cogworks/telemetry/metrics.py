"""Figures for Prometheus: one table of names, one registry (70 section 5)."""

from collections.abc import Mapping
from enum import StrEnum
from threading import Thread
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, start_http_server

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800)
_FRACTIONS = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.97, 0.99, 1.0)


class Count(StrEnum):
    """What only grows; scraped with ``_total`` at the end."""

    PIPELINES_COMPLETED = "cogworks_pipelines_completed"
    LLM_CALLS = "cogworks_llm_calls"
    LLM_TOKENS = "cogworks_llm_tokens"
    LLM_COST_DOLLARS = "cogworks_llm_cost_dollars"
    GITHUB_API_CALLS = "cogworks_github_api_calls"
    RETRIES = "cogworks_retries"
    ESCALATIONS = "cogworks_escalations"
    SEMANTIC_STALLING = "cogworks_semantic_stalling"
    DOMAIN_SERVICE_CALLS = "cogworks_domain_service_calls"
    CONSTRAINT_VALIDATION = "cogworks_constraint_validation"
    INJECTION_DETECTED = "cogworks_injection_detected"
    HOLD_STATE = "cogworks_hold_state"
    CONSTITUTIONAL_LOAD_FAILURES = "cogworks_constitutional_load_failures"
    SCOPE_VIOLATIONS = "cogworks_scope_violations"
    REQUIRED_ARTEFACT_FAILURES = "cogworks_required_artefact_failures"
    EDGE_EVALUATIONS = "cogworks_edge_evaluations"
    REWORK_TRAVERSALS = "cogworks_rework_traversals"
    PIPELINE_STATE_WRITES = "cogworks_pipeline_state_writes"
    PROJECT_SYNC_FAILURES = "cogworks_project_sync_failures"
    TOOL_CALLS = "cogworks_tool_calls"
    TASKS = "cogworks_tasks"
    TASK_REDELIVERIES = "cogworks_task_redeliveries"
    DUPLICATES_SUPPRESSED = "cogworks_duplicates_suppressed"
    DLQ_ADDED = "cogworks_dlq_added"
    DLQ_REPLAYED = "cogworks_dlq_replayed"
    LEASE_CONFLICTS = "cogworks_lease_conflicts"
    LEASE_EXPIRED = "cogworks_lease_expired"
    FENCING_REJECTIONS = "cogworks_fencing_rejections"
    CHORDS_REPAIRED = "cogworks_chords_repaired"
    LEDGER_REBUILDS = "cogworks_ledger_rebuilds"
    WEBHOOK_EVENTS = "cogworks_webhook_events"
    METRIC_POINTS_DROPPED = "cogworks_metric_points_dropped"


class Measure(StrEnum):
    """What is spread out: durations in seconds, scores from 0 to 1."""

    NODE_DURATION = "cogworks_node_duration_seconds"
    LLM_THROTTLE = "cogworks_llm_rate_limit_throttle_seconds"
    DOMAIN_SERVICE_LATENCY = "cogworks_domain_service_latency_seconds"
    TASK = "cogworks_task_seconds"
    ALIGNMENT_SCORE = "cogworks_alignment_score"
    SCENARIO_SATISFACTION = "cogworks_scenario_satisfaction"


class Level(StrEnum):
    """What goes up and down."""

    PIPELINES_ACTIVE = "cogworks_pipelines_active"
    LLM_RATE_LIMIT_REMAINING = "cogworks_llm_rate_limit_remaining"
    GITHUB_RATE_LIMIT_REMAINING = "cogworks_github_rate_limit_remaining"
    DOMAIN_SERVICE_HEALTH = "cogworks_domain_service_health"
    CONTEXT_PACKS_LOADED = "cogworks_context_packs_loaded"
    PARALLEL_NODES_ACTIVE = "cogworks_parallel_nodes_active"
    QUEUE_DEPTH = "cogworks_queue_depth"
    QUEUE_OLDEST = "cogworks_queue_oldest_seconds"
    TASKS_UNACKED = "cogworks_tasks_unacked"
    DLQ_SIZE = "cogworks_dlq_size"
    WORKERS_ONLINE = "cogworks_workers_online"
    BEAT_LAST_TICK = "cogworks_beat_last_tick_timestamp"


LABELS: Mapping[Count | Measure | Level, tuple[str, ...]] = {
    Count.PIPELINES_COMPLETED: ("status",),
    Count.LLM_CALLS: ("node", "model", "result"),
    Count.LLM_TOKENS: ("node", "model", "direction"),
    Count.LLM_COST_DOLLARS: ("node", "model"),
    Count.GITHUB_API_CALLS: ("endpoint", "status"),
    Count.RETRIES: ("node", "reason"),
    Count.ESCALATIONS: ("reason",),
    Count.SEMANTIC_STALLING: ("node",),
    Count.DOMAIN_SERVICE_CALLS: ("service", "method", "result"),
    Count.CONSTRAINT_VALIDATION: ("result",),
    Count.INJECTION_DETECTED: (),
    Count.HOLD_STATE: (),
    Count.CONSTITUTIONAL_LOAD_FAILURES: (),
    Count.SCOPE_VIOLATIONS: ("type",),
    Count.REQUIRED_ARTEFACT_FAILURES: ("pack",),
    Count.EDGE_EVALUATIONS: ("type", "result"),
    Count.REWORK_TRAVERSALS: ("cycle",),
    Count.PIPELINE_STATE_WRITES: (),
    Count.PROJECT_SYNC_FAILURES: (),
    Count.TOOL_CALLS: ("tool", "kind", "result"),
    Count.TASKS: ("task", "queue", "outcome"),
    Count.TASK_REDELIVERIES: ("task",),
    Count.DUPLICATES_SUPPRESSED: ("task",),
    Count.DLQ_ADDED: ("node", "code"),
    Count.DLQ_REPLAYED: ("result",),
    Count.LEASE_CONFLICTS: (),
    Count.LEASE_EXPIRED: (),
    Count.FENCING_REJECTIONS: (),
    Count.CHORDS_REPAIRED: (),
    Count.LEDGER_REBUILDS: (),
    Count.WEBHOOK_EVENTS: ("event", "result"),
    Count.METRIC_POINTS_DROPPED: ("sink", "reason"),
    Measure.NODE_DURATION: ("node",),
    Measure.LLM_THROTTLE: ("provider",),
    Measure.DOMAIN_SERVICE_LATENCY: ("service", "method"),
    Measure.TASK: ("task", "queue", "outcome"),
    Measure.ALIGNMENT_SCORE: ("node",),
    Measure.SCENARIO_SATISFACTION: ("scenario",),
    Level.PIPELINES_ACTIVE: ("repo",),
    Level.LLM_RATE_LIMIT_REMAINING: ("provider",),
    Level.GITHUB_RATE_LIMIT_REMAINING: (),
    Level.DOMAIN_SERVICE_HEALTH: ("service",),
    Level.CONTEXT_PACKS_LOADED: ("pipeline",),
    Level.PARALLEL_NODES_ACTIVE: ("pipeline",),
    Level.QUEUE_DEPTH: ("queue",),
    Level.QUEUE_OLDEST: ("queue",),
    Level.TASKS_UNACKED: (),
    Level.DLQ_SIZE: ("node",),
    Level.WORKERS_ONLINE: ("queue",),
    Level.BEAT_LAST_TICK: (),
}
"""Labels of each figure."""


class Metrics:
    """The figures of one process. A wrong label is a ValueError: labels are part of the name, not data."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._counts = {name: Counter(name, _help(name), LABELS[name], registry=self.registry) for name in Count}
        self._levels = {name: Gauge(name, _help(name), LABELS[name], registry=self.registry) for name in Level}
        self._measures = {
            name: Histogram(name, _help(name), LABELS[name], registry=self.registry, buckets=_buckets(name))
            for name in Measure
        }

    def count(self, name: Count, by: float = 1, **labels: str) -> None:
        """Add ``by`` to a counter."""
        counter = self._counts[name]
        (counter.labels(**labels) if labels else counter).inc(by)

    def measure(self, name: Measure, value: float, **labels: str) -> None:
        """Note one value of a histogram."""
        histogram = self._measures[name]
        (histogram.labels(**labels) if labels else histogram).observe(value)

    def level(self, name: Level, value: float, **labels: str) -> None:
        """Set a gauge."""
        gauge = self._levels[name]
        (gauge.labels(**labels) if labels else gauge).set(value)

    def text(self) -> bytes:
        """Return every figure as ``/metrics`` shows it, of type ``CONTENT_TYPE``."""
        return generate_latest(self.registry)


def serve_metrics(metrics: Metrics, *, port: int, host: str = "127.0.0.1") -> tuple[WSGIServer, Thread]:
    """Serve ``/metrics`` in the background; shut the server down and join the thread to end it."""
    return start_http_server(port, addr=host, registry=metrics.registry)


def _help(name: StrEnum) -> str:
    return name.removeprefix("cogworks_").replace("_", " ")


def _buckets(name: Measure) -> tuple[float, ...]:
    return _SECONDS if name.endswith("_seconds") else _FRACTIONS
