"""The journey of the matrix: the demo run in small. Its pipeline is the demo's own file.

Three sub-work-items, two of them at once and the third after both; tests catch the first attempt of one, which is
retried, and review the first attempt of another, which is remediated; a person merges specification and interfaces; a
guide is written beside the code, and a last check waits for everything. Who answers looks at the request alone, never
at how often it was asked.
"""

from importlib.resources import files as resources
from typing import Any

from answers import NAMES, about, body, finding, good_answers, only, reviewed, turns, writing
from planted import PASSING, config, failing

from cogworks.adapters.memory_llm import HandIn, Rule
from cogworks.adapters.memory_services import Handler
from cogworks.extension_api.envelope import Request, Response
from cogworks.model.llm import LlmRequest

_SEED = resources("cogworks.demo") / "seeds" / "tally" / "repo" / ".cogworks"
_FILES = {
    **config('[llm.models.scribe]\nid = "claude-haiku-5-5"\n'),
    ".cogworks/pipeline.toml": (_SEED / "pipeline.toml").read_bytes(),
    ".cogworks/templates/user-docs.md": (_SEED / "templates" / "user-docs.md").read_bytes(),
}
_RETRIED, _REMEDIATED = NAMES[0], NAMES[1]
_RETRIED_ISSUE = 5
"""Issue 1 asks, 2 brought the source, 3 and 4 are specification and interfaces: the first sub-issue is next."""


def demo_shape() -> dict[str, Any]:
    """What a ``World`` of this journey is made with."""
    docs = Rule(node="user_docs", replies=[HandIn({"title": "How to use it", "body": "Call it."})])
    return {
        "rules": [docs, *_second_thoughts(), _criticism(), *good_answers(3, depends_on={3: [1, 2]})],
        "files": _FILES,
        "text": body(3),
        "services": {"simulate": _tests},
    }


def _tests(request: Request) -> Response:
    """Tests fail at the first attempt of one sub-work-item."""
    caller = request.caller
    first = (caller.node, caller.sub_work_item_id, caller.attempt) == ("code_generation", _RETRIED_ISSUE, 1)
    handler: Handler = failing("assert") if first else PASSING["simulate"]
    return handler(request)


def _second_thoughts() -> list[Rule]:
    """Each further attempt writes something else; the same again would be a stall."""
    return [
        only("code_generation", writing(name, text=f"X = {attempt}\n"), attempt=attempt, when=_beginning(name))
        for name in (_RETRIED, _REMEDIATED)
        for attempt in (2, 3)
    ]


def _beginning(name: str) -> Any:
    mine = about(name)
    return lambda request: mine(request) and turns(request) == 0


def _criticism() -> Rule:
    mine = about(_REMEDIATED)

    def fits(request: LlmRequest) -> bool:
        return request.identity.template == "review_quality" and mine(request)

    found = reviewed(_REMEDIATED, finding(_REMEDIATED, "blocking", "wrong"))
    return only("review", found, purpose="review", attempt=1, when=fits)
