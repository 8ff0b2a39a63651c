"""How far the TLS of real endpoints is looked into: worlds in memory, with the real performers."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import anyio
import pytest
import trio.testing

from diag.facts.tls_survey import Known, TlsSurvey
from diag.lab.limited import Limited
from diag.lab.once import Once
from diag.lab.tape import Tape
from diag.model.knowing import Absent, Many, Unavailable
from diag.model.target import Depth, Target
from diag.probes.probe import E, Lab, Probe
from diag.probes.tls_offer import TlsOffer
from diag.run.diagnose import Diagnosis
from diag.run.registry import Registry, load
from diag.sandbox import world as worlds
from diag.sandbox.staged import DOCUMENTATION, in_memory
from diag.tls import offers
from diag.tls.answer import Unheard
from diag.tls.offer import SSL2, SSL3, TLS10, TLS12, TLS13, Offer
from diag.wire.transcript import Answered, Closed, Ending, Opened, Said, Transcript, Who

MX = "mx1.lantern.example [198.51.100.10]:25"
PORTS = tuple(f"mail.lantern.example [198.51.100.30]:{port}" for port in (587, 465, 143, 993, 110, 995))
ONE = 'address = "198.51.100.10"\nport = 25\n'


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load()


class Seen:
    """A run: the surveys, and every offer made."""

    def __init__(self, surveys: Many[TlsSurvey], asked: dict[Probe[Any], Any]) -> None:
        self.surveys = surveys
        self.asked = asked

    def at(self, subject: str) -> TlsSurvey:
        found = self.surveys.get(subject)
        assert isinstance(found, TlsSurvey), found
        return found

    def offers(self, subject: str) -> list[str]:
        return [
            probe.offer.name
            for probe in self.asked
            if isinstance(probe, TlsOffer) and f"{probe.host} [{probe.address}]:{probe.port}" == subject
        ]


class Answering:
    """Gives every offer the same evidence; the rest is asked of the lab below."""

    def __init__(self, inner: Lab, evidence: Transcript | None) -> None:
        self._inner = inner
        self._evidence = evidence

    async def run(self, probe: Probe[E]) -> E:
        if isinstance(probe, TlsOffer) and self._evidence is not None:
            return cast(E, self._evidence)
        return await self._inner.run(probe)


def looked_at(
    registry: Registry,
    tmp_path: Path,
    hosts: str = "",
    offers_give: Transcript | None = None,
    **wishes: Any,
) -> Seen:
    """The healthy world, its hosts patched."""
    (tmp_path / "w.zone").write_text("; A world.\n; base: healthy\n")
    (tmp_path / "w.toml").write_text(hosts)
    world = worlds.load(tmp_path / "w")

    async def run() -> Seen:
        async with in_memory(world, registry.performers) as lab:
            once = Once(Limited(Answering(lab, offers_give)))
            target = Target(world.domain, public=DOCUMENTATION, ipv6=False, **wishes)
            report = await Diagnosis(registry, target, once).run()
            surveys = report.facts[TlsSurvey]
            assert isinstance(surveys, Many)
            return Seen(surveys, {p: s for p, s in once.seen.items() if isinstance(p, TlsOffer)})

    clock = trio.testing.MockClock(autojump_threshold=0)
    return anyio.run(run, backend="trio", backend_options={"clock": clock})


def test_every_port_is_looked_into_by_three_connections(registry: Registry, tmp_path: Path) -> None:
    seen = looked_at(registry, tmp_path)
    for subject in (MX, *PORTS):
        survey = seen.at(subject)
        assert survey.versions == (TLS12, TLS13), subject
        assert (len(survey.tried), survey.left) == (3, ""), subject
        assert survey.client_port is (subject != MX)
    assert len(seen.asked) == 3 * 8
    assert {probe.spoken for probe in seen.asked if isinstance(probe, TlsOffer)} == {"smtp", "imap", "pop3"}


def test_basic_makes_no_connection(registry: Registry, tmp_path: Path) -> None:
    seen = looked_at(registry, tmp_path, tls=Depth.BASIC)
    assert seen.asked == {}
    assert seen.at(MX).version(TLS13).yes
    assert seen.at(MX).version(TLS12).known is Known.UNKNOWN


def test_what_no_library_speaks_is_found(registry: Registry, tmp_path: Path) -> None:
    script = (
        f'[[host]]\n{ONE}[host.script]\nversions = ["SSLv2", "SSLv3", "TLSv1", "TLSv1.2", "TLSv1.3"]\n'
        'suites = ["TLS_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384", "RC4-SHA", "EXP-RC4-MD5",'
        ' "SSL_CK_RC4_128_WITH_MD5"]\n'
    )
    survey = looked_at(registry, tmp_path, script).at(MX)
    assert survey.versions == (SSL2, SSL3, TLS10, TLS12, TLS13)
    assert survey.takes((0x0003,)).yes
    assert survey.takes((0x000A,), TLS12).no
    assert survey.takes(offers.suites_of(SSL2), SSL2).yes


AWAY = Transcript(
    (
        Opened(0, "198.51.100.10", 25),
        Said(1, Who.PEER, b"421 4.7.0 too many\r\n", False),
        Closed(2, Ending.BY_PEER, ""),
    )
)
DEAF = Transcript(
    (Opened(0, "198.51.100.10", 25), Answered(9, 700, b"", Ending.SILENT), Closed(9, Ending.BY_US, ""))
)


def test_whoever_turns_us_away_is_left_alone(registry: Registry, tmp_path: Path) -> None:
    seen = looked_at(registry, tmp_path, offers_give=AWAY)
    survey = seen.at(MX)
    assert len(survey.tried) == 2
    assert survey.left == 'we were turned away, and asked no more: TLS was not begun: "421 4.7.0 too many"'
    assert survey.version(SSL3).known is Known.UNKNOWN
    assert survey.version(SSL3).because == 'TLS was not begun: "421 4.7.0 too many"'


def test_silence_after_a_hello_ends_the_questions(registry: Registry, tmp_path: Path) -> None:
    survey = looked_at(registry, tmp_path, offers_give=DEAF).at(MX)
    silence = "nothing came in answer to our ClientHello in the time allowed"
    assert [tried.answer for tried in survey.tried] == [Unheard(silence)] * 2
    assert survey.left == f"we were not answered, and asked no more: {silence}"
    assert survey.version(SSL3).known is Known.UNKNOWN


def test_a_host_without_starttls_is_not_asked(registry: Registry, tmp_path: Path) -> None:
    seen = looked_at(registry, tmp_path, f"[[host]]\n{ONE}keywords = []\n")
    assert isinstance(seen.surveys.get(MX), Absent)
    assert seen.offers(MX) == []


def test_a_host_that_puts_us_off_is_not_asked(registry: Registry, tmp_path: Path) -> None:
    seen = looked_at(registry, tmp_path, f'[[host]]\n{ONE}greeting = "450 4.2.0 later"\n')
    assert isinstance(seen.surveys.get(MX), Unavailable)
    assert seen.offers(MX) == []


def test_a_closed_port_is_no_subject(registry: Registry, tmp_path: Path) -> None:
    seen = looked_at(registry, tmp_path)
    assert not any(subject.endswith(":2525") for subject in seen.surveys.items)


def test_a_budget_holds(registry: Registry, tmp_path: Path) -> None:
    seen = looked_at(registry, tmp_path, tls=Depth.FULL, offers=5)
    assert len(seen.offers(MX)) == 5
    assert seen.at(MX).left == "no more than 5 connections were made for this"


def test_an_offer_survives_the_tape(registry: Registry, tmp_path: Path) -> None:
    seen = looked_at(registry, tmp_path)
    tape = Tape(seen.asked, {})
    tape.save(tmp_path / "t.tape")
    assert Tape.load(tmp_path / "t.tape", registry.probes).exchanges == seen.asked


def test_an_offer_tells_a_command_that_comes_near(registry: Registry) -> None:
    def told(offer: Offer, tls: Any = "starttls") -> str:
        return TlsOffer("192.0.2.1", 25, "mx.example", "smtp", tls, "me", offer).command()

    start = "openssl s_client -starttls smtp -connect 192.0.2.1:25"
    assert told(offers.old()) == (
        f"{start} -min_protocol SSLv3 -max_protocol TLSv1.1 -cipher ALL:COMPLEMENTOFALL:@SECLEVEL=0"
        " -servername mx.example"
    )
    assert told(offers.others(TLS13, (0x1301,)), "implicit") == (
        "openssl s_client -connect 192.0.2.1:25 -min_protocol TLSv1.3 -max_protocol TLSv1.3"
        " -ciphersuites TLS_AES_128_GCM_SHA256 -servername mx.example"
    )
    assert told(offers.no_name()).endswith(" -noservername")
    assert told(offers.ssl2()) == "testssl.sh --protocols --ip 192.0.2.1 --starttls smtp mx.example:25"
