"""With CI=true a skip fails the run and says why; an expected failure does not, and without CI nothing changes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SKIPPED = 'import pytest\ndef test_it():\n    pytest.skip("no such server")\n'
NOT_IMPORTED = 'import pytest\npytest.importorskip("no_such_module")\n'
EXPECTED = "import pytest\n@pytest.mark.xfail\ndef test_it():\n    assert False\n"


def run(folder: Path, test: str, *options: str, ci: str) -> tuple[int, str]:
    """The exit status and output of a pytest run over one test file beside a passing one."""
    (folder / "test_one.py").write_text(test)
    (folder / "test_other.py").write_text("def test_other(): pass\n")
    paths = {"PYTHONPATH": str(Path(__file__).parents[1]), "CI": ci, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "lab.strict",
            "-c",
            os.devnull,
            "--rootdir",
            folder,
            *options,
            folder,
        ],
        env=os.environ | paths,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("test", "ci", "status"),
    [(SKIPPED, "true", 1), (SKIPPED, "", 0), (NOT_IMPORTED, "true", 1), (EXPECTED, "true", 0)],
)
def test_a_skip_fails_the_run_only_in_ci(tmp_path: Path, test: str, ci: str, status: int) -> None:
    code, output = run(tmp_path, test, ci=ci)
    assert code == status, output
    assert ("which CI=true does not allow" in output) is bool(status)


def test_a_skip_on_a_worker_counts(tmp_path: Path) -> None:
    code, output = run(tmp_path, SKIPPED, "-p", "xdist", "-n", "1", ci="true")
    assert code == 1, output
    assert "no such server" in output
