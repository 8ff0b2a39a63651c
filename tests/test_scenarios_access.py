"""What a login of one's own shows: worlds of fixtures/access/, and what a tape may know of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_scenarios_intrusive import diagnosed, intrusive, undecided

from diag.model.report import Report
from diag.probes.logins import LoginProbe
from diag.run.registry import Registry, load
from diag.sandbox import world as worlds
from diag.wire.transcript import Said

FIXTURES = Path(__file__).parent.parent / "fixtures" / "access"
WORLDS = sorted(path.parent for path in FIXTURES.glob("*/*/hosts.toml"))


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load()


def logins(report: Report) -> list[LoginProbe]:
    return [probe for probe in report.evidence if isinstance(probe, LoginProbe)]


@pytest.mark.parametrize("path", WORLDS, ids=lambda path: str(path.relative_to(FIXTURES)))
def test_a_world_raises_exactly_what_its_head_says(path: Path, registry: Registry) -> None:
    world = worlds.load(path)
    asked = path.parent.name == "intrusive"
    report = diagnosed(world, registry, intrusive=asked)
    assert {f.id for f in report.findings} == set(world.raises), [f.text() for f in report.findings]
    assert undecided(report) == set(world.inconclusive)
    assert bool(intrusive(report)) is asked
    failed = [probe for probe in logins(report) if b"535 5.7.8 Error" in octets(report, probe)]
    assert len(failed) <= 1, "after a login that failed there is no other"


def octets(report: Report, probe: LoginProbe) -> bytes:
    """All that stands in a transcript."""
    return b"".join(event.octets for event in report.evidence[probe].events if isinstance(event, Said))
