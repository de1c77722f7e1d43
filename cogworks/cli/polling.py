"""`poll`: look for work at an interval (70 section 1)."""

import sys
import time
from collections.abc import Sequence

from cogworks.cli.answer import Answer
from cogworks.cli.options import Globals
from cogworks.cli.processing import poll_once
from cogworks.cli.surroundings import operator
from cogworks.model.ids import parse_repo


def poll_repositories(options: Globals, repos: Sequence[str], *, interval_s: float | None, once: bool) -> Answer:
    """Poll until Ctrl-C, or once; what one round could not do is tried again in the next."""
    names = [parse_repo(repo) for repo in repos]
    settings = operator(options)
    pause_s = interval_s or float(settings.poll_interval)
    while True:
        answer = poll_once(options, names, in_cluster=settings.redis_url is not None)
        if once:
            return answer
        if not options.as_json and not options.quiet:
            sys.stdout.write(answer.text)
            sys.stdout.flush()
        for wrong in answer.errors:
            sys.stderr.write(f"poll: {wrong.line()}\n")
        time.sleep(pause_s)
