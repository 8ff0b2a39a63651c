"""A run that is stopped or runs out of time while it tries fixes tells what it found, and no fix untried."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest
import trio.testing

from diag.model.fix import Configure
from diag.model.report import Report
from diag.model.target import Target
from diag.run import diagnose
from diag.run.diagnose import Diagnosis, Options
from diag.run.registry import load
from diag.sandbox.staged import DOCUMENTATION, in_memory
from diag.sandbox.world import load as world_at

WORLD = Path(__file__).parents[2] / "fixtures" / "spf" / "open-ended"


async def _never(*_: Any) -> Any:
    await anyio.sleep_forever()


def run(stop_after: float | None, deadline: float | None) -> Report:
    async def work() -> Report:
        world, registry = world_at(WORLD), load()
        target = Target(world.domain, public=DOCUMENTATION, dialogues=False)
        async with in_memory(world, registry.performers) as lab:
            diagnosis = Diagnosis(registry, target, lab, Options(only=("spf",), deadline=deadline))
            async with anyio.create_task_group() as tasks:

                async def interrupt() -> None:
                    if stop_after is not None:
                        await anyio.sleep(stop_after)
                        diagnosis.stop("interrupted")

                tasks.start_soon(interrupt)
                return await diagnosis.run()
        raise AssertionError

    clock = trio.testing.MockClock(autojump_threshold=0)
    return anyio.run(work, backend="trio", backend_options={"clock": clock})


@pytest.mark.parametrize(
    ("stop_after", "deadline", "partial"),
    [(5.0, None, "interrupted"), (None, 5.0, "the deadline was reached while fixes were tried")],
)
def test_no_fix_is_told_that_was_not_tried(
    stop_after: float | None, deadline: float | None, partial: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnose, "proven", _never)
    report = run(stop_after, deadline)
    assert report.partial == partial
    assert [finding.id for finding in report.findings] == ["spf/open-ended"]
    assert all(isinstance(fix, Configure) for finding in report.findings for fix in finding.fix)


def test_a_run_left_alone_tells_its_fixes() -> None:
    report = run(None, 60.0)
    assert report.partial == ""
    assert [str(fix) for finding in report.findings for fix in finding.fix] == [
        'lantern.example. 3600 IN TXT "v=spf1 mx ~all"'
    ]
