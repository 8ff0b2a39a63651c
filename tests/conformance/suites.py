"""Other people's suites: where they lie, their cases, and whether we agree on each."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent
DATA = Path(os.environ.get("MAILDIAG_DATA", ROOT.parent / "shared" / "data"))


@dataclass(frozen=True)
class Case:
    """One case of a suite, and what came of it."""

    name: str
    expected: str
    ours: str

    @property
    def agrees(self) -> bool:
        """Whether we say what the suite wants."""
        return self.expected == self.ours


@dataclass(frozen=True)
class Suite:
    """A suite, its version, and its cases run through our code."""

    key: str
    title: str
    version: str
    folder: str
    """In the data folder; empty where a package ships it too."""
    count: int
    """How many cases there are: all of them are walked."""
    run: Callable[[Path], Iterator[Case]]
    elsewhere: bool = False
    """A test of another file runs it already."""

    @property
    def path(self) -> Path:
        """Where it lies."""
        return DATA / self.folder

    @property
    def is_here(self) -> bool:
        """Whether its cases can be had."""
        return not self.folder or self.path.is_dir()


@functools.cache
def spf_suite() -> list[dict[str, Any]]:
    """The scenarios of the RFC 7208 suite; from the source distribution of pyspf where there is no folder."""
    beside = DATA / "spf-rfc7208" / "rfc7208-tests.yml"
    text = beside.read_text() if beside.exists() else _from_sdist("pyspf", "rfc7208-tests.yml")
    return [document for document in yaml.safe_load_all(text) if document]


def _from_sdist(package: str, name: str) -> str:
    """One file of a package's source distribution, fetched by name. Raises where it cannot be had."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "-q",
            "--no-binary",
            ":all:",
            "--no-deps",
            "-d",
            folder,
            package,
        ]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        (archive,) = Path(folder).glob("*.tar.gz")
        with tarfile.open(archive) as tar:
            member = next(m for m in tar.getmembers() if m.name.endswith(f"/{name}"))
            file = tar.extractfile(member)
            assert file is not None
            return file.read().decode()
