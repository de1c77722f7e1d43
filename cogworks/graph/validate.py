"""Judges whether pipelines can be run, before a single token is spent (ENG-09)."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from cogworks.graph import check_choices, check_flow, check_names, check_shape, check_tools
from cogworks.graph.definition import Graph, PipelineFile
from cogworks.graph.faults import Faults, key
from cogworks.model.errors import Problem

Check = Callable[[Graph, str, Faults], None]

# Each part for itself: always looked at.
PARTS: Sequence[Check] = (
    check_names.boundaries,
    check_names.overflow_edges,
    check_names.kept_slots,
    check_names.slots,
    check_choices.evaluation,
    check_choices.explicit_schema,
    check_choices.conditions,
    check_choices.unreachable_edges,
    check_tools.stall_threshold,
)
# The whole: each of these looks only where those before found nothing, so that one fault is one line.
WHOLE: Sequence[Sequence[Check]] = (
    (check_names.edge_ends, check_names.start, check_names.profile_overrides),
    (
        check_shape.start,
        check_shape.orphans,
        check_shape.unreachable,
        check_shape.exits,
        check_shape.cycles,
        check_shape.self_edges,
        check_shape.ways_back,
    ),
    (check_flow.inputs, check_flow.outputs, check_flow.sub_graph, check_flow.review, check_flow.safety_gates),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found: ``errors`` stop the run, ``warnings`` are logged and shown."""

    errors: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def validate(
    pipelines: PipelineFile, *, file: str = ".cogworks/pipeline.toml", tools: Collection[str] | None = None
) -> Verdict:
    """Return everything wrong with ``pipelines``; ``tools`` are the names known in the repository.

    Without ``tools`` no tool name is judged. ``file`` is shown with each problem.
    """
    faults = Faults(file)
    check_tools.profiles(pipelines.tool_profiles, faults)
    if tools is not None:
        check_tools.profile_tools(pipelines.tool_profiles, tools, faults)
    for name, graph in pipelines.pipelines.items():
        at = key("pipelines", name)
        _judge(graph, at=at, into=faults)
        check_tools.used_profiles(graph, at, pipelines.tool_profiles, faults)
        if tools is not None:
            check_tools.override_tools(graph, at, tools, faults)
    return Verdict(
        errors=tuple(one for one in faults.found if not one.code.startswith("W_")),
        warnings=tuple(one for one in faults.found if one.code.startswith("W_")),
    )


def _judge(graph: Graph, *, at: str, into: Faults) -> None:
    for check in PARTS:
        check(graph, at, into)
    for stage in WHOLE:
        before = len(into.found)
        for check in stage:
            check(graph, at, into)
        if len(into.found) > before:
            return
