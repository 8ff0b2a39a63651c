"""The laboratory as a fixture: started once a session, and stopped exactly, whatever the tests did."""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that `lab` is a package of

from lab import processes, world


@pytest.fixture(scope="session")
def real_servers() -> None:
    """Skips what needs real servers where they cannot run, except with CI=true: then it fails."""
    lacking = world.missing()
    if lacking:
        reason = f"the laboratory of real servers needs {', '.join(lacking)}; tests/lab/install installs it"
        if os.environ.get("CI") == "true":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def lab(real_servers: None) -> Iterator[world.World]:
    """A running mail world of real servers."""
    # not tmp_path: that is long and closed to other users, and mail users must enter
    with tempfile.TemporaryDirectory(prefix="lab-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
        try:
            yield world.start(folder, f"127.{25 + int(worker)}")
        finally:
            processes.stop(folder)
