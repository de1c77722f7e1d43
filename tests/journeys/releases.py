"""Releases of a project that nobody here wrote, fetched by name when a test needs them; nothing of it is kept."""

import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from processes import clean_environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """A bug of one release that the next one mends, as files of both."""

    project: str
    broken: str
    mended: str
    code: str
    tests: str

    def fetch(self, folder: Path) -> "Releases":
        """Fetch both releases and unpack them below ``folder``."""
        versions = (self.broken, self.mended)
        running = [_download(f"{self.project}=={version}", folder) for version in versions]
        for version, download in zip(versions, running, strict=True):
            _, said = download.communicate(timeout=120)
            wanted = f"the source of {self.project} {version}"
            assert download.returncode == 0, f"this journey needs {wanted}, and pip cannot get it:\n{said}"
        broken, mended = (_unpacked(f"{self.project}-{version}", folder) for version in versions)
        return Releases(fix=self, broken=broken, mended=mended)


@dataclass(frozen=True, slots=True, kw_only=True)
class Releases:
    """Both releases as folders."""

    fix: Fix
    broken: Path
    mended: Path

    def right_files(self) -> dict[str, str]:
        """Return the files as the next release has them."""
        return {path: (self.mended / path).read_text("utf-8") for path in (self.fix.code, self.fix.tests)}

    def wrong_files(self) -> dict[str, str]:
        """Return the new tests beside code that is changed and not mended."""
        code = (self.broken / self.fix.code).read_text("utf-8") + "\n# This line mends nothing.\n"
        return {**self.right_files(), self.fix.code: code}


def own_tests_pass(folder: Path) -> bool:
    """Run a project's own tests as its people would, and tell whether all pass."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=folder, env=clean_environment(), capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), f"the tests of {folder} could not run:\n{done.stdout}{done.stderr}"
    return done.returncode == 0


def _download(wanted: str, folder: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--no-binary", ":all:", "--dest", str(folder), wanted]
    return subprocess.Popen(command, env=clean_environment(), stderr=subprocess.PIPE, text=True)


def _unpacked(name: str, folder: Path) -> Path:
    with tarfile.open(folder / f"{name}.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return folder / name
