"""docs/plugins.md is true: its files, installed and run as it says, do what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text(encoding="utf-8")
FILE = re.compile(r"^\*\*`([\w.]+)`\*\*[^`]*?\n\n```\w*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FILES = {found[1]: found[2] for found in FILE.finditer(PAGE)}


def run(folder: Path, *command: str) -> str:
    """What a command says on stdout, with the folder's `site` on the path."""
    environment = {**os.environ, "PYTHONPATH": str(folder / "site"), "NO_COLOR": "1"}
    environment.pop("PYTEST_ADDOPTS", None)
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, env=environment, cwd=folder
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_ten_minutes_lead_to_a_rule_that_fires(tmp_path: Path) -> None:
    assert set(FILES) == {"pyproject.toml", "house_rules.py", "single.zone", "test_house.py"}
    for name, body in FILES.items():
        (tmp_path / name).write_text(body, encoding="utf-8")
    pip = ("-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-q", "--no-index")
    run(tmp_path, *pip, "--no-deps", "--no-build-isolation", "--target", "site", ".")
    maildiag = ("-c", "import sys, diag.cli; sys.exit(diag.cli.main())")
    assert run(tmp_path, *maildiag, "rules", "house") in PAGE
    assert run(tmp_path, *maildiag, "explain", "house/single-mx").splitlines()[0] in PAGE
    assert "2 passed" in run(
        tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "test_house.py"
    )


def test_the_names_that_it_offers_exist() -> None:
    import diag.api
    import diag.asking

    doors = {"diag.api": vars(diag.api), "diag.asking": vars(diag.asking)}
    for door, names in re.findall(r"^from (diag\.(?:api|asking)) import ([\w, ]+)$", PAGE, re.MULTILINE):
        assert not [name for name in names.split(", ") if name not in doors[door]]
    (offered,) = re.findall(r"^\| `diag\.asking` \| ([^|]*?):", PAGE, re.MULTILINE)
    assert not [name for name in re.findall(r"`(\w+)`", offered) if name not in doors["diag.asking"]]
