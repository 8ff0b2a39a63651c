"""What only --intrusive shows: worlds of fixtures/intrusive/, with and without the flag."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
import trio.testing

from diag.lab.tape import Tape
from diag.model.report import Report, Status
from diag.model.target import Target
from diag.probes.probe import Impact
from diag.probes.relay import RelayTalk
from diag.run.diagnose import Diagnosis
from diag.run.registry import Registry, load
from diag.sandbox import world as worlds
from diag.sandbox.staged import DOCUMENTATION, in_memory
from diag.sandbox.world import World

FIXTURES = Path(__file__).parent.parent / "fixtures" / "intrusive"
WORLDS = sorted(path.parent for path in FIXTURES.glob("*/*/hosts.toml"))
RULES = {
    "smtp/accepts-nonstandard-eod",
    "smtp/bdat-refused",
    "smtp/no-dot-unstuffing",
    "smtp/open-relay",
    "submission/accepts-without-auth",
    "submission/auth-accepted-in-clear",
    "submission/unauthenticated-local",
}
SECRET = "MAILDIAG_TESTS_PASSWORD"
each_world = pytest.mark.parametrize("path", WORLDS, ids=lambda path: str(path.relative_to(FIXTURES)))


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load()


def diagnosed(world: World, registry: Registry, **wishes: object) -> Report:
    async def run() -> Report:
        asked = {"public": DOCUMENTATION, "mailbox": world.mailbox, "login": world.login, **wishes}
        target = Target(world.domain, password=f"env:{SECRET}", **asked)  # type: ignore[arg-type]
        async with in_memory(world, registry.performers) as lab:
            return await Diagnosis(registry, target, lab).run()

    clock = trio.testing.MockClock(autojump_threshold=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SECRET, world.password)
        return anyio.run(run, backend="trio", backend_options={"clock": clock})


def undecided(report: Report) -> set[str]:
    return {r.check for r in report.results if r.status in (Status.INCONCLUSIVE, Status.CRASHED)}


def intrusive(report: Report) -> list[object]:
    return [probe for probe in report.evidence if probe.impact is Impact.INTRUSIVE]


@each_world
def test_a_world_raises_exactly_what_its_head_says(path: Path, registry: Registry) -> None:
    world = worlds.load(path)
    report = diagnosed(world, registry, intrusive=True)
    assert {f.id for f in report.findings} == set(world.raises), [f.text() for f in report.findings]
    assert undecided(report) == set(world.inconclusive)


@each_world
def test_without_the_flag_nothing_intrusive_is_asked_or_told(path: Path, registry: Registry) -> None:
    report = diagnosed(worlds.load(path), registry)
    assert intrusive(report) == []
    assert not RULES & {f.id for f in report.findings}
    assert not RULES & {
        rule.id for check in registry.checks if check.name in undecided(report) for rule in check.rules
    }


def test_with_it_the_healthy_world_is_tried_everywhere_and_found_healthy(registry: Registry) -> None:
    report = diagnosed(worlds.packaged("healthy"), registry, intrusive=True)
    assert [f.text() for f in report.findings] == []
    assert undecided(report) == set()
    tried = [(probe.address, probe.port) for probe in report.evidence if isinstance(probe, RelayTalk)]
    assert len(tried) == len(set(tried)), "once an address and port"
    assert {port for _, port in tried} == {25, 465, 587}


def test_a_tape_holds_all_of_it(registry: Registry, tmp_path: Path) -> None:
    world = worlds.load(FIXTURES / "submission" / "unauthenticated-local")
    report = diagnosed(world, registry, intrusive=True)
    Tape(report.evidence, {}).save(tmp_path / "t.tape")
    tape = Tape.load(tmp_path / "t.tape", registry.probes)
    assert tape.exchanges == report.evidence

    async def replayed() -> Report:
        return await Diagnosis(registry, report.target, tape).run()

    again = anyio.run(replayed)
    assert [f.text() for f in again.findings] == [f.text() for f in report.findings] != []


def test_no_dialogue_sends_data(registry: Registry) -> None:
    report = diagnosed(worlds.load(FIXTURES / "smtp" / "open-relay"), registry, intrusive=True)
    said = [
        event.octets[:4].upper()
        for probe, seen in report.evidence.items()
        if isinstance(probe, RelayTalk)
        for event in seen.events
        if getattr(event, "who", None) == "us"
    ]
    assert set(said) <= {b"EHLO", b"STAR", b"MAIL", b"RCPT", b"RSET", b"QUIT"}
