from pathlib import Path

import pytest

import cogworks.graph
from cogworks.graph.definition import PipelineFile
from cogworks.graph.parse import parse_pipeline


@pytest.fixture(scope="session")
def default_text() -> bytes:
    return Path(cogworks.graph.__file__).with_name("default.toml").read_bytes()


@pytest.fixture(scope="session")
def shipped(default_text: bytes) -> PipelineFile:
    return parse_pipeline(default_text, file="default.toml", defaults=None)


@pytest.fixture(scope="session")
def parallel(shipped: PipelineFile) -> PipelineFile:
    text = Path(__file__).with_name("parallel.toml").read_bytes()
    return parse_pipeline(text, file=".cogworks/pipeline.toml", defaults=shipped)
