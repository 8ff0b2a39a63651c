"""Greetings that do not come: who is asked for TLS meanwhile, and that nobody's greeting is missed for it."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
import trio.testing

from diag.facts.clients import ImapSurvey
from diag.gather.greeted import held
from diag.lab.tape import Tape
from diag.model.knowing import Many
from diag.model.report import Report
from diag.model.target import Depth, Target
from diag.probes.talks import ImapTalk, SmtpTalk, TalkProbe
from diag.probes.tls_offer import TlsOffer
from diag.run.diagnose import Diagnosis, Options
from diag.run.registry import Registry, load
from diag.sandbox import world as worlds
from diag.sandbox.staged import DOCUMENTATION, in_memory
from diag.wire.reach import Reached
from diag.wire.reading import read_imap, read_smtp
from diag.wire.silence import EXPLAINED, asked_beside
from diag.wire.transcript import Remark, Transcript

ONLY = Options(only=("imap",))
ADDRESS, HOST = "198.51.100.30", "mail.lantern.example"
TALK = ImapTalk(ADDRESS, 143, HOST)
MX_TALK = SmtpTalk("198.51.100.10", 25, "mx1.lantern.example", "me.example")
LATE = "greeting_delay_ms = {}\n"
TLS_FIRST = 'tls = "implicit"\n'
TLS_ELSE = 'second = { tls = "implicit" }\n'


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load()


class Heard:
    """A conversation with one host, and what else was asked there."""

    def __init__(self, transcript: Transcript, offers: list[TlsOffer]) -> None:
        self.transcript = transcript
        self.offers = offers

    @property
    def explained(self) -> bool:
        return any(isinstance(event, Remark) and event.text == EXPLAINED for event in self.transcript.events)


def heard(registry: Registry, tmp_path: Path, host: str, talk: ImapTalk | SmtpTalk = TALK) -> Heard:
    (tmp_path / "w.zone").write_text("; A world.\n; base: healthy\n")
    (tmp_path / "w.toml").write_text(f'[[host]]\naddress = "{talk.address}"\nport = {talk.port}\n{host}')
    world = worlds.load(tmp_path / "w.zone")
    offers: list[TlsOffer] = []

    async def run() -> Transcript:
        async with in_memory(world, registry.performers) as lab:

            class Counting:
                async def run(self, probe):  # type: ignore[no-untyped-def]
                    if isinstance(probe, TlsOffer):
                        offers.append(probe)
                    return await lab.run(probe)

            return await held(talk, Counting())

    clock = trio.testing.MockClock(autojump_threshold=0)
    seen = anyio.run(run, backend="trio", backend_options={"clock": clock})
    return Heard(seen, list(dict.fromkeys(offers)))


def test_where_tls_comes_first_another_connection_explains_the_silence(
    registry: Registry, tmp_path: Path
) -> None:
    seen = heard(registry, tmp_path, TLS_FIRST)
    assert seen.explained
    assert [(each.address, each.port, each.tls) for each in seen.offers] == [(ADDRESS, 143, "implicit")]
    assert read_imap(seen.transcript).state is Reached.SPEAKS_TLS


@pytest.mark.parametrize("seconds", [11, 30, 40, 47])
def test_a_late_greeting_is_heard(seconds: int, registry: Registry, tmp_path: Path) -> None:
    seen = heard(registry, tmp_path, LATE.format(seconds * 1000))
    assert read_imap(seen.transcript).state is Reached.OPEN
    assert read_imap(seen.transcript).capabilities_tls is not None
    assert not seen.explained
    assert len(seen.offers) == 1


def test_a_greeting_is_heard_where_others_are_answered_by_tls(registry: Registry, tmp_path: Path) -> None:
    seen = heard(registry, tmp_path, LATE.format(12_000) + TLS_ELSE)
    assert read_imap(seen.transcript).state is Reached.OPEN
    assert len(seen.offers) == 1


def test_tls_elsewhere_alone_proves_nothing_here(registry: Registry, tmp_path: Path) -> None:
    seen = heard(registry, tmp_path, LATE.format(40_000) + TLS_ELSE)
    assert seen.explained
    session = read_imap(seen.transcript)
    assert session.state in (Reached.SLOW, Reached.SILENT)
    assert session.inconclusive


@pytest.mark.parametrize(
    ("talk", "seconds"), [(TALK, 0), (TALK, 8), (MX_TALK, 0), (MX_TALK, 15), (MX_TALK, 25)]
)
def test_who_greets_in_time_sees_no_other_connection(
    talk: ImapTalk | SmtpTalk, seconds: int, registry: Registry, tmp_path: Path
) -> None:
    seen = heard(registry, tmp_path, LATE.format(seconds * 1000), talk)
    assert (read_imap if isinstance(talk, ImapTalk) else read_smtp)(seen.transcript).state is Reached.OPEN
    assert seen.offers == []
    assert not asked_beside(seen.transcript)


def test_who_stays_silent_is_told_as_silent(registry: Registry, tmp_path: Path) -> None:
    seen = heard(registry, tmp_path, "silent_after = 0\n")
    assert len(seen.offers) == 1
    assert not seen.explained
    assert read_imap(seen.transcript).state is Reached.SILENT


def test_where_tls_is_to_come_first_nobody_is_asked(registry: Registry, tmp_path: Path) -> None:
    talk = ImapTalk(ADDRESS, 993, HOST, "implicit")
    assert heard(registry, tmp_path, LATE.format(30_000), talk).offers == []


def report(name: str, registry: Registry) -> Report:
    world = worlds.load(Path(__file__).parents[2] / "fixtures" / "imap" / name)

    async def run() -> Report:
        async with in_memory(world, registry.performers) as lab:
            target = Target(world.domain, public=DOCUMENTATION, tls=Depth.BASIC)
            return await Diagnosis(registry, target, lab, ONLY).run()

    clock = trio.testing.MockClock(autojump_threshold=0)
    return anyio.run(run, backend="trio", backend_options={"clock": clock})


def test_the_other_connection_is_counted_and_stands_on_the_tape(registry: Registry, tmp_path: Path) -> None:
    seen = report("tls-on-143", registry)
    offers = [probe for probe in seen.evidence if isinstance(probe, TlsOffer)]
    assert [(each.address, each.port) for each in offers] == [(ADDRESS, 143)]
    Tape(seen.evidence, {}).save(tmp_path / "t.tape")
    tape = Tape.load(tmp_path / "t.tape", registry.probes)

    async def again() -> Report:
        return await Diagnosis(registry, seen.target, tape, ONLY).run()

    replayed = anyio.run(again)
    assert replayed.findings == seen.findings != ()
    assert isinstance(seen.facts[ImapSurvey], Many)
    assert replayed.facts[ImapSurvey] == seen.facts[ImapSurvey]
    talks = {probe for probe in seen.evidence if isinstance(probe, TalkProbe)}
    assert talks == {probe for probe in replayed.evidence if isinstance(probe, TalkProbe)}
