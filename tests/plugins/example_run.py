"""Diagnoses the world of one file in memory with every plugin installed, and prints what became of it.

Run as a program by test_plugins_example.py, in a process that sees the installed wheel.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import anyio

from diag.cli import tapes
from diag.model.target import Target
from diag.run.diagnose import Diagnosis, Options
from diag.run.registry import load
from diag.sandbox import world as worlds
from diag.sandbox.staged import DOCUMENTATION, in_memory


async def main(path: Path, tape: Path) -> None:
    """Diagnose, record, and tell what the example has to do with."""
    registry = load()
    world = worlds.load(path)
    target = Target(world.domain, public=DOCUMENTATION, dialogues=False)
    async with in_memory(world, registry.performers) as lab:
        report = await Diagnosis(registry, target, lab).run()
    tapes.save(tape, report, Options(), "error")
    told = {
        "rules": sorted({finding.id for finding in report.findings}),
        "said": [finding.text() for finding in report.findings],
        "checks": {result.check: str(result.status) for result in report.results if result.area == "sieve"},
        "facts": {
            subject: repr(server)
            for kind, value in report.facts.items()
            if kind.__name__ == "SieveServer" and hasattr(value, "items")
            for subject, server in value.items.items()
        },
        "probes": [str(probe) for probe in report.evidence if probe.kind == "sieve-hello"],
        "brief": registry.renderers["brief"].function(report),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    anyio.run(main, Path(sys.argv[1]), Path(sys.argv[2]))
