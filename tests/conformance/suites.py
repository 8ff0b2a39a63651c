"""Finding other people's suites: in the data folder where there is one, else in the package that ships them."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent
DATA = Path(os.environ.get("MAILDIAG_DATA", ROOT.parent / "shared" / "data"))


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
