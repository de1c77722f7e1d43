"""Scripts of the Anthropic twin, made from plans."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from plans import Files, Piece, Plan

Rule = dict[str, Any]


def rules_of(plan: Plan) -> list[Rule]:
    """Return the rules by which the model carries out ``plan``, with the wrong tries that it holds."""
    rules = [
        _rule({"node": "intake"}, _intake(plan)),
        _rule({"node": "architecture", "purpose": "generate"}, _specification(plan)),
        _rule({"purpose": "alignment"}, {"output": {"score": 0.97, "findings": []}}),
        _rule({"node": "interface_design"}, _interfaces(plan)),
        _rule({"node": "planning"}, _pieces(plan)),
    ]
    for ordinal, piece in enumerate(plan.pieces, start=1):
        rules += _code(ordinal, piece)
        rules += _reviews(ordinal, piece, blocked_by=plan.remediate.get(ordinal))
    return rules


def write_script(path: Path, rules: Iterable[Rule]) -> Path:
    """Write a script of these rules."""
    path.write_text("".join(json.dumps(rule) + "\n" for rule in rules), encoding="utf-8")
    return path


def _rule(when: Mapping[str, Any], reply: Mapping[str, Any], *, times: int | None = None) -> Rule:
    return {"when": dict(when), **({"times": times} if times else {}), "reply": dict(reply)}


def _intake(plan: Plan) -> Rule:
    scope = {"files": len(plan.changes), "interfaces": len(plan.pieces), "complexity": "low"}
    return {
        "output": {
            "task_type": plan.task_type,
            "affected_modules": list(plan.modules),
            "component_tags": [],
            "scope": scope,
            "safety_affecting": False,
            "pipeline": None,
            "rationale": plan.title,
        }
    }


def _numbered(plan: Plan) -> list[dict[str, str]]:
    return [{"id": f"R{number}", "text": text} for number, text in enumerate(plan.requirements, start=1)]


def _specification(plan: Plan) -> Rule:
    return {
        "output": {
            "title": plan.title,
            "summary": plan.title,
            "affected_modules": [{"path": path, "new": False, "reason": "it changes"} for path in plan.modules],
            "requirements": _numbered(plan),
            "decisions": [],
            "files": plan.changes,
            "capabilities": [],
            "dependency_changes": [],
            "risks": [],
            "adrs": [],
            "exclusions": [],
        }
    }


def _interface_id(ordinal: int) -> str:
    return f"I{ordinal}"


def _interfaces(plan: Plan) -> Rule:
    told = [
        {
            "id": _interface_id(ordinal),
            "path": sorted(piece.files)[0],
            "signature": piece.title,
            "description": piece.title,
        }
        for ordinal, piece in enumerate(plan.pieces, start=1)
    ]
    return {
        "output": {
            "files": [],
            "interfaces": told,
            "authorised_files": plan.changes,
            "capabilities": [],
            "notes": "",
        }
    }


def _pieces(plan: Plan) -> Rule:
    ids = [one["id"] for one in _numbered(plan)]
    items = [
        {
            "title": piece.title,
            "description": piece.title,
            "files": piece.changes,
            "interfaces": [_interface_id(ordinal)],
            "test_specification": ["what the requirements say"],
            # The last piece answers for whatever is left.
            "requirements": ids[ordinal - 1 : ordinal] if ordinal < len(plan.pieces) else ids[ordinal - 1 :],
            "depends_on": list(piece.depends_on),
        }
        for ordinal, piece in enumerate(plan.pieces, start=1)
    ]
    return {"output": {"sub_work_items": items}}


def _code(ordinal: int, piece: Piece) -> list[Rule]:
    """The first rule that has uses left answers, so wrong tries come first, each of them once."""
    when = {"node": "code_generation", "purpose": "generate", "sub_work_item": ordinal}
    tries = [*piece.wrong_tries, piece.files]
    written: set[str] = set()
    rules = []
    for number, files in enumerate(tries, start=1):
        rules.append(_rule(when, {"turns": _turns(piece, files, written)}, times=1 if number < len(tries) else None))
        written |= set(files)
    return rules


def _turns(piece: Piece, files: Files, written: set[str]) -> list[Rule]:
    calls = [
        {
            "name": "fs.create" if piece.action(path) == "create" and path not in written else "fs.write",
            "input": {"path": path, "content": content},
        }
        for path, content in sorted(files.items())
    ]
    tests = [path for path in sorted(piece.files) if path.startswith("tests/")]
    told = {"summary": piece.title, "files": piece.changes, "tests": tests, "needs": [], "ambiguities": []}
    return [{"tool_calls": calls}, {"output": told}]


def _reviews(ordinal: int, piece: Piece, *, blocked_by: str | None) -> list[Rule]:
    paths = sorted(piece.files)
    when = {"node": "review", "sub_work_item": ordinal}
    clean = {"output": {"files_examined": paths, "findings": []}}
    if blocked_by is None:
        return [_rule(when, clean)]
    finding = {"criterion": "docs", "file": paths[0], "line": 1, "severity": "blocking", "explanation": blocked_by}
    found = {"output": {"files_examined": paths, "findings": [finding]}}
    return [_rule({**when, "template": "review_quality"}, found, times=1), _rule(when, clean)]
