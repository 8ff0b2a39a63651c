"""What a login of one's own shows: worlds of fixtures/access/, and what a tape may know of them."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import anyio
import pytest
from test_scenarios_intrusive import diagnosed, intrusive, undecided

from diag.cli.roundtrip import RULES
from diag.lab.tape import Tape
from diag.model.report import Report
from diag.probes.intrusive import CollectTalk
from diag.probes.logins import LoginProbe
from diag.probes.round_trip import SubmitTalk
from diag.run.diagnose import Diagnosis, Options
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


def test_the_report_tells_of_the_login(registry: Registry) -> None:
    report = diagnosed(worlds.load(FIXTURES / "lent" / "wrong-at-imap"), registry)
    text = " ".join(registry.renderers["text"].function(report).split())
    assert "The login of anna@lantern.example" in text
    assert "mail.lantern.example:465 ✓ taken PLAIN" in text
    assert "mail.lantern.example:143 ✗ refused PLAIN" in text
    assert "mail.lantern.example:993 ? open the login failed, and is not tried again" in text
    assert 'refuses the login with PLAIN: "NO [AUTHENTICATIONFAILED] Authentication failed".' in text
    told = json.loads(registry.renderers["json"].function(report))["logins"]
    assert [(each["endpoint"].rpartition(":")[2], each["taken"]) for each in told] == [
        ("587", True),
        ("465", True),
        ("143", False),
    ]
    healthy = diagnosed(worlds.load(FIXTURES / "lent" / "own"), registry)
    assert "Quota: 1 % of 1,048,576 KiB are used." in registry.renderers["text"].function(healthy)
    told = json.loads(registry.renderers["json"].function(healthy))["logins"]
    assert "SPECIAL-USE" in told[2]["capabilities"]
    assert told[2]["quotas"] == [
        {"root": "User quota", "resource": "STORAGE", "used": 20480, "limit": 1048576}
    ]


def test_a_tape_replays_to_the_same_without_the_password(registry: Registry, tmp_path: Path) -> None:
    world = worlds.load(FIXTURES / "intrusive" / "cram-broken")
    report = diagnosed(world, registry, intrusive=True)
    Tape(report.evidence, {}).save(tmp_path / "t.tape")
    text = (tmp_path / "t.tape").read_text()
    plain = f"\0{world.login}\0{world.password}".encode()
    for form in (world.password.encode(), base64.b64encode(world.password.encode()), base64.b64encode(plain)):
        assert form.decode() not in text
    tape = Tape.load(tmp_path / "t.tape", registry.probes)

    async def replayed() -> Report:
        return await Diagnosis(registry, report.target, tape).run()

    again = anyio.run(replayed)
    assert [f.text() for f in again.findings] == [f.text() for f in report.findings] != []
    assert isinstance(tape, Tape)


def test_the_order_of_logins_and_what_each_may_cost(registry: Registry) -> None:
    lent = logins(diagnosed(worlds.load(FIXTURES / "lent" / "best-first"), registry))
    assert [probe.port for probe in lent] == [587, 465, 143, 993, 110, 995], "once a host and port"
    tried = diagnosed(worlds.load(FIXTURES / "intrusive" / "own"), registry, intrusive=True)
    trials = [probe for probe in logins(tried) if not isinstance(probe, CollectTalk)][6:]
    kinds = [type(probe).__name__ for probe in trials]
    assert sorted(kinds) == ["DraftTrial", "MechanismTrial", "MechanismTrial", "StrangerTrial"]
    assert kinds[-2:] == ["MechanismTrial", "MechanismTrial"], "what may fail comes last"


def test_with_insecure_auth_a_bad_certificate_keeps_no_password_back(registry: Registry) -> None:
    world = worlds.load(FIXTURES / "lent" / "certificate-bad")
    assert {probe.port for probe in logins(diagnosed(world, registry))} == {587, 465, 110, 995}
    waived = logins(diagnosed(world, registry, insecure_auth=True))
    assert {probe.port for probe in waived} == {587, 465, 143, 993, 110, 995}
