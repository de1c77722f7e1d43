"""Which function does the work of which node: the one table of the craft."""

from collections.abc import Callable, Mapping

from cogworks.graph.definition import Node
from cogworks.model.outcome import Outcome
from cogworks.nodes.architecture import architecture
from cogworks.nodes.code_generation import code_generation
from cogworks.nodes.custom import custom, deterministic
from cogworks.nodes.end_to_end import end_to_end
from cogworks.nodes.intake import intake
from cogworks.nodes.integration import integration
from cogworks.nodes.interface_design import interface_design
from cogworks.nodes.job import Job, Workshop
from cogworks.nodes.planning import planning
from cogworks.nodes.review import review

Craft = Callable[[Job, Workshop], Outcome]

CRAFTS: Mapping[str, Craft] = {
    "intake": intake,
    "architecture": architecture,
    "interface_design": interface_design,
    "planning": planning,
    "code_generation": code_generation,
    "review": review,
    "integration": integration,
    "end_to_end": end_to_end,
}


def craft_of(node: Node) -> Craft:
    """Return the function that does the work of ``node``."""
    if node.uses in CRAFTS:
        return CRAFTS[node.uses]
    return custom if node.type == "llm" else deterministic
