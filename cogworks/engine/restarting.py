"""Begin the run that takes the place of another (ENG-44, 20 section 8).

The old state names its successor, so that whoever comes after a crash goes on here. All of it may be repeated: what
was superseded already is found, and the new run has the same id each time. Its first state ends the repetition.
"""

from dataclasses import replace

from cogworks.engine.beginning import new_run
from cogworks.engine.comments import notice
from cogworks.engine.house import House
from cogworks.engine.labelling import set_swi_labels
from cogworks.engine.run_config import RunConfig
from cogworks.model.errors import NotFound
from cogworks.model.github import Issue
from cogworks.model.ids import IssueNumber, PullNumber
from cogworks.model.state import RunState, SwiStatus
from cogworks.pages.markers import read_mark
from cogworks.pages.node_comment import KIND as AUDIT
from cogworks.policy.labels import RESTART
from cogworks.ports.github import GitHub

_NOTICE = "superseded"


def successor(house: House, github: GitHub, issue: Issue, config: RunConfig, old: RunState) -> RunState:
    """Mark what ``old`` leaves behind as superseded, and return the state of the run that takes its place."""
    assert old.superseded_by is not None, "only a superseded run has a successor"
    for swi in old.sub_work_items:
        _say_superseded(github, old, swi.issue)
        labels = frozenset(github.issues.get(old.repo, swi.issue).labels)
        gone = replace(swi, status=SwiStatus.SUPERSEDED)
        set_swi_labels(github, config.config.labels, old.repo, gone, have=labels)
    for number in _open_pulls(github, old):
        _say_superseded(github, old, IssueNumber(number))
    if RESTART in issue.labels:
        github.labels.remove(old.repo, old.work_item, RESTART)
    house.ports.ledger.forget(old.item)
    house.ports.projection.forget(old.item)
    return new_run(old.item, issue, config, run_id=old.superseded_by, restart_no=old.restart_no + 1, cursor=old.cursor)


def _open_pulls(github: GitHub, old: RunState) -> list[PullNumber]:
    """Return the pull requests of ``old`` that people may still take for current ones."""
    numbers = {int(one.ref) for one in old.artifacts.values() if one.kind == "pr"}
    numbers |= {int(swi.pr) for swi in old.sub_work_items if swi.pr}
    return [PullNumber(number) for number in sorted(numbers) if _is_open(github, old, PullNumber(number))]


def _is_open(github: GitHub, old: RunState, number: PullNumber) -> bool:
    try:
        return github.pulls.get(old.repo, number).open
    except NotFound:
        return False


def _say_superseded(github: GitHub, old: RunState, number: IssueNumber) -> None:
    """Leave one comment on an issue or pull request of ``old``; it stays open (GH-03)."""
    key = f"{old.item}/{old.run_id}/{_NOTICE}/{number}"
    own = github.contents.login()
    for one in github.comments.list(old.repo, number):
        found = read_mark(one.body, AUDIT) if one.author == own else None
        if found is not None and found.fields.get("key") == key:
            return
    text = (
        f"### Superseded\nRun `{old.run_id}` of #{old.work_item} was restarted as `{old.superseded_by}`: this belongs "
        "to the earlier one. It stays as it is; close it when you do not need it.\n"
    )
    github.comments.create(old.repo, number, notice(key, _NOTICE, text, run=old.run_id))
