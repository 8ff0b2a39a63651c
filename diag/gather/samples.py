"""What single connections showed of one endpoint, put into a form in which they can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from diag.facts.client_looks import plain_dealing
from diag.facts.clients import AnyLook, ClientContact, SieveContact
from diag.facts.hellos import InboundHandshake
from diag.facts.inbound import InboundContact, InboundInjection, Look
from diag.facts.matrix import EndpointSamples, Offered, Sample
from diag.facts.tls_survey import TlsSurvey
from diag.model.frozen import frozen
from diag.model.knowing import Absent, Cite, Many, Unavailable, items_of
from diag.model.plugin import fact
from diag.probes.injection import InjectionTalk
from diag.probes.probe import Lab
from diag.probes.tls_offer import TlsOffer
from diag.tls.answer import Accepted
from diag.tls.handshake import Handshake
from diag.tls.offer import ServerName
from diag.wire.imap_session import Capabilities, ImapSession
from diag.wire.introduction import named_host
from diag.wire.pop3_session import Capa, Pop3Session
from diag.wire.reach import Reached
from diag.wire.sieve_session import SieveCapabilities, SieveSession
from diag.wire.smtp import EhloReply
from diag.wire.smtp_session import SmtpExchange, SmtpSession, read_smtp

Session = SmtpSession | ImapSession | Pop3Session | SieveSession
Reply = EhloReply | Capabilities | Capa | SieveCapabilities

MOST_DIGITS = 20
"""Of a SIZE: as many as the parameter of MAIL may have (RFC 1870 section 3)."""


def sample(probe: object, session: Session, answer: Shown | None = None) -> Sample | None:
    """What one connection showed; None where it was not greeted, or turned away.

    `answer` is a certificate in DER that was seen in it otherwise than by a handshake of the library's.
    """
    if session.state is not Reached.OPEN or session.greeting is None:
        return None
    made = session.handshake
    if isinstance(made, Handshake) and made.chain:
        answer = Shown(made.chain[0], session.secured)
    kind, fingerprint = _leaf(answer.der) if answer is not None else ("", "")
    clear, tls = said(session) if not session.inconclusive else (None, None)
    return Sample(
        cite=Cite(probe, session.greeting.last),
        name=named_host(greeting(session)),
        clear=_sampled(clear),
        clear_at=Cite(probe, clear.event) if clear is not None else None,
        tls=_sampled(tls),
        tls_at=Cite(probe, tls.event) if tls is not None else None,
        kind=kind,
        leaf=fingerprint,
        leaf_at=Cite(probe, answer.event) if answer is not None else None,
    )


@frozen
class Shown:
    """A server's certificate, and the event in which it was seen."""

    der: bytes
    event: int | None


@frozen
class Told:
    """What a complete reply offers, and the event that ends it."""

    offered: Offered
    event: int | None


@fact
async def endpoint_samples(
    contacts: Many[InboundContact],
    handshakes: Many[InboundHandshake] | Absent | Unavailable,
    injections: Many[InboundInjection] | Absent | Unavailable,
    clients: Many[ClientContact],
    sieve: Many[SieveContact] | Absent | Unavailable,
    surveys: Many[TlsSurvey] | Absent | Unavailable,
    lab: Lab,
) -> Many[EndpointSamples]:
    """All connections to each endpoint, those held for another purpose too.

    What they showed was asked for already, and is asked for once: the lab gives it again.
    """
    shaken, injected, surveyed = items_of(handshakes), items_of(injections), items_of(surveys)

    async def heard(contact: InboundContact | ClientContact) -> EndpointSamples:
        subject = str(contact.endpoint)
        looks = [sample(look.probe, look.session) for look in _looks(contact, shaken.get(subject))]
        for probe, shown in _probes(surveyed.get(subject), injected.get(subject)):
            looks.append(sample(probe, read_smtp(await lab.run(probe)), shown))
        return EndpointSamples(contact.endpoint, tuple(each for each in looks if each is not None))

    met: list[InboundContact | ClientContact] = [*contacts.values(), *clients.values()]
    met += sieve.values() if isinstance(sieve, Many) else ()
    return Many({str(contact.endpoint): await heard(contact) for contact in met})


