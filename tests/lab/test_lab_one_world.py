"""On several workers the tests of the laboratory keep together."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

NOTES = """
import os, pathlib, time
def test_one(): note()
def test_two(): note()
def note():
    time.sleep(0.05)
    (pathlib.Path(os.environ["NOTES"]) / os.environ["PYTEST_XDIST_WORKER"]).touch()
"""


@pytest.mark.parametrize(("folder", "workers"), [("tests/lab", 1), ("tests/other", 2)])
def test_one_worker_has_the_laboratory(tmp_path: Path, folder: str, workers: int) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    for name in ("a", "b", "c"):
        file = tmp_path / folder / f"test_{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(NOTES)
    paths = {
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "NOTES": str(notes),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "xdist", "-p", "lab.one_world", "-n", "2"]
    command += ["--dist", "loadgroup", "-c", os.devnull, "--rootdir", str(tmp_path), str(tmp_path / "tests")]
    done = subprocess.run(
        command, env=os.environ | paths, capture_output=True, text=True, timeout=60, check=False
    )
    assert "6 passed" in done.stdout, done.stdout + done.stderr
    assert len(list(notes.iterdir())) == workers
