"""What a script may say, which rule a call finds, and how mistakes are named (TWA-02)."""

import json
import subprocess
from pathlib import Path

import pytest
from pydantic import JsonValue
from twin_process import COMMAND, write_script

from cogworks.twins.anthropic.calls import Call
from cogworks.twins.anthropic.script import ScriptError, load_script

CALL = Call(node="planning", purpose="generate", template="planning", sub_work_item=1, attempt=2, loop="retry")
OUTPUT = {"output": {"ok": True}}


@pytest.mark.parametrize(
    ("when", "matches"),
    [
        pytest.param({}, True, id="nothing asked"),
        pytest.param({"node": "planning"}, True, id="node"),
        pytest.param({"node": "review"}, False, id="another node"),
        pytest.param({"node": "plan"}, False, id="equal, not a part"),
        pytest.param({"purpose": "generate", "template": "planning"}, True, id="all keys together"),
        pytest.param({"purpose": "generate", "template": "review"}, False, id="one of two is not enough"),
        pytest.param({"sub_work_item": 1}, True, id="ordinal"),
        pytest.param({"sub_work_item": None}, False, id="null is only for calls without one"),
        pytest.param({"attempt": 2}, True, id="attempt"),
        pytest.param({"attempt": 1}, False, id="another attempt"),
        pytest.param({"loop": "retry"}, True, id="loop"),
        pytest.param({"loop": "first"}, False, id="another loop"),
        pytest.param({"contains": r"cents?\b"}, True, id="text searched"),
        pytest.param({"contains": "euro"}, False, id="text absent"),
        pytest.param({"model": "claude-haiku-5-5"}, True, id="model"),
    ],
)
def test_which_calls_a_rule_is_for(tmp_path: Path, when: dict[str, JsonValue], matches: bool) -> None:
    (rule,) = load_script(write_script(tmp_path / "s.jsonl", [{"when": when, "reply": OUTPUT}]))
    assert rule.matches(CALL, model="claude-haiku-5-5", text="off by one cent") is matches


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param("{", "must be one JSON object", id="no JSON"),
        pytest.param("{}", "reply: Field required", id="no reply"),
        pytest.param('{"reply": {}}', "exactly one of output, output_file, turns, text, error", id="empty reply"),
        pytest.param('{"reply": {"text": "a", "output": {}}}', "exactly one of", id="two replies"),
        pytest.param('{"reply": {"txt": "a"}}', "reply.txt: unknown field, allowed: output, output_file", id="typo"),
        pytest.param('{"reply": {"text": "a"}, "time": 1}', "time: unknown field, allowed: when, times", id="top typo"),
        pytest.param(
            '{"when": {"nod": "x"}, "reply": {"text": "a"}}', "when.nod: unknown field, allowed: node", id="when typo"
        ),
        pytest.param('{"reply": {"text": "a"}, "times": 0}', "times: Input should be greater", id="no times"),
        pytest.param('{"when": {"contains": "("}, "reply": {"text": "a"}}', "when.contains", id="bad regex"),
        pytest.param('{"when": {"loop": "again"}, "reply": {"text": "a"}}', "'first', 'retry' or 'rework'", id="loop"),
        pytest.param('{"reply": {"error": {"status": 200}}}', "reply.error.status", id="an error that is none"),
        pytest.param('{"reply": {"turns": []}}', "reply.turns", id="no turns"),
        pytest.param(
            '{"reply": {"turns": [{"tool_calls": [{"nam": "x"}]}]}}',
            "reply.turns.0.tool_calls.0.nam: unknown field, allowed: name, input", id="deep typo names its list",
        ),
        pytest.param('{"reply": {"output_file": "absent.json"}}', "reply.output_file", id="no such file"),
        pytest.param('{"reply": {"text": "a"}, "usage": {"input_tokens": -1}}', "usage.input_tokens", id="usage"),
        pytest.param(
            '{"reply": {"output": {}, "stop_reason": "tired"}}', "reply.stop_reason: Input should be 'end_turn'",
            id="stop reason",
        ),
    ],
)  # fmt: skip
def test_a_wrong_line_is_refused_with_what_is_allowed(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "s.jsonl"
    path.write_text(f'\n{{"reply": {{"text": "fine"}}}}\n{line}\n', encoding="utf-8")
    with pytest.raises(ScriptError) as refused:
        load_script(path)
    assert str(refused.value).startswith(f"{path}:3: ")
    assert said in str(refused.value)


def test_output_files_are_read_beside_the_script(tmp_path: Path) -> None:
    (tmp_path / "spec.json").write_text('{"title": "from a file"}', encoding="utf-8")
    rules = [
        {"reply": {"output_file": "spec.json"}},
        {"reply": {"turns": [{"tool_calls": [{"name": "fs.read"}]}, {"output_file": "spec.json"}]}},
    ]
    direct, turns = load_script(write_script(tmp_path / "s.jsonl", rules))
    assert [getattr(rule.reply.step(turn), "output", None) for rule, turn in ((direct, 0), (turns, 1))] == [
        {"title": "from a file"}
    ] * 2


def test_a_rule_keeps_its_key_when_other_lines_change(tmp_path: Path) -> None:
    rule = {"reply": OUTPUT, "times": 1}
    (before,) = load_script(write_script(tmp_path / "a.jsonl", [rule]))
    _, after, twice = load_script(write_script(tmp_path / "b.jsonl", [{"reply": {"text": "new"}}, rule, rule]))
    assert before.key == after.key != twice.key


def test_the_program_names_all_problems_of_both_files_and_ends_with_2(tmp_path: Path) -> None:
    script = tmp_path / "s.jsonl"
    script.write_text('{"reply": {}}\n{"reply": {"text": 1}}\n', encoding="utf-8")
    faults = tmp_path / "f.json"
    faults.write_text(json.dumps([{"kind": "explode"}]), encoding="utf-8")
    ended = subprocess.run(
        [*COMMAND, "--script", script, "--faults", faults], capture_output=True, text=True, timeout=20, check=False
    )
    assert ended.returncode == 2
    assert ended.stdout == ""
    places = [line.split(": ")[0] for line in ended.stderr.splitlines()]
    assert places == [f"{script}:1", f"{script}:2", f"{faults}:1"]