def _looks(
    contact: InboundContact | ClientContact, shaken: object
) -> Iterator[Look | AnyLook | ClientContact]:
    """The usual conversations, and those that were held because a handshake failed."""
    if isinstance(contact, ClientContact):
        yield contact
        if contact.other is not None:
            yield contact.other
        return
    yield from contact.looks
    if isinstance(shaken, InboundHandshake):
        yield from (look for look in (shaken.classical, shaken.small, shaken.again) if look is not None)


def _probes(survey: object, injection: object) -> Iterable[tuple[InjectionTalk | TlsOffer, Shown | None]]:
    if isinstance(injection, InboundInjection) and isinstance(injection.cite.probe, InjectionTalk):
        yield injection.cite.probe, None
    for tried in survey.tried if isinstance(survey, TlsSurvey) else ():
        probe, answer = tried.cite.probe, tried.answer
        if isinstance(probe, TlsOffer) and probe.spoken == "smtp":
            # Another server name is another certificate by design.
            named = isinstance(answer, Accepted) and tried.offer.server_name is ServerName.HOST
            chain = answer.certificates if isinstance(answer, Accepted) and named else ()
            yield probe, Shown(chain[0], tried.cite.event) if chain else None


def greeting(session: Session) -> str:
    """What the greeting says after its code or its first word; empty where there was none."""
    heard = session.greeting.reply if session.greeting is not None else None
    if isinstance(heard, tuple):
        return heard[0].text if heard else ""
    return heard.text if heard is not None else ""


def said(session: Session) -> tuple[Told | None, Told | None]:
    """What is offered in clear and under TLS, as far as it was told completely and by the server itself."""
    match session:
        case SmtpSession() if plain_dealing(session):
            return _told(session.offer, session.ehlo), _told(session.offer_tls, session.ehlo_tls)
        case ImapSession():
            return _told(session.capabilities), _told(session.capabilities_tls)
        case Pop3Session():
            return _told(session.capa), _told(session.capa_tls)
        case SieveSession():
            return _told(session.capabilities), _told(session.capabilities_tls)
    return None, None


def _told(reply: Reply | None, step: SmtpExchange | None = None) -> Told | None:
    found = offered(reply)
    if found is None or reply is None:
        return None
    if isinstance(reply, EhloReply):
        return Told(found, step.last if step is not None else None)
    return Told(found, reply.event)


def offered(told: Reply | None) -> Offered | None:
    """What a complete reply offers; None where there was none."""
    match told:
        case EhloReply():
            return Offered(tuple(told.keywords), told.mechanisms, _size(told))
        case Capabilities() if told.names:
            return Offered(tuple(dict.fromkeys(name.upper() for name in told.names)), told.mechanisms)
        case Capa():
            user = ("USER",) if told.offers("USER") else ()
            return Offered(tuple(told.capabilities), (*user, *told.mechanisms))
        case SieveCapabilities():
            return Offered(tuple(told.values), told.mechanisms)
    return None


def _size(told: EhloReply) -> int | None:
    said = next(iter(told.keywords.get("SIZE", ())), "")
    plain = said.isascii() and said.isdigit() and len(said) <= MOST_DIGITS
    return int(said) or None if plain else None  # 0 is no fixed limit (RFC 1870 section 3)


def _sampled(told: Told | None) -> Offered | None:
    """What is offered, in whatever order."""
    if told is None:
        return None
    each = told.offered
    return Offered(tuple(sorted(each.keywords)), tuple(sorted(each.logins)), each.size)


def _leaf(der: bytes) -> tuple[str, str]:
    from diag.tls.certificate import read

    leaf = read(der)
    return leaf.key, leaf.fingerprint
