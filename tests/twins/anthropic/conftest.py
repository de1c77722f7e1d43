"""One twin for the tests of a module, with the module's `SCRIPT`."""

from collections.abc import Iterator

import pytest
from twin_process import Twin, running, write_script


@pytest.fixture(scope="module")
def module_twin(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    folder = tmp_path_factory.mktemp("twin")
    script = write_script(folder / "script.jsonl", request.module.SCRIPT)
    with running("--script", script, "--state", folder / "state") as twin:
        yield twin


@pytest.fixture
def twin(module_twin: Twin) -> Twin:
    assert module_twin.post("reset", {}).status_code == 200
    assert module_twin.post("faults", []).status_code == 200
    return module_twin
