"""The example distribution, from its own wheel: a rule, a check, a fact, a probe and a renderer at work."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
EXAMPLE = HERE / "example"
pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Installed:
    """A folder into which the wheel was installed, and Python with that folder on its path."""

    site: Path
    empty: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(self.site), "NO_COLOR": "1", "TERM": "dumb"}
        return subprocess.run(
            [sys.executable, *arguments], capture_output=True, text=True, env=environment, cwd=self.empty
        )

    def maildiag(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("-c", "import sys, diag.cli; sys.exit(diag.cli.main())", *arguments)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel, built from the example's sources and installed into a folder of its own; nothing is fetched."""
    folder = tmp_path_factory.mktemp("example")
    source, site, empty = folder / "source", folder / "site", folder / "empty"
    shutil.copytree(EXAMPLE, source, ignore=shutil.ignore_patterns("__pycache__"))
    empty.mkdir()
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    offline = ["--no-deps", "--no-index"]
    _succeeds([*pip, "wheel", "-q", *offline, "--no-build-isolation", "-w", str(folder), str(source)])
    (wheel,) = folder.glob("maildiag_example-*.whl")
    _succeeds([*pip, "install", "-q", *offline, "--target", str(site), str(wheel)])
    return Installed(site, empty)


def _succeeds(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def told(installed: Installed) -> dict[str, dict[str, Any]]:
    """What a run on each world of the example told, and on one that knows nothing of it."""
    worlds = [
        str(EXAMPLE / "worlds" / name) for name in ("without-starttls", "with-starttls", "silent", "tag-lost")
    ]
    done = installed.run(str(HERE / "example_run.py"), str(installed.empty), *worlds, "healthy")
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return found


def test_its_rule_is_raised_by_its_check(told: dict[str, dict[str, Any]]) -> None:
    broken = told["without-starttls"]
    assert broken["rules"] == ["sieve/no-starttls"]
    assert broken["checks"] == {"sieve_offers_tls": "failed", "sieve_gives_tags_back": "passed"}
    assert broken["said"] == [
        "The ManageSieve server mail.lantern.example:4190 (Example Sieve 1.0) does not offer STARTTLS."
    ]


def test_its_rule_is_withheld_where_all_is_well(told: dict[str, dict[str, Any]]) -> None:
    assert told["with-starttls"]["rules"] == []
    assert set(told["with-starttls"]["checks"].values()) == {"passed"}


def test_its_dialogue_is_spoken_recorded_and_judged(
    installed: Installed, told: dict[str, dict[str, Any]]
) -> None:
    lost = told["tag-lost"]
    assert lost["rules"] == ["sieve/tag-lost"]
    assert lost["checks"] == {"sieve_offers_tls": "passed", "sieve_gives_tags_back": "failed"}
    assert lost["said"] == ["The ManageSieve server mail.lantern.example:4190 answers NOOP without its tag."]
    tape = (installed.empty / "tag-lost.tape").read_text()
    assert '"text": "NOOP \\"{nonce}\\""' in tape
    assert 'NOOP \\"maildiag-example\\"' in tape
    done = installed.maildiag("replay", "tag-lost.tape", "-f", "brief", "-q")
    assert (done.stdout, done.returncode) == (lost["brief"], 0), done.stderr


@pytest.mark.parametrize(("world", "status"), [("healthy", "not-applicable"), ("silent", "inconclusive")])
def test_none_and_no_answer_are_told_apart(told: dict[str, dict[str, Any]], world: str, status: str) -> None:
    assert told[world]["rules"] == []
    assert set(told[world]["checks"].values()) == {status}


def test_its_probe_is_performed_and_its_fact_gathered(told: dict[str, dict[str, Any]]) -> None:
    broken = told["without-starttls"]
    assert broken["probes"] == ["ManageSieve at mail.lantern.example [198.51.100.30]:4190"]
    assert list(broken["facts"]) == ["mail.lantern.example"]
    assert "mechanisms=('PLAIN',)" in broken["facts"]["mail.lantern.example"]


def test_its_renderer_gives_the_report(told: dict[str, dict[str, Any]]) -> None:
    line = told["without-starttls"]["brief"]
    grade, domain, rules = line.split()
    assert (grade.rstrip("?"), domain, rules) == ("C", "lantern.example", "sieve/no-starttls")


def test_its_evidence_is_kept_on_tape_and_judged_again(
    installed: Installed, told: dict[str, dict[str, Any]]
) -> None:
    done = installed.maildiag("replay", "without-starttls.tape", "-f", "brief", "-q")
    assert (done.stdout, done.returncode) == (told["without-starttls"]["brief"], 1), done.stderr


def test_the_command_line_lists_and_explains_its_rule(installed: Installed) -> None:
    listed = installed.maildiag("rules", "sieve")
    assert listed.stdout.splitlines() == [
        "error     sieve/no-starttls  The server for mail filters offers no encryption.",
        "notice    sieve/tag-lost     The server for mail filters does not give back the tag of a NOOP.",
    ]
    explained = installed.maildiag("explain", "sieve/no-starttls")
    assert explained.returncode == 0, explained.stderr
    assert "sieve_offers_tls, maildiag_example/checks.py:" in explained.stdout
    assert "RFC 5804 section 2.2" in explained.stdout


def test_the_command_line_offers_its_area_and_format(installed: Installed) -> None:
    refused = installed.maildiag("replay", "without-starttls.tape", "-f", "breif")
    assert refused.returncode == 2
    assert "did you mean 'brief'?" in refused.stderr


def test_it_imports_nothing_but_the_contract() -> None:
    doors = {"diag.api", "diag.asking"}
    for path in sorted((EXAMPLE / "maildiag_example").glob("*.py")):
        tree = ast.parse(path.read_text())
        imported = {
            name
            for node in ast.walk(tree)
            for name in (
                [node.module or ""]
                if isinstance(node, ast.ImportFrom) and not node.level
                else [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else []
            )
        }
        ours = {name for name in imported if name.split(".")[0] in ("diag", "checks", "reports")}
        assert ours <= doors, path.name
