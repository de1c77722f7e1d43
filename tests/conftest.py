"""Makes the modules beside this file importable from every test: `from conformance import check_answer`.

And spreads a run over processes: the longest tests are handed out first, so that none of them is left alone at the end,
and tests that share a costly fixture stay in one process.
"""

from pathlib import Path

import pytest

_HERE = Path(__file__).parent
_LONGEST_FIRST = ("chaos", "journeys", "demo", "inprocess/test_inprocess_matrix", "integration", "cli", "service")
_EACH_ON_ITS_OWN = ("journeys", "demo/test_demo.py", "inprocess/test_inprocess_matrix")
_TOGETHER = ("integration", "cli", "service", "web", "contract/runtime", "contract/forge", "twins/github")
"""Folders whose session fixtures start servers; of everything else, the tests of one file stay together."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order and group the tests; without pytest-xdist's ``--dist loadgroup`` the groups mean nothing."""
    items.sort(key=_place)
    for item in items:
        path = _path(item)
        if not path.startswith(_EACH_ON_ITS_OWN):
            group = next((folder for folder in _TOGETHER if path.startswith(f"{folder}/")), path)
            item.add_marker(pytest.mark.xdist_group(group))


def _place(item: pytest.Item) -> int:
    path = _path(item)
    return next((place for place, start in enumerate(_LONGEST_FIRST) if path.startswith(start)), len(_LONGEST_FIRST))


def _path(item: pytest.Item) -> str:
    return item.path.relative_to(_HERE).as_posix()
