"""What the usual conversations tell of TLS beside its handshake: nothing is asked here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from diag.facts.clients import ClientContact, SieveContact
from diag.facts.inbound import InboundTls
from diag.facts.tls_after import TlsParting, TlsTickets
from diag.model.frozen import frozen
from diag.model.knowing import Absent, Cite, Many, Unavailable, items_of
from diag.model.plugin import fact
from diag.model.target import Endpoint
from diag.probes.probe import Probe
from diag.tls.handshake import AfterHandshake, Handshake, TlsEnd
from diag.wire.transcript import Ending, Said, Transcript, Who

T = TypeVar("T")


@frozen
class _Talk:
    """A conversation in which TLS stood, and what it showed."""

    endpoint: Endpoint
    transcript: Transcript
    after: AfterHandshake | None
    """None on older tapes."""
    cite: Cite
    """Its end."""


_Talks = tuple[_Talk, ...] | Absent | Unavailable


@fact
async def tls_tickets(
    inbound: Many[InboundTls],
    clients: Many[ClientContact],
    sieve: Many[SieveContact] | Absent | Unavailable,
) -> Many[TlsTickets]:
    """The tickets that every endpoint gave, in whichever conversation they were read."""
    return _each(_talks(inbound, clients, sieve), _tickets)


@fact
async def tls_partings(
    inbound: Many[InboundTls],
    clients: Many[ClientContact],
    sieve: Many[SieveContact] | Absent | Unavailable,
) -> Many[TlsParting]:
    """How every endpoint closed after its goodbye."""
    return _each(_talks(inbound, clients, sieve), _parting)


def _tickets(talks: tuple[_Talk, ...]) -> TlsTickets | Unavailable:
    for talk in talks:
        if talk.after is not None and talk.after.tickets is not None:
            return TlsTickets(talk.endpoint, tuple(dict.fromkeys(talk.after.tickets)), talk.cite)
    return _unheard("the conversation ended before session tickets would have come", talks)


def _parting(talks: tuple[_Talk, ...]) -> TlsParting | Absent | Unavailable:
    parted = [(talk, talk.after) for talk in talks if talk.after and said_goodbye(talk.transcript)]
    for talk, after in parted:
        if after.end is not TlsEnd.OPEN:
            return TlsParting(talk.endpoint, after.end is TlsEnd.TRUNCATED, talk.cite)
    if parted:
        return Absent("we closed before the server did", tuple(talk.cite for talk, _ in parted))
    return _unheard("no goodbye was heard", talks)


def _unheard(because: str, talks: tuple[_Talk, ...]) -> Unavailable:
    recorded = any(talk.after is not None for talk in talks)
    told = because if recorded else "the recording does not tell what came after the handshake"
    return Unavailable(told, tuple(talk.cite for talk in talks))


_LEAVE = re.compile(rb"(?:([A-Za-z0-9]+) )?(?:QUIT|LOGOUT)\r\n")
_ENDED = (Ending.BY_US, Ending.BY_PEER)


def said_goodbye(transcript: Transcript) -> bool:
    """Whether we took our leave, and the peer answered that.

    The last thing it says is 221 or +OK to QUIT (RFC 5321 section 4.1.1.10, RFC 1939 sections 4 and 6) or OK to LOGOUT (RFC
    5804 section 2.3). Of IMAP (RFC 9051 section 6.1.3) the tag tells: other commands may go together with it, and be
    answered in another order. Some IMAP servers close after BYE, and leave OK out.
    """
    said = [event for event in transcript.events if isinstance(event, Said)]
    ours = [event for event in said if event.who is Who.US]
    left = _LEAVE.fullmatch(ours[-1].octets) if ours else None
    if left is None or transcript.closed.how not in _ENDED or said[-1].who is Who.US:
        return False
    tag, last = left[1], said[-1].octets.upper()
    if not tag:
        return last.startswith((b"221", b"+OK", b"OK"))
    answers = [event.octets.upper() for event in said if event.who is Who.PEER]
    return last.startswith(b"* BYE") or any(each.startswith(tag.upper() + b" OK") for each in answers)


def _talks(
    inbound: Many[InboundTls],
    clients: Many[ClientContact],
    sieve: Many[SieveContact] | Absent | Unavailable,
) -> dict[str, _Talks]:
    also = items_of(sieve)
    met: dict[str, ClientContact | Absent | Unavailable] = {**clients.items, **also}
    return {**dict(_inbound(inbound)), **dict(_clients(met))}


def _each(talks: dict[str, _Talks], read: Callable[[tuple[_Talk, ...]], T | Absent | Unavailable]) -> Many[T]:
    return Many(
        {
            subject: each if isinstance(each, Absent | Unavailable) else read(each)
            for subject, each in talks.items()
        }
    )


_NO_TLS = Absent("no TLS handshake was completed")


def _inbound(seen: Many[InboundTls]) -> Iterator[tuple[str, _Talks]]:
    for subject, tls in seen.items.items():
        if isinstance(tls, Absent | Unavailable):
            yield subject, tls
        else:
            found = (_talk(tls.endpoint, look.probe, look.transcript) for look in tls.tries)
            yield subject, tuple(filter(None, found)) or _NO_TLS


def _clients(
    contacts: Mapping[str, ClientContact | Absent | Unavailable],
) -> Iterator[tuple[str, _Talks]]:
    for subject, contact in contacts.items():
        if isinstance(contact, Absent | Unavailable):
            yield subject, contact
            continue
        if not contact.state.connected:
            continue  # nothing is there to be told of
        looks = [contact, contact.other] if contact.other is not None else [contact]
        found = (_talk(contact.endpoint, look.probe, look.transcript) for look in looks)
        yield subject, tuple(filter(None, found)) or _NO_TLS


def _talk(endpoint: Endpoint, probe: Probe[Transcript], transcript: Transcript) -> _Talk | None:
    secured = transcript.secured
    if secured is None or not isinstance(secured.handshake, Handshake):
        return None
    return _Talk(endpoint, transcript, transcript.closed.tls, Cite(probe, len(transcript.events) - 1))
