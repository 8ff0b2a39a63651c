"""What a run leaves behind: nothing that only the search for circles would find, however long the list of domains."""

from __future__ import annotations

import gc
from collections import Counter

import anyio
import pytest
from test_scenarios import diagnosed

from diag.lab.tape import Tape
from diag.model.target import Target
from diag.run.diagnose import Diagnosis
from diag.run.registry import load
from diag.sandbox import world as worlds
from diag.sandbox.staged import DOCUMENTATION
from reports.json import json


@pytest.mark.parametrize("dns_only", [True, False])
def test_a_domain_that_was_told_leaves_no_circles(*, dns_only: bool) -> None:
    registry = load()
    world = worlds.packaged("healthy")
    target = Target(world.domain, public=DOCUMENTATION, dialogues=not dns_only, dns_only=dns_only)
    tape = Tape(diagnosed(world, registry).evidence, {})

    async def told() -> int:
        return len(json.function(await Diagnosis(registry, target, tape).run(), compact=True))

    async def left() -> Counter[str]:
        await told()  # what is made once is made
        gc.collect()
        gc.disable()
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            await told()
            gc.collect()
            return Counter(
                type(each).__name__ for each in gc.garbage if type(each).__module__.startswith("diag.")
            )
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()

    assert anyio.run(left) == {}
