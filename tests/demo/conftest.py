"""Where the shipped seed is."""

from pathlib import Path

import pytest

import cogworks.demo


@pytest.fixture(scope="session")
def tally() -> Path:
    """The folder of the shipped seed."""
    return Path(cogworks.demo.__file__).parent / "seeds" / "tally"
