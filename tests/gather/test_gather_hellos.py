"""Which conversations are held where a handshake fails on port 25, and that a healthy host is asked nothing more."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from diag.facts.hellos import InboundHandshake
from diag.facts.inbound import InboundTls, Look
from diag.gather.hellos import inbound_handshakes
from diag.model.finding import Certainty
from diag.model.knowing import Absent, Many, Unavailable
from diag.model.target import Endpoint
from diag.probes.hello import SmtpHelloTalk
from diag.probes.talks import SmtpTalk
from diag.tls.handshake import Handshake, TlsFailure, TlsTrouble
from diag.tls.hello import Hello
from diag.wire.smtp_session import read_smtp
from diag.wire.transcript import Closed, Ending, Opened, Said, Secured, Transcript, Who

AT = Endpoint("mx.d.example", "192.0.2.10", 25)
USUAL = SmtpTalk(AT.address, 25, AT.host, "me", mail_from="", recipients=("postmaster@d.example",))
GOOD = Handshake("TLSv1.3", "TLS_AES_256_GCM_SHA384")
STALLED = TlsFailure(TlsTrouble.TIMED_OUT)
REFUSED = TlsFailure(TlsTrouble.ALERT, "handshake_failure")


def conversation(outcome: Handshake | TlsFailure) -> Transcript:
    return Transcript(
        (
            Opened(0, AT.address, 25),
            Said(1, Who.PEER, b"220 mx.d.example ESMTP\r\n", secure=False),
            Said(2, Who.US, b"EHLO me\r\n", secure=False),
            Said(3, Who.PEER, b"250-mx.d.example\r\n", secure=False),
            Said(3, Who.PEER, b"250 STARTTLS\r\n", secure=False),
            Said(4, Who.US, b"STARTTLS\r\n", secure=False),
            Said(5, Who.PEER, b"220 go ahead\r\n", secure=False),
            Secured(6, outcome, b""),
            Closed(7, Ending.BY_US if isinstance(outcome, Handshake) else Ending.TLS_FAILED, ""),
        )
    )


def look(outcome: Handshake | TlsFailure, number: int = 1) -> Look:
    probe = SmtpTalk(AT.address, 25, AT.host, "me", look=number) if number > 1 else USUAL
    heard = conversation(outcome)
    return Look(probe, heard, read_smtp(heard))


class Peer:
    """Answers every hello in its own way, and keeps a list."""

    def __init__(self, **by_hello: Handshake | TlsFailure) -> None:
        self._by_hello = by_hello
        self.asked: list[str] = []

    async def run(self, probe: Any) -> Any:
        assert isinstance(probe, SmtpTalk)
        assert probe.mail_from is None
        hello = probe.hello if isinstance(probe, SmtpHelloTalk) else Hello.USUAL
        self.asked.append(hello.value)
        return conversation(self._by_hello[hello])


def gathered(seen: InboundTls | Absent | Unavailable, peer: Peer) -> Any:
    async def run() -> Any:
        return await inbound_handshakes.function(Many({str(AT): seen}), peer)

    return anyio.run(run).items[str(AT)]


def tls(*tries: Look) -> InboundTls:
    made = [each.session.handshake for each in tries]
    outcome = next((each for each in made if isinstance(each, Handshake)), made[0])
    return InboundTls(AT, outcome, tries[0].cite(7), tries, Certainty.LIKELY)


@pytest.mark.parametrize("tries", [(look(GOOD),), (look(REFUSED), look(GOOD, 2))])
def test_a_handshake_that_works_costs_no_connection(tries: tuple[Look, ...]) -> None:
    peer = Peer()
    assert gathered(tls(*tries), peer) == InboundHandshake(tls(*tries))
    assert peer.asked == []


def test_what_is_not_known_of_starttls_is_passed_on() -> None:
    for seen in (Absent("STARTTLS is not offered"), Unavailable("421")):
        assert gathered(seen, Peer()) is seen


def test_where_everything_fails_one_connection_more_shows_it() -> None:
    peer = Peer(classical=REFUSED)
    found = gathered(tls(look(REFUSED), look(REFUSED, 2)), peer)
    assert peer.asked == ["classical"]
    assert found.classical.session.handshake == REFUSED
    assert (found.small, found.again, found.completed) == (None, None, False)
    assert len(found.failed) == 2


def test_where_the_classical_hello_works_the_small_one_decides() -> None:
    peer = Peer(classical=GOOD, small=GOOD)
    found = gathered(tls(look(REFUSED), look(REFUSED, 2)), peer)
    assert peer.asked == ["classical", "small"]
    assert found.small.session.handshake == GOOD


def test_silence_is_looked_at_twice_once_another_hello_was_answered() -> None:
    peer = Peer(classical=GOOD, usual=STALLED, small=GOOD)
    found = gathered(tls(look(STALLED)), peer)
    assert peer.asked == ["classical", "usual", "small"]
    assert len(found.failed) == 2
    assert not found.completed


def test_a_host_that_was_silent_once_is_not_suspected_further() -> None:
    peer = Peer(classical=GOOD, usual=GOOD)
    found = gathered(tls(look(STALLED)), peer)
    assert peer.asked == ["classical", "usual"]
    assert found.completed
