"""A close without close_notify counts after an answered goodbye alone, and tickets where they would have come."""

from __future__ import annotations

import dataclasses

import anyio
import pytest

from diag.facts.clients import ClientContact
from diag.facts.inbound import InboundTls
from diag.facts.tls_after import TlsParting, TlsTickets
from diag.gather.tls_after import said_goodbye, tls_partings, tls_tickets
from diag.model.finding import Certainty
from diag.model.knowing import Absent, Many, Unavailable
from diag.model.target import Endpoint
from diag.probes.talks import SmtpTalk
from diag.tls.handshake import AfterHandshake, Handshake, Ticket, TlsEnd, TlsFailure, TlsTrouble
from diag.wire.smtp_session import read_smtp
from diag.wire.transcript import Closed, Ending, Event, Opened, Said, Secured, Transcript, Who

AT = Endpoint("mx1.lantern.example", "198.51.100.10", 25)
MADE = Handshake("TLSv1.3", "TLS_AES_256_GCM_SHA384")
NOBODY: Many[ClientContact] = Many({})


def talk(
    *lines: str,
    after: AfterHandshake | None = None,
    how: Ending = Ending.BY_US,
    made: Handshake | TlsFailure = MADE,
) -> Transcript:
    """Lines under TLS: ours begin with ">"."""
    said: list[Event] = [
        Said(
            9, Who.US if line[0] == ">" else Who.PEER, line.removeprefix("> ").encode() + b"\r\n", secure=True
        )
        for line in lines
    ]
    opened: list[Event] = [Opened(1, AT.address, AT.port), Secured(5, made, b"")]
    return Transcript((*opened, *said, Closed(9, how, "", after)))


@pytest.mark.parametrize(
    ("lines", "how", "heard"),
    [
        (["> QUIT", "221 2.0.0 Bye"], Ending.BY_US, True),
        (["> RSET", "> QUIT", "250 2.0.0 Ok", "221 2.0.0 Bye"], Ending.BY_US, True),
        (["> RSET", "> QUIT", "250 2.0.0 Ok"], Ending.BY_US, False),
        (["> RSET", "> QUIT", "421 4.3.2 Closing"], Ending.BY_US, False),
        (["> QUIT"], Ending.BY_US, False),
        (["> QUIT", "221 2.0.0 Bye"], Ending.RESET, False),
        (["> NOOP", "221 2.0.0 Bye"], Ending.BY_PEER, False),
        (["> QUIT", "+OK Bye"], Ending.BY_US, True),
        (["> LOGOUT", "OK"], Ending.BY_US, True),
        (["> LOGOUT", "NO"], Ending.BY_US, False),
        (["> QUIT", "-ERR no"], Ending.BY_US, False),
        (["> a9 LOGOUT", "* BYE", "a9 OK done"], Ending.BY_US, True),
        (["> a9 LOGOUT", "* BYE"], Ending.BY_PEER, True),
        (["> a4 ID NIL", "> a9 LOGOUT", "* ID NIL", "a4 OK done"], Ending.BY_PEER, False),
        (["> a9 LOGOUT", "a9 BAD what"], Ending.BY_US, False),
        ([], Ending.BY_PEER, False),
    ],
)
def test_a_goodbye_is_the_answer_to_ours(lines: list[str], how: Ending, heard: bool) -> None:
    assert said_goodbye(talk(*lines, how=how)) is heard


GOODBYE = ("> QUIT", "221 2.0.0 Bye")


def met(*talks: Transcript) -> Many[InboundTls]:
    probe = SmtpTalk(AT.address, 25, AT.host, "probe.example")
    from diag.facts.inbound import Look

    looks = tuple(
        Look(dataclasses.replace(probe, look=at), each, read_smtp(each)) for at, each in enumerate(talks, 1)
    )
    outcome = looks[0].session.handshake
    return Many({str(AT): InboundTls(AT, outcome, looks[0].cite(1), looks, Certainty.LIKELY)})


def parting(*talks: Transcript) -> object:
    return anyio.run(tls_partings.function, met(*talks), NOBODY, Absent()).items[str(AT)]


def tickets(*talks: Transcript) -> object:
    return anyio.run(tls_tickets.function, met(*talks), NOBODY, Absent()).items[str(AT)]


def test_how_the_server_closed_is_known_where_it_closed_first() -> None:
    for end in (TlsEnd.NOTIFIED, TlsEnd.TRUNCATED):
        found = parting(talk(*GOODBYE, after=AfterHandshake(end)))
        assert isinstance(found, TlsParting)
        assert found.truncated is (end is TlsEnd.TRUNCATED)
    assert isinstance(parting(talk(*GOODBYE, after=AfterHandshake(TlsEnd.OPEN))), Absent)


def test_without_a_goodbye_nothing_is_known_of_its_end() -> None:
    cut = AfterHandshake(TlsEnd.TRUNCATED)
    assert isinstance(parting(talk("> QUIT", after=cut, how=Ending.BY_PEER)), Unavailable)
    assert isinstance(parting(talk(*GOODBYE)), Unavailable)  # an older tape
    assert isinstance(parting(talk("> QUIT"), talk(*GOODBYE, after=cut)), TlsParting)


def test_tickets_of_a_kind_are_told_once() -> None:
    given = AfterHandshake(TlsEnd.OPEN, (Ticket(60), Ticket(60), Ticket(60, 1)))
    found = tickets(talk(*GOODBYE), talk(*GOODBYE, after=given))
    assert isinstance(found, TlsTickets)
    assert found.tickets == (Ticket(60), Ticket(60, 1))


@pytest.mark.parametrize(
    ("after", "because"), [(None, "the recording"), (AfterHandshake(TlsEnd.OPEN), "the conversation ended")]
)
def test_tickets_that_were_not_read_are_not_none(after: AfterHandshake | None, because: str) -> None:
    found = tickets(talk(*GOODBYE, after=after))
    assert isinstance(found, Unavailable)
    assert found.because.startswith(because)


def test_without_a_handshake_there_is_nothing_to_tell() -> None:
    failed = talk(made=TlsFailure(TlsTrouble.CLOSED), how=Ending.TLS_FAILED)
    assert isinstance(parting(failed), Absent)
    assert isinstance(tickets(failed), Absent)
