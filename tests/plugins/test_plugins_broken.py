"""A broken plugin is refused in one line that says which one it is, where the fault is, and what to do."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from broken import FAULTS, SOUND, Fault, installed

from diag.cli import tapes
from diag.model.report import Report
from diag.model.target import Target
from diag.run.diagnose import Options, plan_for
from diag.run.plan import Plan
from diag.run.registry import BadPlugin, entry_points, load


def planned(site: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """The plan of everything installed and of one more folder. Raises BadPlugin."""
    monkeypatch.syspath_prepend(str(site))
    for name in ("orchard", "orchard.plugin"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    (distribution,) = importlib.metadata.distributions(path=[str(site)])
    return plan_for(load((*entry_points(), *distribution.entry_points)), Options())


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_broken_plugin_is_refused_by_name_place_and_cure(
    fault: Fault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadPlugin) as refused:
        planned(installed(fault, tmp_path), monkeypatch)
    message = str(refused.value)
    assert message.startswith("plugin 'fruit' of orchard"), message
    assert [part for part in fault.said if part not in message] == [], message


def test_what_all_of_them_share_is_sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that each is refused for its fault and nothing else; a module that names itself is no fault."""
    body = (
        "modules = (sys.modules[__name__],)\n"
        "@check\ndef no_worm(routing: Routing) -> Iterator[Finding]:\n    yield Worm(subject='x')\n"
    )
    assert "modules" not in SOUND
    plan = planned(installed(Fault("sound", body, ()), tmp_path), monkeypatch)
    assert [j.check.name for j in plan.judgements if j.check.area == "orchard"] == ["no_worm"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fails-to-import", "duplicate-rule-id", "nobody-gives-it"])
def test_the_command_line_says_it_in_one_line(name: str, tmp_path: Path) -> None:
    """At import, when taken in, and when planned; a tape of nothing, so that nobody is asked anything."""
    (fault,) = (fault for fault in FAULTS if fault.name == name)
    tape = tmp_path / "nothing.tape"
    empty = Report(Target("lantern.example"), datetime(2026, 11, 21, tzinfo=UTC), (), {}, {})
    tapes.save(tape, empty, Options(), "never")
    site = installed(fault, tmp_path)
    path = os.pathsep.join(filter(None, (str(site), os.environ.get("PYTHONPATH"))))
    program = "import sys, diag.cli; sys.exit(diag.cli.main())"
    done = subprocess.run(
        [sys.executable, "-c", program, "replay", str(tape), "-q"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"},
        cwd=tmp_path,
    )
    assert (done.returncode, done.stdout) == (2, ""), done.stderr[-2000:]
    (line,) = done.stderr.splitlines()
    assert line.startswith("maildiag: plugin 'fruit' of orchard"), line
    assert [part for part in fault.said if part not in line] == [], line
