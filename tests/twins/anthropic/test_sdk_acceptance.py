"""The provider's SDK brings tests of its own API calls; they pass against the twin.

The tests come from the source distribution of the SDK, which is fetched once and kept in pytest's cache folder.
"""

import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from twin_process import running

VERSION = "2.11.0"
# What the SDK's tests need beyond what this project's tests need.
EXTRAS = ("pytest-asyncio>=1.2", "inline-snapshot>=0.28", "http-snapshot[httpx]==0.1.9", "aiohttp>=3.10")
TESTED = ("tests/api_resources/test_messages.py", "tests/api_resources/messages", "tests/api_resources/test_models.py")
EXPECTED_TESTS = 236
# Only the plugin that the SDK's own options load; they also ask for parallel runs, which need one more package.
OPTIONS = "addopts=-p tests._alias_httpx"


def run_pip(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--quiet", *arguments], capture_output=True, text=True, timeout=250, check=False
    )
    if done.returncode != 0:
        pytest.fail(f"the SDK's tests could not be had: pip {' '.join(arguments)}: {done.stderr[-2000:]}")


@pytest.fixture(scope="session")
def sdk_tests(pytestconfig: pytest.Config) -> Path:
    """Return a folder with the unpacked SDK and its test dependencies."""
    assert pytestconfig.cache is not None
    folder = Path(pytestconfig.cache.mkdir(f"anthropic-sdk-{VERSION}"))
    complete = folder / "complete"
    if not complete.exists():
        run_pip("download", "--no-binary", "anthropic", "--no-deps", f"anthropic=={VERSION}", "--dest", str(folder))
        with tarfile.open(folder / f"anthropic-{VERSION}.tar.gz") as archive:
            archive.extractall(folder, filter="data")
        run_pip("install", "--target", str(folder / "extras"), *EXTRAS)
        complete.touch()
    return folder


def test_the_tests_of_the_sdk_pass_against_the_twin(sdk_tests: Path) -> None:
    with running() as twin:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
            "TEST_API_BASE_URL": twin.url,
            "PYTHONPATH": str(sdk_tests / "extras"),
        }
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-o", OPTIONS, "-q", "-p", "no:cacheprovider", *TESTED],
            cwd=sdk_tests / f"anthropic-{VERSION}",
            env=environment,
            capture_output=True,
            text=True,
            timeout=250,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert re.search(rf"^{EXPECTED_TESTS} passed", done.stdout, re.MULTILINE), done.stdout[-500:]
