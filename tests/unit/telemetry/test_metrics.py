"""Figures for Prometheus (70 section 5)."""

import re
from urllib.request import urlopen

import pytest

from cogworks.telemetry.metrics import LABELS, Count, Level, Measure, Metrics, serve_metrics


def test_every_figure_has_labels_and_every_label_a_figure() -> None:
    assert set(LABELS) == {*Count, *Measure, *Level}


def test_every_figure_can_be_used_with_its_labels() -> None:
    metrics = Metrics()

    for name in Count:
        metrics.count(name, **dict.fromkeys(LABELS[name], "x"))
    for name in Measure:
        metrics.measure(name, 0.96, **dict.fromkeys(LABELS[name], "x"))
    for name in Level:
        metrics.level(name, 3, **dict.fromkeys(LABELS[name], "x"))

    names = set(re.findall(r"^# TYPE (\S+) (?:counter|gauge|histogram)$", metrics.text().decode(), re.MULTILINE))
    assert {f"{n}_total" for n in Count} | set(Measure) | set(Level) <= names


def test_counters_end_in_total_and_add_up() -> None:
    metrics = Metrics()
    metrics.count(Count.LLM_COST_DOLLARS, 0.25, node="planning", model="m")
    metrics.count(Count.LLM_COST_DOLLARS, 0.5, node="planning", model="m")

    assert b'cogworks_llm_cost_dollars_total{model="m",node="planning"} 0.75' in metrics.text()


def test_a_wrong_label_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="label"):
        Metrics().count(Count.RETRIES, node="x")


def test_two_registries_do_not_know_each_other() -> None:
    one, other = Metrics(), Metrics()
    one.count(Count.HOLD_STATE)

    assert b"cogworks_hold_state_total 1.0" in one.text()
    assert b"cogworks_hold_state_total 0.0" in other.text()


def test_a_worker_serves_its_figures() -> None:
    metrics = Metrics()
    metrics.count(Count.HOLD_STATE)
    server, thread = serve_metrics(metrics, port=0)
    try:
        with urlopen(f"http://127.0.0.1:{server.server_port}/metrics", timeout=10) as answer:
            assert b"cogworks_hold_state_total 1.0" in answer.read()
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)
