"""Talking to every MX host at every address on port 25, and reading what was said."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from diag.facts.inbound import (
    MX_PORT,
    HeloName,
    InboundContact,
    InboundMailbox,
    InboundOffer,
    InboundSurvey,
    InboundTls,
    Look,
    greeted,
)
from diag.facts.mx import MxHost
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.plugin import fact
from diag.model.target import Endpoint, Target
from diag.probes.moment import Route
from diag.probes.pause import Pause
from diag.probes.probe import Lab
from diag.probes.talks import SmtpTalk
from diag.tls.handshake import Handshake, TlsFailure, TlsTrouble
from diag.wire.blame import blamed
from diag.wire.reach import Reached
from diag.wire.smtp_session import SmtpExchange, SmtpSession, greylists, read_smtp

from .dns import Found, look_up
from .mx import all_of

CONFIRMING_PAUSE = 60.0
"""Seconds between two looks where the user wants certainty."""


@fact
async def inbound_contacts(
    target: Target, hosts: Many[MxHost], lab: Lab
) -> Many[InboundContact] | Absent | Unavailable:
    """Every MX host at every address, all at once; a second look where the first shows something grave.

    An address that strangers cannot reach is Absent; one of a family we have no route for, Unavailable.
    """
    if not target.dialogues:
        return Unavailable("no conversations are held in this run, only the DNS is asked")
    wanted = _endpoints(target, hosts)
    ours = await _our_names(target, wanted, lab)
    items: dict[str, InboundContact | Absent | Unavailable] = dict(hosts.unknown())
    for host in hosts.values():
        if host.unknown:
            items[host.name] = Unavailable(host.unknown, host.asked)
    found: dict[str, InboundContact | Absent | Unavailable] = {}

    async def visit(subject: str) -> InboundContact | Absent | Unavailable:
        endpoint, host = wanted[subject]
        if not target.counts_as_public(endpoint.address):
            return Absent(f"{endpoint.address} is not reachable from outside, and was not tried", host.asked)
        name = ours[_family(endpoint.address)]
        if not name:
            return Unavailable(f"this machine has no IPv{_family(endpoint.address)}")
        return await _contact(target, endpoint, host.preference, name, lab)

    found.update(await all_of(visit, wanted))
    return Many({**found, **items})


def _endpoints(target: Target, hosts: Many[MxHost]) -> dict[str, tuple[Endpoint, MxHost]]:
    """Every address of every host, of the families that the user wants."""
    found = {}
    for host in hosts.values():
        addresses = (host.ipv4 if target.ipv4 else ()) + (host.ipv6 if target.ipv6 else ())
        for address in addresses:
            endpoint = Endpoint(host.name, address, MX_PORT)
            found[str(endpoint)] = (endpoint, host)
    return found


async def _our_names(
    target: Target, wanted: Mapping[str, tuple[Endpoint, MxHost]], lab: Lab
) -> dict[int, str]:
    """What we call ourselves by address family (RFC 5321 section 4.1.3); empty without a route."""
    names = {}
    for family in sorted({_family(endpoint.address) for endpoint, _ in wanted.values()}):
        address = (await lab.run(Route(family))).address
        literal = f"[IPv6:{address}]" if family == 6 else f"[{address}]"
        names[family] = (target.helo or literal) if address else ""
    return names


def _family(address: str) -> int:
    return 6 if ":" in address else 4


async def _contact(
    target: Target, endpoint: Endpoint, preference: int, name: str, lab: Lab
) -> InboundContact:
    probe = SmtpTalk(
        address=endpoint.address,
        port=endpoint.port,
        host=endpoint.host,
        helo=name,
        mail_from="",
        recipients=(f"postmaster@{target.domain}",),
        timeout=target.timeout,
    )
    first = await _look(probe, lab)
    again = second_look(first, target)
    if again is None:
        return InboundContact(endpoint, preference, first)
    if target.confirm:
        await lab.run(Pause(CONFIRMING_PAUSE, str(endpoint)))
    return InboundContact(endpoint, preference, first, await _look(again, lab), target.confirm)


async def _look(probe: SmtpTalk, lab: Lab) -> Look:
    transcript = await lab.run(probe)
    return Look(probe, transcript, read_smtp(transcript))


def second_look(first: Look, target: Target) -> SmtpTalk | None:
    """The second conversation that a grave verdict on the first would need; None where it needs none.

    Whoever turned us away for now, or spoke about us, is left alone: nothing could come of it.
    """
    session, probe = first.session, dataclasses.replace(first.probe, look=2)
    if session.state in _UNREACHED:
        return probe
    if session.state is Reached.REFUSED_SERVICE:
        return None if session.blame else probe
    if session.state is not Reached.OPEN:
        return None
    decided = deciding(first)
    refused = decided is not None and decided.reply is not None and decided.reply.kind == 5
    if refused and decided is not None and not about_us(first, decided):
        # With a sender this time, to tell a refused mailbox from a refused null reverse-path.
        return dataclasses.replace(probe, mail_from=f"postmaster@{target.helo or target.domain}")
    if any(_grave(session)):
        return dataclasses.replace(probe, mail_from=None, recipients=())
    return None


_UNREACHED = frozenset(
    {Reached.CLOSED, Reached.FILTERED, Reached.UNREACHABLE, Reached.FAILED, Reached.CLOSED_EARLY}
)


def _grave(session: SmtpSession) -> Iterator[bool]:
    """What of a conversation that took place must be seen twice."""
    yield session.lacks_starttls
    yield session.helo is not None and session.blame is None
    yield _answered_otherwise(session.starttls, 220)
    # A handshake that took all the time there is says nothing the second time either.
    yield isinstance(session.handshake, TlsFailure) and session.handshake.reason is not TlsTrouble.TIMED_OUT
    yield isinstance(session.handshake, Handshake) and session.offer_tls is None


def _answered_otherwise(exchange: SmtpExchange | None, code: int) -> bool:
    return exchange is not None and exchange.reply is not None and exchange.reply.code not in (code, 421)


@fact
async def inbound_surveys(contacts: Many[InboundContact]) -> Many[InboundSurvey]:
    """The conversations that were greeted; Unavailable, with the line that shows why, where none was."""
    items: dict[str, InboundSurvey | Absent | Unavailable] = {}
    for subject, contact in contacts.items.items():
        if isinstance(contact, Absent | Unavailable):
            items[subject] = contact
            continue
        spoken = [look for look in contact.looks if greeted(look)]
        if not spoken:
            session = contact.first.session
            items[subject] = Unavailable(session.inconclusive, contact.cites())
            continue
        second = spoken[1] if len(spoken) > 1 else None
        items[subject] = InboundSurvey(contact.endpoint, spoken[0], second, contact.certainty)
    return Many(items)


@fact
async def inbound_offers(surveys: Many[InboundSurvey]) -> Many[InboundOffer]:
    """What is offered in clear."""
    items: dict[str, InboundOffer | Absent | Unavailable] = {}
    for subject, survey in surveys.items.items():
        items[subject] = survey if isinstance(survey, Absent | Unavailable) else _offer(survey)
    return Many(items)


def _offer(survey: InboundSurvey) -> InboundOffer | Unavailable:
    for look in survey.looks:
        session = look.session
        flawed = (session.throttled, session.tarpit, session.middlebox)
        if session.offer is not None and session.ehlo is not None and not any(e is not None for e in flawed):
            return InboundOffer(survey.endpoint, session.offer, look.cite(session.ehlo.last))
    return doubt(survey.look)


@fact
async def inbound_tls(surveys: Many[InboundSurvey]) -> Many[InboundTls]:
    """What STARTTLS led to: the first handshake that was completed, else the first that failed."""
    items: dict[str, InboundTls | Absent | Unavailable] = {}
    for subject, survey in surveys.items.items():
        items[subject] = survey if isinstance(survey, Absent | Unavailable) else _tls(survey)
    return Many(items)


def _tls(survey: InboundSurvey) -> InboundTls | Absent | Unavailable:
    tried = [look for look in survey.looks if look.session.handshake is not None]
    tried.sort(key=lambda look: not isinstance(look.session.handshake, Handshake))
    for look in tried:
        session = look.session
        assert session.handshake is not None
        return InboundTls(survey.endpoint, session.handshake, look.cite(session.secured), session.offer_tls)
    if all(look.session.lacks_starttls for look in survey.looks):
        cites = tuple(look.cite(look.session.ehlo.last) for look in survey.looks if look.session.ehlo)
        return Absent("STARTTLS is not offered", cites)
    return doubt(next(look for look in survey.looks if not look.session.lacks_starttls))


@fact
async def inbound_mailboxes(surveys: Many[InboundSurvey]) -> Many[InboundMailbox]:
    """What is said to mail for the postmaster."""
    items: dict[str, InboundMailbox | Absent | Unavailable] = {}
    for subject, survey in surveys.items.items():
        items[subject] = survey if isinstance(survey, Absent | Unavailable) else _mailbox(survey)
    return Many(items)


def _mailbox(survey: InboundSurvey) -> InboundMailbox | Unavailable:
    look = survey.look
    null = deciding(look)
    if null is None or null.reply is None or not null.reply.complete:
        return doubt(look)
    if null.reply.kind == 4:
        why = "greylisting puts us off" if greylists(null.reply) else f"{null.verb} was put off"
        return Unavailable(f'{why}: "{look.line(null.last)}"', (look.cite(null.last),))
    if about_us(look, null):
        return Unavailable(
            f'{null.verb} was refused because of us: "{look.line(null.last)}"', (look.cite(null.last),)
        )
    second = survey.second if survey.second is not None and survey.second.probe.mail_from else None
    return InboundMailbox(
        endpoint=survey.endpoint,
        mailbox=look.probe.recipients[0] if look.probe.recipients else "",
        accepted=null.reply.positive,
        look=look,
        null=null,
        named=deciding(second) if second is not None else None,
        second=second,
    )


def deciding(look: Look) -> SmtpExchange | None:
    """The exchange that decides a transaction: MAIL where it was not taken, else the one recipient."""
    mail, rcpts = look.session.mail, look.session.rcpts
    if mail is None or mail.reply is None or not mail.reply.positive:
        return mail
    return rcpts[0] if rcpts else None


def about_us(look: Look, exchange: SmtpExchange) -> bool:
    """Whether a refusal names our address, our name or a list we are on."""
    reply, probe = exchange.reply, look.probe
    return reply is not None and blamed(reply, helo=probe.helo, peer=probe.address) is not None


def doubt(look: Look) -> Unavailable:
    """Why a conversation does not decide what it was asked for, with the line that shows it."""
    session = look.session
    for because, event in _doubts(look):
        if because:
            return Unavailable(because, (look.cite(event),))
    return Unavailable("the conversation did not come so far", (look.cite(session.closed_event),))


def _doubts(look: Look) -> Iterator[tuple[str, int | None]]:
    session = look.session
    yield session.inconclusive, session.because
    if session.middlebox is not None:
        masked = look.line(session.middlebox)
        yield f'something on the way has masked what the host says: "{masked}"', session.middlebox
    if session.throttled is not None:
        yield f'the host turns us away for now: "{look.line(session.throttled)}"', session.throttled
    if session.helo is not None and session.ehlo is not None:
        yield "EHLO was refused, and a reply to HELO offers nothing", session.ehlo.last
    if _answered_otherwise(session.starttls, 220) and session.starttls is not None:
        last = session.starttls.last
        yield f'STARTTLS was refused: "{look.line(last)}"', last
    if isinstance(session.handshake, TlsFailure):
        yield f"the TLS handshake failed ({session.handshake.reason})", session.secured
    if session.offer_tls is None and session.handshake is not None:
        yield "EHLO was not answered under TLS", session.closed_event


@fact
async def helo_name(target: Target, lab: Lab) -> HeloName | Absent | Unavailable:
    """Where the name leads that the user has us give; Absent where we give our address."""
    if not target.helo or not target.dialogues:
        return Absent("we give our address as an address literal")
    looked = await all_of(lambda rdtype: look_up(lab, target.helo, rdtype), ("A", "AAAA"))
    asked: tuple[Cite, ...] = tuple(cite for each in looked.values() for cite in each.evidence)
    addresses = [str(rdata) for each in looked.values() if isinstance(each, Found) for rdata in each.rdatas]
    failed = [each.because for each in looked.values() if isinstance(each, Unavailable)]
    if failed and not addresses:
        return Unavailable(failed[0], asked)
    return HeloName(target.helo, tuple(addresses), asked)
