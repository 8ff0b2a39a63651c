"""What only --intrusive shows: worlds of fixtures/intrusive/, with and without the flag."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, TypeVar

import anyio
import pytest
import trio.testing

from diag.lab.tape import Tape
from diag.model.report import Report, Status
from diag.model.target import Target
from diag.probes.dns import DnsAnswer
from diag.probes.inquiry import InquiryTalk, StrangersTalk
from diag.probes.intrusive import ClearLoginTalk, CollectTalk, MessageTalk
from diag.probes.logins import SubmissionLogin
from diag.probes.probe import Impact
from diag.probes.relay import RelayTalk
from diag.run.diagnose import Diagnosis, Options
from diag.run.registry import Registry, load
from diag.sandbox import world as worlds
from diag.sandbox.staged import DOCUMENTATION, in_memory
from diag.sandbox.world import World
from diag.wire.end_of_data import ENDINGS
from diag.wire.transcript import Said

T = TypeVar("T")
FIXTURES = Path(__file__).parent.parent / "fixtures" / "intrusive"
WORLDS = sorted(path.parent for path in FIXTURES.glob("*/*/hosts.toml"))
RULES = {
    "smtp/accepts-bare-lf-command",
    "smtp/accepts-nonstandard-eod",
    "smtp/accepts-unknown-recipient",
    "smtp/backscatter",
    "smtp/bdat-refused",
    "smtp/expn-discloses",
    "smtp/no-dot-unstuffing",
    "smtp/open-relay",
    "smtp/takes-routed-recipient",
    "smtp/unknown-command-fatal",
    "smtp/vrfy-discloses",
    "submission/accepts-without-auth",
    "submission/auth-accepted-in-clear",
    "submission/unauthenticated-local",
}
SECRET = "MAILDIAG_TESTS_PASSWORD"
each_world = pytest.mark.parametrize("path", WORLDS, ids=lambda path: str(path.relative_to(FIXTURES)))


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load()


def diagnosed(
    world: World, registry: Registry, *, options: Options | None = None, **wishes: object
) -> Report:
    async def run() -> Report:
        asked = {"public": DOCUMENTATION, "mailbox": world.mailbox, "login": world.login, **wishes}
        target = Target(world.domain, password=f"env:{SECRET}", **asked)  # type: ignore[arg-type]
        async with in_memory(world, registry.performers) as lab:
            return await Diagnosis(registry, target, lab, options).run()

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


TAPED = (
    "smtp/vrfy-tells",
    "smtp/catch-all",
    "smtp/returns-mail",
    "smtp/routed",
    "submission/unauthenticated-local",
    "submission/login-in-clear",
    "smtp/dots-doubled",
    "smtp/ends-at-lf",
)


@pytest.mark.parametrize("name", TAPED)
def test_a_tape_holds_all_of_it_but_no_secret(name: str, registry: Registry, tmp_path: Path) -> None:
    world = worlds.load(FIXTURES / name)
    report = diagnosed(world, registry, intrusive=True)
    Tape(report.evidence, {}).save(tmp_path / "t.tape")
    assert not world.password or world.password not in (tmp_path / "t.tape").read_text()
    tape = Tape.load(tmp_path / "t.tape", registry.probes)
    assert {probe: _said(seen) for probe, seen in tape.exchanges.items()} == {
        probe: _said(seen) for probe, seen in report.evidence.items()
    }

    async def replayed() -> Report:
        return await Diagnosis(registry, report.target, tape).run()

    again = anyio.run(replayed)
    assert [f.text() for f in again.findings] == [f.text() for f in report.findings] != []


def _said(evidence: Any) -> Any:
    """What evidence says: a tape keeps the records of an answer, not the octets by which names were shortened."""
    if isinstance(evidence, DnsAnswer):
        return evidence.rcode, evidence.server, evidence.authoritative, tuple(evidence.lines())
    return evidence


def talks(report: Report, kind: type[T]) -> dict[T, Any]:
    return {probe: seen for probe, seen in report.evidence.items() if isinstance(probe, kind)}


def test_one_message_a_host_and_sequence_and_none_without_a_mailbox(registry: Registry) -> None:
    world = worlds.load(FIXTURES / "smtp" / "dots-kept-right")
    sent = talks(diagnosed(world, registry, intrusive=True), MessageTalk)
    assert sorted(Counter(probe.host for probe in sent).items()) == [
        ("mx1.lantern.example", len(ENDINGS) + 1),
        ("mx2.lantern.example", len(ENDINGS) + 1),
    ]
    assert {probe.recipient for probe in sent} == {"anna@lantern.example"}
    assert not talks(diagnosed(world, registry, intrusive=True, mailbox=""), MessageTalk)
    assert not talks(diagnosed(world, registry, intrusive=True, mailbox="a@elsewhere.example"), MessageTalk)


def test_of_the_test_messages_those_that_were_read_are_removed(registry: Registry) -> None:
    world = worlds.load(FIXTURES / "smtp" / "dots-kept-right")
    (collected,) = talks(diagnosed(world, registry, intrusive=True), CollectTalk).values()
    expunged = [
        event.octets
        for event in collected.events
        if isinstance(event, Said) and b"UID EXPUNGE" in event.octets
    ]
    assert len(expunged) == 2, "one a host"


@pytest.mark.parametrize("name", ["smtp/login-fails", "submission/login-fails-in-clear"])
def test_one_failed_login_is_all_there_is(name: str, registry: Registry) -> None:
    report = diagnosed(worlds.load(FIXTURES / name), registry, intrusive=True)
    logins = [*talks(report, SubmissionLogin), *talks(report, CollectTalk), *talks(report, ClearLoginTalk)]
    failed = [probe for probe in logins if b"535 5.7.8" in heard(report, probe)]
    assert logins[-1:] == failed
    (because,) = {
        result.because
        for result in report.results
        if result.check == "nobody_logs_in_without_tls"
        if result.status is Status.INCONCLUSIVE
    }
    assert "the login failed, and is not tried again" in because
    assert "uthentication failed" in because, "the line is quoted"


def heard(report: Report, probe: Any) -> bytes:
    return b"".join(event.octets for event in report.evidence[probe].events if isinstance(event, Said))


def test_nothing_is_said_in_clear_where_nobody_outside_listens_or_nothing_is_offered(
    registry: Registry,
) -> None:
    world = worlds.load(FIXTURES / "submission" / "login-in-clear")
    report = diagnosed(world, registry, intrusive=True, public=())
    assert not talks(report, ClearLoginTalk)
    assert "submission/auth-accepted-in-clear" not in {f.id for f in report.findings}
    healthy = worlds.load(FIXTURES / "smtp" / "dots-kept-right")
    assert not talks(diagnosed(healthy, registry, intrusive=True), ClearLoginTalk)


def test_where_tls_is_wanted_the_password_is_not_said(registry: Registry) -> None:
    world = worlds.load(FIXTURES / "submission" / "login-wants-tls")
    for transcript in talks(diagnosed(world, registry, intrusive=True), ClearLoginTalk).values():
        said = [event.octets for event in transcript.events if isinstance(event, Said)]
        assert b"AUTH PLAIN\r\n" in said
        assert b"[redacted]\r\n" not in said


def test_no_dialogue_sends_data(registry: Registry) -> None:
    report = diagnosed(worlds.load(FIXTURES / "smtp" / "open-relay"), registry, intrusive=True)
    said = [
        event.octets[:4].upper()
        for probe, seen in report.evidence.items()
        if isinstance(probe, RelayTalk | StrangersTalk | InquiryTalk)
        for event in seen.events
        if getattr(event, "who", None) == "us"
    ]
    assert {b"RCPT", b"VRFY"} < set(said), "all three were held"
    assert not {b"DATA", b"BDAT", b"AUTH"} & set(said)
