"""What the scripted model answers: a work item with one or more sub-work-items, each a function with its test.

Every rule looks at the request alone, never at how often it was asked: a call that is repeated after a crash gets the
same answer.
"""

from collections.abc import Callable, Sequence
from typing import Any

from cogworks.adapters.memory_llm import Ask, HandIn, Reply, Rule
from cogworks.model.llm import AssistantTurn, LlmRequest, ToolCall

NAMES = ("mean", "median", "spread", "mode", "low", "high", "count", "first", "last", "square", "cube")
TASK = "Add functions to calc"


def body(number: int) -> str:
    """The text of a work item that asks for ``number`` functions."""
    return "We need more.\n\n" + "\n".join(f"- [ ] `{name}(values)` exists" for name in NAMES[:number])


def source_path(name: str) -> str:
    return f"src/calc/{name}.py"


def test_path(name: str) -> str:
    return f"tests/test_{name}.py"


test_path.__test__ = False  # type: ignore[attr-defined]


def files_of(name: str) -> list[dict[str, str]]:
    return [{"path": source_path(name), "action": "create"}, {"path": test_path(name), "action": "create"}]


def intake(**changed: Any) -> dict[str, Any]:
    return {
        "task_type": "new_feature",
        "affected_modules": ["src/calc"],
        "component_tags": [],
        "scope": {"files": 2, "interfaces": 1, "complexity": "low"},
        "safety_affecting": False,
        "pipeline": None,
        "rationale": "It asks for functions.",
        **changed,
    }


def architecture(number: int, **changed: Any) -> dict[str, Any]:
    return {
        "title": "More functions",
        "summary": "Add them.",
        "affected_modules": [{"path": "src/calc", "new": False, "reason": "holds the functions"}],
        "requirements": [{"id": f"R{n}", "text": f"{name} exists"} for n, name in enumerate(NAMES[:number], 1)],
        "files": [one for name in NAMES[:number] for one in files_of(name)],
        **changed,
    }


def interfaces(number: int, **changed: Any) -> dict[str, Any]:
    return {
        "interfaces": [
            {"id": f"I{n}", "path": source_path(name), "signature": f"def {name}(values)", "description": name}
            for n, name in enumerate(NAMES[:number], 1)
        ],
        "authorised_files": [one for name in NAMES[:number] for one in files_of(name)],
        **changed,
    }


def plan(number: int, *, depends_on: dict[int, list[int]] | None = None) -> dict[str, Any]:
    """A plan whose items are ``01 mean``, ``02 median`` …; items that wait for nothing come first, in that order."""
    titles = [f"{n:02} {name}" for n, name in enumerate(NAMES[:number], 1)]
    needed = depends_on or {}
    return {
        "sub_work_items": [
            {
                "title": title,
                "description": f"Write {name}.",
                "files": files_of(name),
                "interfaces": [f"I{n}"],
                "test_specification": [f"{name} works"],
                "requirements": [f"R{n}"],
                "depends_on": [titles[other - 1] for other in needed.get(n, [])],
            }
            for n, (title, name) in enumerate(zip(titles, NAMES, strict=False), 1)
        ]
    }


def code(name: str, **changed: Any) -> dict[str, Any]:
    return {"summary": f"Add {name}", "files": files_of(name), "tests": [test_path(name)], **changed}


def finding(name: str, severity: str, text: str) -> dict[str, Any]:
    return {"criterion": "errors", "file": source_path(name), "line": 1, "severity": severity, "explanation": text}


def reviewed(name: str, *findings: dict[str, Any]) -> dict[str, Any]:
    return {"files_examined": [source_path(name), test_path(name)], "findings": list(findings)}


def aligned(score: float = 0.97, *findings: dict[str, Any]) -> dict[str, Any]:
    return {"score": score, "findings": list(findings)}


def missing(text: str) -> dict[str, Any]:
    """A blocking finding of the alignment check."""
    return {
        "type": "missing",
        "severity": "blocking",
        "description": text,
        "input_reference": {"source": "issue", "location": ""},
        "output_reference": {"source": "output", "location": ""},
    }


def turns(request: LlmRequest) -> int:
    """How often the model has answered in this conversation."""
    return sum(isinstance(turn, AssistantTurn) for turn in request.turns)


def says(text: str) -> Callable[[LlmRequest], bool]:
    """Fits requests that hold ``text`` in what the user side says."""
    return lambda request: text in prompt_of(request)


def prompt_of(request: LlmRequest) -> str:
    """Everything that we said in a request, tools' results included."""
    parts = [block.text for block in request.system]
    for turn in request.turns:
        if not isinstance(turn, AssistantTurn):
            parts += [block.text for block in turn.blocks] + [result.text for result in turn.results]
    return "\n".join(parts)


def call(tool: str, **given: Any) -> ToolCall:
    return ToolCall(
        id=f"toolu_{tool.replace('.', '_')}_{given.get('path', '').replace('/', '_')}", name=tool, input=given
    )


def writing(name: str, *, text: str = "", also: Sequence[ToolCall] = ()) -> Ask:
    """The model writes source and test of ``name``; a repetition finds them there and replaces them."""
    content = text or f"def {name}(values):\n    return values\n"
    test = f"from calc.{name} import {name}\n\n\ndef test_{name}():\n    assert {name}([1])\n"
    calls = []
    for path, told in ((source_path(name), content), (test_path(name), test)):
        calls += [call("fs.create", path=path, content=told), call("fs.write", path=path, content=told)]
    return Ask((*calls, *also))


def about(name: str) -> Callable[[LlmRequest], bool]:
    """Fits requests whose subject is the sub-work-item of ``name``, whatever its place in the order."""
    return says(f"# {NAMES.index(name) + 1:02} {name}\n")


def swi_rules(name: str, *, text: str = "", answer: dict[str, Any] | None = None) -> list[Rule]:
    mine = about(name)
    return [
        Rule(
            node="code_generation",
            purpose="generate",
            when=lambda r: mine(r) and turns(r) == 0,
            replies=[writing(name, text=text)],
        ),
        Rule(node="code_generation", purpose="generate", when=mine, replies=[HandIn(answer or code(name))]),
        Rule(node="review", when=mine, replies=[HandIn(reviewed(name))]),
    ]


def good_answers(number: int = 1, *, depends_on: dict[int, list[int]] | None = None) -> list[Rule]:
    """Rules under which everything goes well at once."""
    rules = [
        Rule(node="intake", replies=[HandIn(intake())]),
        Rule(node="architecture", purpose="generate", replies=[HandIn(architecture(number))]),
        Rule(purpose="alignment", replies=[HandIn(aligned())]),
        Rule(node="interface_design", purpose="generate", replies=[HandIn(interfaces(number))]),
        Rule(node="planning", replies=[HandIn(plan(number, depends_on=depends_on))]),
    ]
    for name in NAMES[:number]:
        rules += swi_rules(name)
    return rules


def only(
    node: str,
    reply: Reply | dict[str, Any],
    *,
    attempt: int | None = None,
    purpose: str | None = "generate",
    when: Callable[[LlmRequest], bool] | None = None,
) -> Rule:
    """A rule that comes before the good answers of ``node``."""
    told = HandIn(reply) if isinstance(reply, dict) else reply
    return Rule(node=node, purpose=purpose, attempt=attempt, when=when, replies=[told])
