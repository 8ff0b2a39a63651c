"""Where other projects' conformance data lies; without it those tests skip and say so."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def conformance() -> Path:
    """The folder with one sub-folder per set, from MAILDIAG_DATA or beside the checkout."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(os.environ.get("MAILDIAG_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no conformance data: {folder} does not exist (set MAILDIAG_DATA)")
    return folder
