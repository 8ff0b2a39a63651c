"""Certificates out of the conversations that were held, judged at the run's moment.

Asked are the trust store and, where a server sends too little, the places where it says that the rest is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from diag.facts.access_hosts import Origin
from diag.facts.certificate_peers import CertificatePeers, before_programs, before_senders
from diag.facts.certificates import ClientCertificate, InboundCertificate, Role, ServedCertificate
from diag.facts.clients import ClientContact, SieveContact
from diag.facts.dane import DaneHost
from diag.facts.hellos import InboundHandshake
from diag.facts.moment import RunMoment
from diag.facts.mta_sts import StsPolicy
from diag.facts.vantage import OurClock
from diag.model.knowing import Absent, Cite, Many, Unavailable, items_of
from diag.model.plugin import fact
from diag.model.target import Endpoint, Target
from diag.probes.probe import Lab
from diag.probes.trust import Anchors, TrustAnchors
from diag.tls.chain import issuers_of, judge
from diag.tls.handshake import Handshake, TlsFailure
from diag.tls.key_number import key_number
from diag.together import all_of
from diag.wire.reach import Reached

from .issuers import Completed, completed
from .known_keys import list_of
from .references import SHUT

S = TypeVar("S", bound=ServedCertificate)


@fact
async def inbound_certificates(
    handshakes: Many[InboundHandshake], target: Target, moment: RunMoment, lab: Lab
) -> Many[InboundCertificate]:
    """What the MX hosts serve on port 25."""

    async def served(subject: str) -> InboundCertificate | Absent | Unavailable:
        seen = handshakes.items[subject]
        if isinstance(seen, Absent | Unavailable):
            return seen
        endpoint, handshake, cite = seen.tls.endpoint, seen.tls.outcome, seen.tls.cite
        if not isinstance(handshake, Handshake) and seen.shown is not None:
            # A host that minds our usual ClientHello serves its certificate to those who send another.
            handshake, cite = seen.shown.session.handshake, seen.shown.cite(seen.shown.session.secured)
        if not isinstance(handshake, Handshake):
            return Unavailable(_failed(handshake), (cite,))
        references = (endpoint.host,)
        return await _judged(
            InboundCertificate, endpoint, Role.INBOUND, handshake, references, cite, target, moment, lab
        )

    return Many(await all_of(served, handshakes.items))


@fact
async def client_certificates(
    contacts: Many[ClientContact],
    sieve: Many[SieveContact] | Absent | Unavailable,
    target: Target,
    moment: RunMoment,
    lab: Lab,
) -> Many[ClientCertificate]:
    """What mail programs are served. A guessed endpoint that serves nothing is left out: nobody promised it."""
    also = items_of(sieve)
    met: dict[str, ClientContact | Absent | Unavailable] = {**contacts.items, **also}

    async def served(subject: str) -> ClientCertificate | Absent | Unavailable:
        contact = met[subject]
        if isinstance(contact, Absent | Unavailable):
            return contact
        handshake = contact.session.handshake
        if not isinstance(handshake, Handshake):
            return _unseen(contact)
        role = Role.CLIENT if _told(contact) else Role.GUESSED
        references: tuple[str, ...] = (contact.endpoint.host,)
        if any(offer.origin is Origin.SRV for offer in contact.offers):
            references += (target.domain,)
        cite = contact.cite(contact.session.secured)
        return await _judged(
            ClientCertificate, contact.endpoint, role, handshake, references, cite, target, moment, lab
        )

    found = await all_of(served, (subject for subject, c in met.items() if _counts(c)))
    return Many(found)


@fact
async def served_certificates(
    inbound: Many[InboundCertificate] | Absent | Unavailable,
    clients: Many[ClientCertificate] | Absent | Unavailable,
) -> Many[ServedCertificate] | Absent | Unavailable:
    """All of them. One kind that could not be looked at does not hide the other."""
    items: dict[str, ServedCertificate | Absent | Unavailable] = {}
    unknown = [seen for seen in (inbound, clients) if not isinstance(seen, Many)]
    for seen in (inbound, clients):
        if isinstance(seen, Many):
            items.update(seen.items)
    if not items and unknown:
        return next((seen for seen in unknown if isinstance(seen, Unavailable)), unknown[0])
    return Many(items)


@fact
async def certificate_peers(
    inbound: Many[InboundCertificate] | Absent | Unavailable,
    clients: Many[ClientCertificate] | Absent | Unavailable,
    dane: Many[DaneHost] | Absent | Unavailable,
    sts: StsPolicy | Absent | Unavailable,
    clock: OurClock | Absent | Unavailable,
    target: Target,
) -> Many[CertificatePeers] | Absent | Unavailable:
    """What every peer makes of every certificate."""
    both = [each for each in (inbound, clients) if isinstance(each, Many)]
    if not both:
        return inbound if isinstance(inbound, Absent | Unavailable) else Absent("no certificate was seen")

    def met(served: ServedCertificate | Absent | Unavailable) -> CertificatePeers | Absent | Unavailable:
        if isinstance(served, InboundCertificate):
            return before_senders(served, dane, sts, clock)
        return before_programs(served, clock) if isinstance(served, ServedCertificate) else served

    return Many({subject: met(served) for each in both for subject, served in each.items.items()})


async def _judged(
    make: Callable[..., S],
    endpoint: Endpoint,
    role: Role,
    handshake: Handshake,
    references: tuple[str, ...],
    cite: Cite,
    target: Target,
    moment: RunMoment,
    lab: Lab,
) -> S | Absent:
    if not handshake.chain:
        return Absent("the server sent no certificate", (cite,))
    anchors = await lab.run(TrustAnchors(issuers_of(handshake.chain)))
    verdict = judge(handshake.chain, references, anchors.roots, moment.at)
    distrust = _distrust(anchors)
    more = Completed()
    if not distrust:
        more = await completed(handshake.chain, references, verdict, moment.at, target, lab)
    return make(
        endpoint=endpoint,
        role=role,
        handshake=handshake,
        references=references,
        verdict=verdict,
        store=anchors.store,
        distrust=distrust,
        cites=(cite, *more.cites),
        fetched=more.fetched,
        completed=more.verdict,
        listed=await list_of(key_number(handshake.chain[0]), lab),
    )


def _distrust(anchors: Anchors) -> str:
    if anchors.trouble:
        return f"the trust store could not be read: {anchors.trouble}"
    return "" if anchors.count else "the trust store is empty"


def _counts(contact: ClientContact | Absent | Unavailable) -> bool:
    """Whether not seeing a certificate there, or seeing one, means anything."""
    if not isinstance(contact, ClientContact):
        return True
    return _told(contact) or isinstance(contact.session.handshake, Handshake)


def _told(contact: ClientContact) -> bool:
    """Whether anybody said that a mail program should come here: the domain, or the user."""
    return contact.published or Origin.USER in contact.origins


def _unseen(contact: ClientContact) -> Absent | Unavailable:
    """Why an endpoint that matters showed no certificate."""
    session = contact.session
    cite = contact.cite(session.because)
    if contact.state is Reached.SPEAKS_TEXT:
        return Absent(session.inconclusive, (cite,))
    if isinstance(session.handshake, TlsFailure):
        return Unavailable(_failed(session.handshake), (contact.cite(session.secured),))
    if contact.shut:
        return Unavailable(SHUT.format(port=contact.endpoint.port), (cite,))
    if contact.state is Reached.CLOSED or (not contact.published and not contact.state.connected):
        return Absent("nothing answers there", (cite,))  # nobody said that the user's host has every port
    if session.inconclusive:
        return Unavailable(session.inconclusive, (cite,))
    return Absent("TLS is not offered", (cite,))


def _failed(failure: TlsFailure | None) -> str:
    if failure is None:
        return "STARTTLS was refused"
    why = failure.alert or failure.detail
    return f"the TLS handshake failed ({failure.reason}{f': {why}' if why else ''})"
