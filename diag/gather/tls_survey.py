"""Looking into the TLS of every endpoint at which it came about, or failed to: round by round, as deep as is wanted."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import TypeVar

from diag.facts.access_hosts import Service
from diag.facts.clients import ClientContact, SieveContact
from diag.facts.inbound import InboundTls
from diag.facts.tls_survey import (
    ClientTlsSurveys,
    InboundTlsSurveys,
    SieveTlsSurveys,
    TlsSurvey,
    Tried,
)
from diag.model.frozen import frozen
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.plugin import fact
from diag.model.target import Depth, Endpoint, Target
from diag.probes.probe import Lab
from diag.probes.renegotiation import TlsRenegotiation
from diag.probes.talks import SmtpTalk, Tls
from diag.probes.tls_offer import TlsOffer
from diag.tls.answer import Unheard
from diag.tls.handshake import Handshake, TlsFailure, TlsTrouble
from diag.tls.offer import Offer
from diag.together import all_of, task_group
from diag.wire.offer import OfferRead, Spoken, read_offer
from diag.wire.reach import Reached

from .renegotiation import renegotiation

Contact = TypeVar("Contact", bound=ClientContact)


@frozen
class _Way:
    """How TLS is come to at one endpoint, and what the usual handshake was."""

    endpoint: Endpoint
    client_port: bool
    spoken: Spoken
    tls: Tls
    helo: str
    handshake: Handshake | TlsFailure
    shown: Cite


@fact
async def inbound_tls_surveys(target: Target, inbound: Many[InboundTls], lab: Lab) -> InboundTlsSurveys:
    """Those of MX hosts."""
    return InboundTlsSurveys(await _each(dict(_inbound(inbound)), target, lab))


@fact
async def client_tls_surveys(target: Target, clients: Many[ClientContact], lab: Lab) -> ClientTlsSurveys:
    """Those of submission, IMAP and POP3."""
    return ClientTlsSurveys(await _each(dict(_clients(clients)), target, lab))


@fact
async def sieve_tls_surveys(target: Target, sieve: Many[SieveContact], lab: Lab) -> SieveTlsSurveys:
    """Those of ManageSieve."""
    return SieveTlsSurveys(await _each(dict(_clients(sieve)), target, lab))


@fact
async def tls_surveys(
    inbound: InboundTlsSurveys, clients: ClientTlsSurveys, sieve: SieveTlsSurveys | Absent | Unavailable
) -> Many[TlsSurvey]:
    """All of them."""
    also = sieve.found if isinstance(sieve, SieveTlsSurveys) else {}
    return Many({**inbound.found, **clients.found, **also})


async def _each(
    ways: Mapping[str, _Way | Absent | Unavailable], target: Target, lab: Lab
) -> dict[str, TlsSurvey | Absent | Unavailable]:
    """Every endpoint by itself, all of them at the same time, each begun where the usual conversation showed TLS."""

    async def survey(subject: str) -> TlsSurvey | Absent | Unavailable:
        way = ways[subject]
        return way if isinstance(way, Absent | Unavailable) else await _surveyed(way, target, lab)

    return await all_of(survey, ways)


def _inbound(seen: Many[InboundTls]) -> Iterator[tuple[str, _Way | Absent | Unavailable]]:
    for subject, tls in seen.items.items():
        if isinstance(tls, Absent | Unavailable):
            yield subject, tls
        elif tls.outcome is None:
            yield subject, Unavailable("STARTTLS was refused", (tls.cite,))
        elif turned := next((look for look in tls.tries if look.session.throttled is not None), None):
            yield subject, turned.doubt
        else:
            helo = tls.tries[0].probe.helo
            yield subject, _Way(tls.endpoint, False, "smtp", "starttls", helo, tls.outcome, tls.cite)


def _clients(contacts: Many[Contact]) -> Iterator[tuple[str, _Way | Absent | Unavailable]]:
    for subject, contact in contacts.items.items():
        if isinstance(contact, Absent | Unavailable):
            yield subject, contact
            continue
        if not contact.state.connected:
            continue  # nobody promised a port that is closed, and those that are published are told of elsewhere
        if contact.state is Reached.SPEAKS_TEXT:
            because, event = contact.session.inconclusive, contact.session.because
            yield subject, Absent(because, (contact.cite(event),))
            continue
        made, cite = contact.session.handshake, contact.cite(contact.session.secured)
        if made is None or (contact.session.inconclusive and not isinstance(made, TlsFailure)):
            kind = Unavailable if contact.session.inconclusive else Absent
            because = contact.session.inconclusive or "TLS did not come about"
            yield subject, kind(because, (contact.cite(contact.session.because),))
        else:
            helo = contact.probe.helo if isinstance(contact.probe, SmtpTalk) else ""
            spoken = _SPOKEN[contact.service]
            yield subject, _Way(contact.endpoint, True, spoken, contact.tls, helo, made, cite)


_SPOKEN: Mapping[Service, Spoken] = {
    Service.SUBMISSION: "smtp",
    Service.IMAP: "imap",
    Service.POP3: "pop3",
    Service.SIEVE: "sieve",
}
_PROTOCOLS: Mapping[Spoken, str] = {"smtp": "", "imap": "imap", "pop3": "pop3", "sieve": "managesieve"}
"""What ALPN calls them; SMTP has no name there (IANA, TLS ALPN Protocol IDs)."""
_NOTHING_TO_ASK = frozenset({TlsTrouble.NOT_TLS})


async def _surveyed(way: _Way, target: Target, lab: Lab) -> TlsSurvey | Unavailable:
    made = way.handshake
    if isinstance(made, TlsFailure) and made.reason in _NOTHING_TO_ASK:
        return Unavailable(f"what is spoken there is not TLS ({made.text or made.reason})", (way.shown,))
    tried: list[Tried] = []
    at = way.endpoint
    anew = TlsRenegotiation(
        at.address, at.port, at.host, way.spoken, way.tls, way.helo, timeout=target.timeout
    )
    left = "no more than the usual handshake was wanted"
    async with task_group() as beside:
        if target.tls is Depth.FULL and isinstance(made, Handshake):
            # Whoever speaks TLS at all nearly always speaks what can be negotiated anew: no need to wait for the rounds.
            beside.start_soon(lab.run, anew)
        if target.tls is not Depth.BASIC:
            left = await _asked(way, target, lab, tried)
    survey = TlsSurvey(
        endpoint=way.endpoint,
        client_port=way.client_port,
        depth=target.tls,
        handshake=made,
        shown=way.shown,
        tried=tuple(tried),
        left=left,
    )
    if target.tls is not Depth.FULL:
        return survey
    return dataclasses.replace(survey, renegotiation=await renegotiation(survey, anew, lab))


async def _asked(way: _Way, target: Target, lab: Lab, tried: list[Tried]) -> str:
    """Fill `tried`; why something was left out, or nothing."""
    from diag.tls.rounds import rounds

    plan = rounds(target.tls, way.handshake, target.offers, _PROTOCOLS[way.spoken])
    at_once: tuple[Offer, ...] = ()
    try:
        at_once = next(plan)
        while True:
            heard = await _round(way, at_once, target, lab)
            tried += (
                Tried(offer, read.answer, cite) for offer, (read, cite) in zip(at_once, heard, strict=True)
            )
            away = next((read.answer for read, _ in heard if read.turned_away), None)
            if isinstance(away, Unheard):
                return f"we were turned away, and asked no more: {away.because}"
            if all(isinstance(read.answer, Unheard) for read, _ in heard):
                return f"we were not answered, and asked no more: {_because(heard[0][0])}"
            at_once = plan.send(tuple(read.answer for read, _ in heard))
    except StopIteration as end:
        return str(end.value)


def _because(read: OfferRead) -> str:
    return read.answer.because if isinstance(read.answer, Unheard) else ""


async def _round(
    way: _Way, offers: tuple[Offer, ...], target: Target, lab: Lab
) -> tuple[tuple[OfferRead, Cite], ...]:
    """The answers to several offers, each on a connection of its own."""

    async def ask(number: str) -> tuple[OfferRead, Cite]:
        endpoint = way.endpoint
        probe = TlsOffer(
            endpoint.address,
            endpoint.port,
            endpoint.host,
            way.spoken,
            way.tls,
            way.helo,
            offers[int(number)],
            target.timeout,
        )
        read = read_offer(await lab.run(probe))
        return read, Cite(probe, read.event)

    heard = await all_of(ask, map(str, range(len(offers))))
    return tuple(heard.values())
