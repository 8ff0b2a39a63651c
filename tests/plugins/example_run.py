"""Diagnoses worlds in memory with every plugin installed, and prints what became of each.

Run as a program by test_plugins_example.py, in a process that sees the installed wheel.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import anyio
import trio.testing

from diag.cli import tapes
from diag.model.target import Target
from diag.run.diagnose import Diagnosis, Options
from diag.run.registry import Registry, load
from diag.sandbox import world as worlds
from diag.sandbox.staged import DOCUMENTATION, in_memory


async def diagnosed(place: str, registry: Registry, tapes_in: Path) -> dict[str, object]:
    """Diagnose one world, record, and tell what the example has to do with."""
    world = worlds.load(Path(place)) if "/" in place else worlds.packaged(place)
    target = Target(world.domain, public=DOCUMENTATION, dialogues=False)
    async with in_memory(world, registry.performers) as lab:
        report = await Diagnosis(registry, target, lab).run()
    tapes.save(tapes_in / f"{Path(place).name}.tape", report, Options(), "error")
    return {
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


async def main(tapes_in: Path, places: list[str]) -> None:
    """Print what became of every world, by name."""
    registry = load()
    told = {Path(place).name: await diagnosed(place, registry, tapes_in) for place in places}
    print(json.dumps(told))


if __name__ == "__main__":
    jumping = {"clock": trio.testing.MockClock(autojump_threshold=0)}
    anyio.run(main, Path(sys.argv[1]), sys.argv[2:], backend="trio", backend_options=jumping)
