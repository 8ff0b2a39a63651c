"""The matrix of hosts, addresses and ports, out of what others have gathered: nobody is asked for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from diag.facts.access_hosts import Origin
from diag.facts.certificates import ServedCertificate
from diag.facts.clients import ClientContact, SieveContact
from diag.facts.inbound import MX_PORT, InboundContact, InboundOffer, Look
from diag.facts.matrix import UNREACHED, Cell, EndpointSamples, Matrix, Sample
from diag.facts.mx import MxHost
from diag.facts.tls_survey import TlsSurvey
from diag.model.frozen import frozen
from diag.model.knowing import Absent, Cite, Many, Unavailable, items_of
from diag.model.plugin import fact
from diag.model.target import Endpoint
from diag.wire.reach import Reached

from .references import SHUT
from .samples import greeting, offered, said

FAULTS = frozenset(
    {
        Reached.REFUSED_SERVICE,
        Reached.SPEAKS_TLS,
        Reached.SPEAKS_TEXT,
        Reached.TLS_FAILED,
        Reached.MALFORMED,
    }
)
"""States that rules about the endpoint tell of."""
Kinds = Mapping[str, Any]
"""What is known of one kind, by endpoint."""


@fact
async def matrix(
    hosts: Many[MxHost] | Absent | Unavailable,
    contacts: Many[InboundContact] | Absent | Unavailable,
    offers: Many[InboundOffer] | Absent | Unavailable,
    clients: Many[ClientContact] | Absent | Unavailable,
    sieve: Many[SieveContact] | Absent | Unavailable,
    surveys: Many[TlsSurvey] | Absent | Unavailable,
    certificates: Many[ServedCertificate] | Absent | Unavailable,
    samples: Many[EndpointSamples] | Absent | Unavailable,
) -> Matrix | Absent | Unavailable:
    """Every endpoint that was talked to, or was to be, with what it showed."""
    if not isinstance(contacts, Many) and not isinstance(clients, Many):
        return clients if isinstance(contacts, Absent) else contacts
    known = _Known(items_of(offers), items_of(surveys), items_of(certificates), items_of(samples))
    cells = [
        _at_25(endpoint, preference, contact, known)
        for endpoint, preference, contact in _inbound(items_of(hosts), items_of(contacts))
    ]
    met = (*items_of(clients).values(), *items_of(sieve).values())
    cells += [_client(each, known) for each in met if isinstance(each, ClientContact)]
    return Matrix(tuple(cells)) if cells else Absent("there is no host to talk to")


@frozen
class _Known:
    """What others have gathered, by endpoint."""

    offers: Kinds
    surveys: Kinds
    certificates: Kinds
    samples: Kinds

    def survey(self, subject: str) -> TlsSurvey | None:
        found = self.surveys.get(subject)
        return found if isinstance(found, TlsSurvey) else None

    def certificate(self, subject: str) -> ServedCertificate | None:
        found = self.certificates.get(subject)
        return found if isinstance(found, ServedCertificate) else None

    def heard(self, subject: str) -> tuple[Sample, ...]:
        found = self.samples.get(subject)
        return found.samples if isinstance(found, EndpointSamples) else ()


def _inbound(hosts: Kinds, contacts: Kinds) -> Iterator[tuple[Endpoint, int, object]]:
    """Every address of every MX host that was talked to, or was to be, by preference."""
    known = [host for host in hosts.values() if isinstance(host, MxHost)]
    for host in sorted(known, key=lambda host: host.preference):
        for address in host.addresses:
            endpoint = Endpoint(host.name, address, MX_PORT)
            if (contact := contacts.get(str(endpoint))) is not None:
                yield endpoint, host.preference, contact


def _at_25(endpoint: Endpoint, preference: int, contact: object, known: _Known) -> Cell:
    subject = str(endpoint)
    if isinstance(contact, Absent | Unavailable):
        return Cell(
            endpoint=endpoint,
            service="smtp",
            preference=preference,
            because=contact.because,
            told=isinstance(contact, Absent),
            cites=contact.evidence,
        )
    assert isinstance(contact, InboundContact)  # as Many says
    offer, look = known.offers.get(subject), contact.best
    told = offer if isinstance(offer, InboundOffer) else None
    doubt = offer if isinstance(offer, Unavailable) else None
    return Cell(
        endpoint=endpoint,
        service="smtp",
        preference=preference,
        published=True,
        state=contact.state,
        because=doubt.because if doubt is not None else "",
        told=_faulty(contact),
        cites=doubt.evidence if doubt is not None else (look.cite(),),
        greeting=greeting(look.session),
        clear=offered(told.clear) if told is not None else None,
        tls=offered(told.tls) if told is not None else None,
        offered=told.cites if told is not None else (),
        survey=known.survey(subject),
        certificate=known.certificate(subject),
        puts_off=_puts_off(look),
        samples=known.heard(subject),
    )


def _faulty(contact: InboundContact) -> bool:
    """Whether it has shown by itself what is wrong with it: no answer about us, and none that means "not now"."""
    session = contact.best.session
    refused = session.helo is not None or session.middlebox is not None
    return session.blame is None and (contact.state in FAULTS or (contact.state is Reached.OPEN and refused))


def _puts_off(look: Look) -> Cite | None:
    """Where mail for the postmaster is refused for now."""
    decided = look.deciding
    if decided is None or decided.reply is None or decided.reply.kind != 4:
        return None
    return look.cite(decided.last)


def _client(contact: ClientContact, known: _Known) -> Cell:
    subject, session = str(contact.endpoint), contact.session
    told = said(session)
    return Cell(
        endpoint=contact.endpoint,
        service=str(contact.service),
        meant=contact.published or any(origin is not Origin.MX for origin in contact.origins),
        published=contact.published,
        state=contact.state,
        because=_doubt(contact),
        told=contact.state in FAULTS and getattr(session, "blame", None) is None,
        cites=(contact.cite(session.because),),
        greeting=greeting(session),
        clear=told[0].offered if told[0] is not None else None,
        tls=told[1].offered if told[1] is not None else None,
        offered=tuple(contact.cite(each.event) for each in told if each is not None),
        survey=known.survey(subject),
        certificate=known.certificate(subject),
        samples=known.heard(subject),
    )


def _doubt(contact: ClientContact) -> str:
    """Why nothing can be concluded of a port for mail programs; nobody promised one that is not published."""
    if contact.shut:
        return SHUT.format(port=contact.endpoint.port)
    if contact.state in UNREACHED and (contact.state is Reached.CLOSED or not contact.published):
        return ""
    return contact.session.inconclusive
