"""What handshakes with three ClientHellos allow to be said, and what they leave open."""

from __future__ import annotations

from typing import Any

import pytest

from checks.smtp_tls import starttls_handshake_succeeds
from checks.tls_hello import every_client_hello_is_understood
from diag.facts.hellos import InboundHandshake
from diag.facts.inbound import InboundTls, Look
from diag.model.finding import Certainty, Undecided
from diag.model.target import Endpoint
from diag.probes.hello import SmtpHelloTalk
from diag.tls.handshake import Handshake, TlsFailure, TlsTrouble
from diag.wire.smtp_session import read_smtp
from diag.wire.transcript import Closed, Ending, Event, Opened, Said, Secured, Transcript, Who

AT = Endpoint("mx.d.example", "192.0.2.10", 25)
PROBE = SmtpHelloTalk(AT.address, 25, AT.host, "me")
GOOD = Handshake("TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384")
ALERT = TlsFailure(TlsTrouble.ALERT, "handshake_failure")
DEMAND = TlsFailure(TlsTrouble.ALERT, "certificate_required")
CLOSED, RESET = TlsFailure(TlsTrouble.CLOSED), TlsFailure(TlsTrouble.RESET)
OURS = TlsFailure(TlsTrouble.PROTOCOL, detail="unsupported protocol")
BROKEN = TlsFailure(TlsTrouble.PROTOCOL, detail="bad signature")
LARGE = TlsFailure(TlsTrouble.PROTOCOL, detail="excessive message size")
PLAIN = TlsFailure(TlsTrouble.NOT_TLS)
STALLED = TlsFailure(TlsTrouble.TIMED_OUT)


def look(outcome: Handshake | TlsFailure | None) -> Look:
    """A conversation up to a handshake; one that was turned away for None."""
    events: tuple[Event, ...] = (
        Opened(0, AT.address, 25),
        Said(1, Who.PEER, b"421 too many connections\r\n", secure=False),
    )
    if outcome is not None:
        events = (
            Opened(0, AT.address, 25),
            Said(1, Who.PEER, b"220 mx.d.example ESMTP\r\n", secure=False),
            Said(2, Who.US, b"EHLO me\r\n", secure=False),
            Said(3, Who.PEER, b"250-mx.d.example\r\n", secure=False),
            Said(3, Who.PEER, b"250 STARTTLS\r\n", secure=False),
            Said(4, Who.US, b"STARTTLS\r\n", secure=False),
            Said(5, Who.PEER, b"220 go ahead\r\n", secure=False),
            Secured(6, outcome, b""),
        )
    heard = Transcript((*events, Closed(7, Ending.TLS_FAILED if outcome else Ending.BY_PEER, "")))
    return Look(PROBE, heard, read_smtp(heard))


def seen(*usual: Any, sure: Certainty = Certainty.CERTAIN, **others: Any) -> InboundHandshake:
    tries = tuple(map(look, usual))
    made = [each for each in usual if each is not None]
    outcome = next((each for each in made if isinstance(each, Handshake)), made[0] if made else None)
    tls = InboundTls(AT, outcome, tries[0].cite(), tries, sure)
    return InboundHandshake(tls, **{name: look(made) for name, made in others.items()})


def told(check: Any, given: InboundHandshake) -> list[Any]:
    return [
        "undecided" if isinstance(v, Undecided) else (v.id.partition("/")[2], v.certainty)
        for v in check.function(given)
    ]


SURE, LIKELY = Certainty.CERTAIN, Certainty.LIKELY
FAILS, FLAPS = "starttls-handshake-fails", "starttls-flaps"
SIZE, VERSION = "hello-size-intolerant", "version-intolerant"


PUT_OFF = TlsFailure(TlsTrouble.NOT_TLS, octets=b"421 4.3.2 Try again later\r\n")


@pytest.mark.parametrize(
    ("given", "smtp", "tls"),
    [
        (seen(GOOD), [], []),
        (seen(ALERT, GOOD), [(FLAPS, SURE)], []),
        (seen(ALERT, ALERT, classical=ALERT), [(FAILS, SURE)], []),
        (seen(ALERT, ALERT, classical=ALERT, sure=LIKELY), [(FAILS, LIKELY)], []),
        (seen(CLOSED, CLOSED, classical=CLOSED), [(FAILS, LIKELY)], []),
        (seen(BROKEN, BROKEN, classical=BROKEN), [(FAILS, SURE)], []),
        (seen(LARGE, LARGE, classical=LARGE), [(FAILS, SURE)], []),
        (seen(OURS, OURS, classical=OURS), ["undecided"], ["undecided"]),
        (seen(ALERT, ALERT, classical=OURS), ["undecided"], ["undecided"]),
        (seen(PLAIN, PLAIN, classical=PLAIN), [(FAILS, SURE)], []),
        (seen(ALERT, RESET, classical=ALERT), ["undecided"], ["undecided"]),
        (seen(None), ["undecided"], ["undecided"]),
        (seen(STALLED, classical=STALLED), ["undecided"], ["undecided"]),
        (seen(PUT_OFF, PUT_OFF, classical=PUT_OFF), ["undecided"], ["undecided"]),
        (seen(PUT_OFF, GOOD), [], []),
        (seen(DEMAND, DEMAND, classical=DEMAND), [], []),
        (seen(ALERT, ALERT, classical=DEMAND), [], []),
        (seen(RESET, RESET, classical=RESET), ["undecided"], ["undecided"]),
        (seen(STALLED, classical=RESET), ["undecided"], ["undecided"]),
        (seen(ALERT, ALERT, classical=None), ["undecided"], []),
        (seen(ALERT, ALERT, classical=GOOD, small=GOOD), [], [(SIZE, SURE)]),
        (seen(RESET, RESET, classical=GOOD, small=GOOD, sure=LIKELY), [], [(SIZE, LIKELY)]),
        (seen(STALLED, classical=GOOD, again=STALLED, small=GOOD), [], [(SIZE, SURE)]),
        (seen(STALLED, classical=GOOD, again=GOOD), [(FLAPS, SURE)], []),
        (seen(STALLED, classical=GOOD, again=None, small=GOOD), [], ["undecided"]),
        (seen(ALERT, ALERT, classical=GOOD, small=ALERT), [], [(VERSION, SURE)]),
        (seen(ALERT, ALERT, classical=GOOD, small=None), [], ["undecided"]),
    ],
)
def test_three_hellos_tell_who_minds_what(given: InboundHandshake, smtp: list[Any], tls: list[Any]) -> None:
    said = told(starttls_handshake_succeeds, given)
    # A flap is told as what it was before: with the certainty of its rule.
    assert [each if each == "undecided" or each[0] != FLAPS else (FLAPS, SURE) for each in said] == smtp
    assert told(every_client_hello_is_understood, given) == tls


def test_every_conversation_that_showed_something_is_quoted() -> None:
    (finding,) = every_client_hello_is_understood.function(seen(ALERT, ALERT, classical=GOOD, small=GOOD))
    assert len(finding.evidence) == 4
    assert "TLS alert handshake_failure" in finding.text()
    (failing,) = starttls_handshake_succeeds.function(seen(ALERT, ALERT, classical=CLOSED))
    assert len(failing.evidence) == 3
