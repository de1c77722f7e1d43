"""What runs in the overhead measurement: pipelines whose nodes have nothing to do, and a model that answers at once."""

from collections.abc import Mapping
from typing import Any

from cogworks.adapters.memory_llm import HandIn, Rule
from cogworks.model.ids import RepoName
from cogworks.model.llm import AssistantTurn, LlmRequest

REPO, IDLE_REPO, RATE_REPO = RepoName("acme/busy"), RepoName("acme/idle"), RepoName("acme/rate")
CHAIN, FAN = "chain", "fan"
CHAIN_NODES, FAN_NODES = 7, 10
_RULE_IDS = ("CR-DATA", "CR-INJECT", "CR-SCOPE", "CR-CAPS", "CR-SECRETS")
_CONFIG = """\
[llm.models.main]
id = "claude-sonnet-5-5"
[llm.models.second]
id = "claude-opus-5-5"
[llm.purposes]
generate = "main"
review = "second"
alignment = "second"
"""


def files() -> Mapping[str, str]:
    """Return the repository: configuration, rules and both pipelines; no service, so that nothing is checked."""
    return {
        ".cogworks/config.toml": _CONFIG,
        ".cogworks/constitutional-rules.md": "# Rules\n" + "".join(f"## {one} Rule\nKeep it.\n" for one in _RULE_IDS),
        ".cogworks/pipeline.toml": _pipelines(),
        "README.md": "# Busy\n",
    }


def rules() -> list[Rule]:
    """Return the answers of the model: each item goes into the pipeline that its title names, and all is well."""
    into_fan = HandIn(_classified(FAN))
    return [
        Rule(node="intake", when=lambda request: title(FAN) in _asked(request), replies=[into_fan]),
        Rule(node="intake", replies=[HandIn(_classified(CHAIN))]),
        Rule(purpose="alignment", replies=[HandIn({"score": 1.0, "findings": []})]),
    ]


def title(pipeline: str) -> str:
    """Return the title of a work item for ``pipeline``."""
    return f"Run the {pipeline}"


def _pipelines() -> str:
    inner = [f"node_{number}" for number in range(1, CHAIN_NODES)]
    members = [f"member_{number}" for number in range(1, FAN_NODES + 1)]
    in_a_row = zip(["intake", *inner], inner, strict=False)
    return "\n".join(
        [
            'schema_version = 1\n[pipeline]\ndefault = "chain"',
            _pipeline(CHAIN, inner, list(in_a_row)),
            _pipeline(FAN, members, [("intake", member) for member in members]),
        ]
    )


def _pipeline(name: str, nodes: list[str], edges: list[tuple[str, str]]) -> str:
    entries = ['{id="intake", uses="intake", evaluation="all-matching"}']
    entries += [
        f'{{id="{one}", type="deterministic", method="domain_service", service_method="validate", outputs=["{one}"]}}'
        for one in nodes
    ]
    told = ",\n ".join(f'{{id="to_{target}", from="{source}", to="{target}"}}' for source, target in edges)
    listed = ",\n ".join(entries)
    return f'[pipelines.{name}]\nstart = "intake"\nnodes = [\n {listed},\n]\nedges = [\n {told},\n]\n'


def _classified(pipeline: str) -> dict[str, Any]:
    return {
        "task_type": "documentation",
        "affected_modules": [],
        "component_tags": [],
        "scope": {"files": 1, "interfaces": 0, "complexity": "low"},
        "safety_affecting": False,
        "pipeline": pipeline,
        "rationale": "It says so.",
    }


def _asked(request: LlmRequest) -> str:
    said = [turn for turn in request.turns if not isinstance(turn, AssistantTurn)]
    return "\n".join(block.text for turn in said for block in turn.blocks)
