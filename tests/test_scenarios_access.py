"""What a login of one's own shows: worlds of fixtures/access/, and what a tape may know of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_scenarios_intrusive import diagnosed, intrusive, undecided

from diag.cli.roundtrip import RULES
from diag.model.report import Report
from diag.probes.logins import LoginProbe
from diag.probes.round_trip import SubmitTalk
from diag.run.diagnose import Options
from diag.run.registry import Registry, load
from diag.sandbox import world as worlds
from diag.wire.transcript import Said

FIXTURES = Path(__file__).parent.parent / "fixtures" / "access"
WORLDS = sorted(
    path.parent for kind in ("lent", "intrusive") for path in (FIXTURES / kind).glob("*/hosts.toml")
)
TRIPS = sorted(path.parent for path in (FIXTURES / "round-trip").glob("*/hosts.toml"))


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


@pytest.mark.parametrize("reading", ["imap", "pop3"])
@pytest.mark.parametrize("path", TRIPS, ids=lambda path: path.name)
def test_a_round_trip_raises_exactly_what_its_head_says(path: Path, reading: str, registry: Registry) -> None:
    world = worlds.load(path)
    raises, inconclusive = set(world.raises), set(world.inconclusive)
    if reading == "pop3" and path.name in ("lost", "junk", "id-rewritten"):
        # There is one folder over POP3, and the Message-ID is all there is to look for: nothing is known to be lost.
        raises, inconclusive = set(), {"what_is_handed_in_arrives"}
    wishes = {"intrusive": True, "wait": 900.0, "reading": reading}
    report = diagnosed(world, registry, options=Options(only=RULES), **wishes)
    assert {f.id for f in report.findings} == raises, [f.text() for f in report.findings]
    assert undecided(report) == inconclusive
    assert len([probe for probe in report.evidence if isinstance(probe, SubmitTalk)]) <= 1


def octets(report: Report, probe: LoginProbe) -> bytes:
    """All that stands in a transcript."""
    return b"".join(event.octets for event in report.evidence[probe].events if isinstance(event, Said))
