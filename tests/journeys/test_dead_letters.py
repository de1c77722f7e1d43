"""A poison task reaches the dead letters, outlives Redis there, and finishes its run when it is replayed (B9)."""

from pathlib import Path

from journey import COMPLETE, FAILED, expected_comments
from processes import until
from scripts import rules_of
from seeds import CALC, REPO, Seed
from stack import QUICK, Stack, running
from work_items import ONE

_STARTS = 5
# Every process dies that asks the model to classify the issue.
_POISON = ({"match": {"node": "intake", "purpose": "generate"}, "kind": "hold_before"},)
# A dead worker is given up within seconds, for it has to die five times.
_HASTY = {**QUICK, "COGWORKS_LEASE_SECONDS": "2", "COGWORKS_VISIBILITY_SECONDS": "2"}


def test_a_poison_task_is_given_up_and_finishes_when_it_is_replayed(service_home: Path) -> None:
    """The failure comment carries the letter, `dlq rebuild` brings it back, a second replay does nothing."""
    seed = Seed(title=ONE.title, body=ONE.issue_body, files=CALC)
    with running(seed, rules_of(ONE), service_home=service_home, settings=_HASTY) as stack:
        stack.set_faults("anthropic", _POISON)
        for number in range(1, _STARTS + 1):
            until(stack.holds_a_request, within_s=60, what=f"start {number} asks the model")
            stack.programs["worker-llm"].kill_children()
            until(lambda: not stack.holds_a_request(), within_s=20, what="the dead process has left")
        until(lambda: FAILED in stack.maria.labels(), within_s=60, what="the attempt is given up")
        stack.set_faults("anthropic", ())

        [letter] = stack.command("dlq", "list")["data"]["letters"]
        assert (letter["node"], letter["attempt"], letter["starts"]) == ("intake", 1, _STARTS)
        assert (letter["stage"], letter["reason"], letter["status"]) == ("exec", "infrastructure_failure", "open")
        [report] = [body for body in stack.maria.comments() if "kind=failure" in body]
        assert letter["key"] in report
        assert "cogworks:letter" in report

        stack.empty_redis()
        assert stack.command("dlq", "list")["data"]["letters"] == []
        assert stack.command("dlq", "rebuild", REPO)["data"] == {"repos": [REPO], "found": 1, "added": 1}
        assert stack.command("dlq", "list")["data"]["letters"] == [letter]

        assert _replayed(stack, letter["key"]) == "replayed"
        merge = stack.maria.merge_what_waits
        until(lambda: COMPLETE in stack.maria.labels(), within_s=120, what="the run ends", meanwhile=merge)
        assert FAILED not in stack.maria.labels()
        found = stack.maria.look_around()
        assert found.comments - expected_comments(ONE) == {_one_failure(stack): 1}, "all else is as undisturbed"
        assert expected_comments(ONE) - found.comments == {}
        assert found.doubled() == []
        assert stack.conforms() == []

        comments, asked = stack.maria.comments(), len(stack.ask("anthropic", "log")["requests"])
        assert _replayed(stack, letter["key"]) == "duplicate"
        assert stack.maria.comments() == comments
        assert len(stack.ask("anthropic", "log")["requests"]) == asked
        assert stack.command("dlq", "list")["data"]["letters"] == []


def _replayed(stack: Stack, key: str) -> str:
    answer = stack.command("dlq", "replay", key)
    assert answer["exit_code"] == 0, answer
    result: str = answer["data"]["result"]
    return result


def _one_failure(stack: Stack) -> str:
    return next(key for key in stack.maria.look_around().comments if "failure" in key)
