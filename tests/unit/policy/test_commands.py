"""What is a command, and what is meant as one and is none (GH-09, GH-10)."""

import pytest

from cogworks.model.commands import HELP, Command, Misunderstood, Said
from cogworks.policy.commands import commands_in
from cogworks.policy.speakers import denied


def one(word: str, **fields: object) -> tuple[Said, ...]:
    return (Command(word=word, **fields),)  # type: ignore[arg-type]


PARSED: list[tuple[str, str, tuple[Said, ...]]] = [
    ("the plain form", "/cogworks run", one("run")),
    ("trailing blanks and a carriage return", "/cogworks run  \r\n", one("run")),
    ("a flag", "/cogworks run --accept-graph", one("run", flags=frozenset({"--accept-graph"}))),
    ("among text", "Read it.\n\n/cogworks restart\nBye.", one("restart")),
    ("not at the start of a line", "please /cogworks run", ()),
    ("inline code", "`/cogworks run`", ()),
    ("a quotation", "> /cogworks run", ()),
    ("a fenced block", "```sh\n/cogworks run\n```", ()),
    ("an open fence goes to the end", "```\n/cogworks run", ()),
    ("tildes", "~~~\n/cogworks run\n~~~\n/cogworks help", one("help")),
    ("a shorter fence closes nothing", "````\n```\n/cogworks run\n````", ()),
    ("a fence with words closes nothing", "```\n``` sh\n/cogworks run\n```", ()),
    ("hidden text", "<!-- \n/cogworks run\n-->", ()),
    ("only the name", "/cogworks", ()),
    ("only the name and a blank", "/cogworks ", ()),
    ("a longer name", "/cogworksrun now", ()),
    ("two lines, two commands", "/cogworks run\n/cogworks run", one("run") * 2),
    ("at most five", "\n".join(["/cogworks run"] * 9), one("run") * 5),
    ("a reason to cancel", "/cogworks cancel not needed", one("cancel", note="not needed")),
    ("a gate", "/cogworks approve planning", one("approve", node="planning")),
    ("the only gate", "/cogworks approve", one("approve")),
    ("a gate with a note", "/cogworks approve planning fine by me", one("approve", node="planning", note="fine by me")),
    ("a gate of an SWI", "/cogworks approve review swi 2 ok", one("approve", node="review", swi=2, note="ok")),
    ("a note that begins like a place", "/cogworks approve review swift", one("approve", node="review", note="swift")),
    ("the scope", "/cogworks approve scope", one("approve scope")),
    ("not the scope", "/cogworks reject scope too big", one("reject scope", note="too big")),
    ("a reason", "/cogworks reject review swi 1 wrong", one("reject", node="review", swi=1, note="wrong")),
    ("once more", "/cogworks regenerate swi 3", one("regenerate", swi=3)),
    ("once more, with feedback", "/cogworks regenerate swi 3 do x", one("regenerate", swi=3, note="do x")),
    ("an answer", "/cogworks clarify use b", one("clarify", note="use b")),
    ("a release without a reason is judged later", "/cogworks release-hold", one("release-hold")),
    ("true", "/cogworks contaminated it is", one("contaminated", note="it is")),
    ("sign-off", "/cogworks sign-off", one("sign-off")),
]


@pytest.mark.parametrize(("why", "body", "said"), PARSED, ids=[row[0] for row in PARSED])
def test_commands_are_lines_of_their_own(why: str, body: str, said: tuple[Said, ...]) -> None:
    assert commands_in(body) == said, why


WRONG: list[tuple[str, str]] = [
    ("/cogworks dance", "no such command"),
    ("/cogworks Run", "no such command"),
    ("/cogworks run now", "does not know `now`"),
    ("/cogworks restart please", "stands alone"),
    ("/cogworks reject review", "a reason"),
    ("/cogworks reject review swi 1", "a reason"),
    ("/cogworks reject", "a reason"),
    ("/cogworks approve Planning!", "name of a node"),
    ("/cogworks regenerate 3", "needs `swi`"),
    ("/cogworks regenerate swi 0", "needs `swi`"),
    ("/cogworks regenerate swi 99999", "needs `swi`"),
    ("/cogworks clarify", "a text"),
    ("/cogworks contaminated", "a reason"),
]


@pytest.mark.parametrize(("body", "why"), WRONG)
def test_what_is_meant_as_a_command_and_is_none_says_what_is_wrong(body: str, why: str) -> None:
    (said,) = commands_in(body)
    assert isinstance(said, Misunderstood)
    assert why in said.why


def test_the_help_names_every_command() -> None:
    words = {form.split(" ")[0] for form, _ in HELP}
    assert all(isinstance(commands_in(f"/cogworks {word}")[0], Command | Misunderstood) for word in words)
    assert not [w for w in words if "no such command" in str(getattr(commands_in(f"/cogworks {w}")[0], "why", ""))]


@pytest.mark.parametrize(
    ("word", "permission", "allowed", "reason"),
    [
        ("run", "write", (), ""),
        ("run", "maintain", (), ""),
        ("run", "admin", (), ""),
        ("run", "triage", (), "write access"),
        ("run", "read", (), "write access"),
        ("status", "read", (), ""),
        ("help", "none", (), "read access"),
        ("run", "write", ("Jo",), ""),
        ("run", "write", ("other",), "allowed_users"),
        ("status", "read", ("other",), "allowed_users"),
    ],
)
def test_who_may_command_what(word: str, permission: str, allowed: tuple[str, ...], reason: str) -> None:
    why = denied(Command(word=word), "jo", permission, allowed)  # type: ignore[arg-type]
    assert (reason in why) if reason else not why
