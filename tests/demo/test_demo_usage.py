"""What can be typed after `cogworks demo`, and what is answered to the rest."""

import json
from pathlib import Path

import pytest

from cogworks.demo.__main__ import main
from cogworks.demo.options import WrongUsage, read_options
from cogworks.demo.world import SeededIssue, read_world

WRONG = [
    (["--nonsense"], "unrecognized arguments", "an unknown option"),
    (["--port", "x"], "invalid int", "a port that is no number"),
    (["--script", "s.jsonl"], "--seed of its own", "a script for no world"),
    (["--seed", "seed.toml"], "needs the --script", "a world without a model"),
    (["--seed", "a", "--script", "b"], "is not a file", "files that do not exist"),
    (["--llm", "real"], "needs COGWORKS_LLM_API_KEY", "the provider without a key"),
    (["--timeout", "0"], "more than 0", "no time at all"),
]


@pytest.mark.parametrize(("words", "message", "why"), WRONG)
def test_wrong_usage_is_named_in_words_and_in_json(
    words: list[str], message: str, why: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 2 and one line, or the document of every command."""
    monkeypatch.delenv("COGWORKS_LLM_API_KEY", raising=False)
    assert main(words) == 2, why
    assert message in capsys.readouterr().err
    assert main([*words, "--json"]) == 2
    document = json.loads(capsys.readouterr().out)
    assert (document["command"], document["ok"], document["exit_code"], document["data"]) == ("demo", False, 2, None)
    assert message in document["errors"][0]["message"]


def test_without_options_the_shipped_seed_is_run_and_has_to_show_everything(tally: Path) -> None:
    """Another seed promises nothing of the kind."""
    options = read_options([])
    assert options.seed == tally / "seed.toml"
    assert options.shows == ("parallel", "retry", "rework", "gates")
    other = read_options(["--seed", str(options.seed), "--script", str(options.script)])
    assert other.shows == ()


def test_the_provider_is_asked_instead_of_the_script(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--llm real` swaps the model and nothing else."""
    monkeypatch.setenv("COGWORKS_LLM_API_KEY", "key-of-a-test")
    options = read_options(["--llm", "real"])
    assert options.script is None
    assert options.shows == ()


def test_the_person_is_the_first_who_may_write(tmp_path: Path) -> None:
    """Readers and the machine itself are passed over; a user without a role may write."""
    seed = tmp_path / "seed.toml"
    seed.write_text(
        '[[users]]\nlogin = "ed"\npermission = "read"\n[[users]]\nlogin = "jo"\n'
        '[[repositories]]\nfull_name = "o/r"\n[[repositories.issues]]\ntitle = "A"\nlabels = ["x"]\n'
        '[[repositories.issues]]\ntitle = "B"\n',
        "utf-8",
    )
    world = read_world(seed)
    assert (world.person, world.repos) == ("jo", ("o/r",))
    assert world.issues[1] == SeededIssue(repo="o/r", number=2, title="B", labels=frozenset())
    seed.write_text("", "utf-8")
    assert read_world(seed).person == "maria"


def test_a_seed_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    """Before anything is started."""
    seed = tmp_path / "seed.toml"
    seed.write_text("[[", "utf-8")
    with pytest.raises(WrongUsage, match=r"seed\.toml"):
        read_world(seed)
