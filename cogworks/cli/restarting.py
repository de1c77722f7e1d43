"""`process --restart`: ask for a new run as people do on GitHub, by the label (ENG-44)."""

from cogworks.cli.options import Globals
from cogworks.cli.reading import label_names
from cogworks.cli.surroundings import onlooker
from cogworks.engine.labelling import ensure_labels
from cogworks.engine.looking import Sight, look
from cogworks.engine.obeying import cannot_restart
from cogworks.engine.patience import patiently
from cogworks.model.config import Labels
from cogworks.model.errors import ConfigError, Problem
from cogworks.model.ids import Item
from cogworks.model.state import RunStatus
from cogworks.policy.labels import RESTART


def ask_for_restart(options: Globals, item: Item) -> None:
    """Set the restart label; the step that sees it begins the new run. Raise ConfigError when that is refused."""
    seen, names = onlooker(options), label_names(options, item.repo)

    def ask() -> None:
        sight = look(seen.github, item)
        why = _refusal(sight, names)
        if why:
            allowed = "a run that is there, not held, with no node at work, on an open issue"
            raise ConfigError(
                problems=(Problem(code="restart_refused", field="--restart", message=why, allowed=allowed),)
            )
        ensure_labels(seen.github, names, item.repo, frozenset({RESTART}))
        seen.github.labels.add(item.repo, item.number, [RESTART])

    patiently(ask, clock=seen.clock, ids=seen.ids)


def _refusal(sight: Sight, names: Labels) -> str:
    if sight.state is None:
        return "there is no run to start again"
    if not sight.issue.open:
        return "the issue is closed"
    held = names.hold in sight.issue.labels or sight.state.status is RunStatus.HELD
    return cannot_restart(sight.state, held=held)
