"""Talking to every MX host at every address on port 25, and reading what was said."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from itertools import takewhile
from typing import TypeVar

from diag.facts.inbound import (
    MX_PORT,
    HeloName,
    InboundContact,
    InboundGreeting,
    InboundInjection,
    InboundMailbox,
    InboundOffer,
    InboundSteps,
    InboundSurvey,
    InboundTls,
    Look,
)
from diag.facts.mx import MxHost
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.plugin import fact
from diag.model.target import Endpoint, Target
from diag.names.registered import registrable
from diag.probes.injection import InjectionTalk
from diag.probes.moment import Route
from diag.probes.pause import Pause
from diag.probes.probe import Lab
from diag.probes.talks import SmtpTalk, TalkProbe
from diag.tls.handshake import Handshake, TlsFailure, TlsTrouble
from diag.together import all_of
from diag.wire.injection import Obeyed, read_injection
from diag.wire.reach import Reached
from diag.wire.smtp import Reply
from diag.wire.smtp_session import SmtpExchange, greylists, read_smtp

from .dns import Found, look_up
from .greeted import held
from .our_end import compared, family_of

T = TypeVar("T")
U = TypeVar("U")

MOST_ADDRESSES = 16
"""Addresses of one MX host that are talked to, of each family."""
OTHER_ROLES = ("abuse@{}", "postmaster")
"""Mailboxes that are asked for beside the domain's postmaster (RFC 2142 section 4, RFC 5321 section 4.5.1)."""
SLOW_GREETING_MS = 20_000
"""Milliseconds after which a greeting is slow: pauses against spam and look-ups take less."""
FOR_ALL = ("postmaster",)
"""Who is asked for at a host of others where the conversation serves several domains: nobody's but the host's own."""
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
    if not wanted and not any(hosts.unknown()) and not any(host.unknown for host in hosts.values()):
        return Absent("there is no mail host with an address to talk to")
    ours = await _our_names(target, wanted, lab)
    items: dict[str, InboundContact | Absent | Unavailable] = dict(hosts.unknown())
    for host in hosts.values():
        if host.unknown:
            items[host.name] = Unavailable(host.unknown, host.asked)
        left = sum(max(0, len(each) - MOST_ADDRESSES) for each in (host.ipv4, host.ipv6))
        if left:
            because = f"only {MOST_ADDRESSES} addresses of each family are talked to"
            items[f"{left} more addresses of {host.name}"] = Unavailable(because, host.asked)

    async def visit(subject: str) -> InboundContact | Absent | Unavailable:
        endpoint, host = wanted[subject]
        if not target.counts_as_public(endpoint.address):
            return Absent(f"{endpoint.address} is not reachable from outside, and was not tried", host.asked)
        name = ours[family_of(endpoint.address)]
        if not name:
            return Unavailable(f"this machine has no IPv{family_of(endpoint.address)}")
        return await _contact(target, endpoint, host.preference, name, lab)

    found = await all_of(visit, wanted)
    return Many({**await compared(found, target, lab), **items})


def _endpoints(target: Target, hosts: Many[MxHost]) -> dict[str, tuple[Endpoint, MxHost]]:
    """Every address of every host, of the families that the user wants, up to MOST_ADDRESSES of each."""
    found = {}
    for host in hosts.values():
        four = host.ipv4[:MOST_ADDRESSES] if target.ipv4 else ()
        six = host.ipv6[:MOST_ADDRESSES] if target.ipv6 else ()
        for address in (*four, *six):
            endpoint = Endpoint(host.name, address, MX_PORT)
            found[str(endpoint)] = (endpoint, host)
    return found


async def _our_names(
    target: Target, wanted: Mapping[str, tuple[Endpoint, MxHost]], lab: Lab
) -> dict[int, str]:
    """What we call ourselves by address family (RFC 5321 section 4.1.3); empty without a route."""
    names = {}
    for family in sorted({family_of(endpoint.address) for endpoint, _ in wanted.values()}):
        address = (await lab.run(Route(family))).address
        literal = f"[IPv6:{address}]" if family == 6 else f"[{address}]"
        names[family] = (target.helo or literal) if address else ""
    return names


async def _contact(
    target: Target, endpoint: Endpoint, preference: int, name: str, lab: Lab
) -> InboundContact:
    of_others = target.shared and registrable(endpoint.host) != registrable(target.domain)
    roles = (f"postmaster@{target.domain}", *(role.format(target.domain) for role in OTHER_ROLES))
    probe = SmtpTalk(
        address=endpoint.address,
        port=endpoint.port,
        host=endpoint.host,
        helo=name,
        mail_from="",
        recipients=FOR_ALL if of_others else roles,
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
    transcript = await held(probe, lab)
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
    decided = first.deciding
    refused = decided is not None and decided.reply is not None and decided.reply.kind == 5
    if refused and decided is not None and not first.about_us(decided) and probe.recipients != FOR_ALL:
        # With a sender this time, to tell a refused mailbox from a refused null reverse-path.
        sender = f"postmaster@{target.helo or target.domain}"
        return dataclasses.replace(probe, mail_from=sender, recipients=probe.recipients[:1])
    if any(_grave(first)):
        return dataclasses.replace(probe, mail_from=None, recipients=())
    return None


_UNREACHED = frozenset(
    {Reached.CLOSED, Reached.FILTERED, Reached.UNREACHABLE, Reached.FAILED, Reached.CLOSED_EARLY}
)


def _grave(look: Look) -> Iterator[bool]:
    """What of a conversation that took place must be seen twice."""
    session = look.session
    yield session.lacks_starttls
    yield session.helo is not None and session.blame is None
    yield look.refused_starttls is not None
    # A handshake that took all the time there is says nothing the second time either.
    yield isinstance(session.handshake, TlsFailure) and session.handshake.reason is not TlsTrouble.TIMED_OUT
    yield isinstance(session.handshake, Handshake) and session.offer_tls is None
    yield session.greeting is not None and session.greeting.waited_ms > SLOW_GREETING_MS


@fact
async def inbound_greetings(contacts: Many[InboundContact]) -> Many[InboundGreeting]:
    """Where something was said to us."""
    return _each(
        contacts, lambda contact: InboundGreeting(contact) if contact.answered else _silence(contact)
    )


@fact
async def inbound_surveys(contacts: Many[InboundContact]) -> Many[InboundSurvey]:
    """The conversations that were greeted; Unavailable, with the line that shows why, where none was."""
    return _each(contacts, _survey)


def _survey(contact: InboundContact) -> InboundSurvey | Absent | Unavailable:
    if not contact.best.greeted:
        return _silence(contact)
    second = contact.second if contact.best is contact.first else None
    return InboundSurvey(contact.endpoint, contact.best, second, contact.certainty)


def _silence(contact: InboundContact) -> Absent | Unavailable:
    kind = Absent if contact.unreachable else Unavailable
    return kind(contact.first.session.inconclusive, contact.cites())


@fact
async def inbound_offers(surveys: Many[InboundSurvey]) -> Many[InboundOffer]:
    """What is offered in clear, and under TLS."""
    return _each(surveys, _offer)


def _offer(survey: InboundSurvey) -> InboundOffer | Unavailable:
    for look in survey.looks:
        session = look.session
        flawed = (session.throttled, session.tarpit, session.middlebox)
        if session.offer is not None and all(event is None for event in flawed):
            told = ((session.ehlo, session.offer), (session.ehlo_tls, session.offer_tls))
            cites = tuple(
                look.cite(hello.last) for hello, offer in told if hello is not None and offer is not None
            )
            return InboundOffer(survey.endpoint, look, session.offer, session.offer_tls, cites)
    return survey.look.doubt


@fact
async def inbound_tls(surveys: Many[InboundSurvey]) -> Many[InboundTls]:
    """What STARTTLS led to."""
    return _each(surveys, _tls)


def _tls(survey: InboundSurvey) -> InboundTls | Absent | Unavailable:
    tried = tuple(look for look in survey.looks if look.session.handshake or look.refused_starttls)
    for look in sorted(tried, key=_success):
        event = look.session.secured
        cite = look.cite(
            event if event is not None or look.session.starttls is None else look.session.starttls.last
        )
        return InboundTls(survey.endpoint, look.session.handshake, cite, tried, survey.certainty)
    lacking = [look for look in survey.looks if look.session.lacks_starttls]
    if len(lacking) == len(survey.looks):
        cites = tuple(look.cite(look.session.ehlo.last) for look in lacking if look.session.ehlo)
        if survey.second is None:
            return Unavailable("one look alone does not show that STARTTLS is not offered", cites)
        return Absent("STARTTLS is not offered", cites)
    return next(look for look in survey.looks if look not in lacking).doubt


def _success(look: Look) -> int:
    """Completed handshakes first, then failed ones, then refusals."""
    match look.session.handshake:
        case Handshake():
            return 0
        case TlsFailure():
            return 1
        case _:
            return 2


@fact
async def inbound_injections(contacts: Many[InboundContact], lab: Lab) -> Many[InboundInjection]:
    """Every host once, at its first address where STARTTLS works."""
    working: dict[str, InboundContact] = {}
    for contact in contacts.values():
        session = contact.best.session
        if session.starttls is not None and isinstance(session.handshake, Handshake):
            working.setdefault(contact.endpoint.host, contact)

    async def try_it(host: str) -> InboundInjection | Unavailable:
        endpoint, look = working[host].endpoint, working[host].best
        probe = _injection(look.probe)
        read = read_injection(await lab.run(probe))
        cite = Cite(probe, read.event)
        if read.obeyed is Obeyed.UNKNOWN:
            return Unavailable(read.because, (cite,))
        return InboundInjection(endpoint, read.obeyed is Obeyed.YES, look, read.line, cite)

    found = await all_of(try_it, working)
    return Many({str(working[host].endpoint): tried for host, tried in found.items()})


def _injection(usual: SmtpTalk) -> InjectionTalk:
    return InjectionTalk(usual.address, usual.port, usual.host, usual.helo, usual.timeout)


@fact
async def inbound_steps(
    surveys: Many[InboundSurvey], injections: Many[InboundInjection], lab: Lab
) -> Many[InboundSteps]:
    """What the two conversations that are held anyway show of simple commands; no other is held for it."""

    async def steps(subject: str) -> InboundSteps | Absent | Unavailable:
        survey = surveys.items[subject]
        if isinstance(survey, Absent | Unavailable):
            return survey
        look = survey.look
        said: list[tuple[SmtpExchange, TalkProbe]] = []
        if look.session.rset is not None:
            said.append((look.session.rset, look.probe))
        if subject in injections.items:
            probe = _injection(look.probe)
            talk = read_smtp(await lab.run(probe))
            # What stands behind STARTTLS is there to be forgotten, and the reply after it answers something else.
            plain = takewhile(lambda step: step.verb != "STARTTLS", talk.exchanges)
            said += [(step, probe) for step in plain if talk.blame is None]
        refused = tuple(
            (step.verb, step.reply, Cite(probe, step.last))
            for step, probe in said
            if step.reply is not None and step.reply.complete and _refused(step.verb, step.reply, look)
        )
        return InboundSteps(survey.endpoint, look, refused)

    return Many(await all_of(steps, surveys.items))


def _refused(verb: str, reply: Reply, usual: Look) -> bool:
    """Whether a command that everybody may give was refused for good."""
    session = usual.session
    if session.blame is not None or session.throttled is not None:
        return False
    if verb == "MAIL":  # what is refused under TLS as well is refused for another reason
        mail = session.mail
        return reply.kind == 5 and mail is not None and mail.secure and _taken(mail)
    return verb in ("NOOP", "RSET") and reply.kind in (2, 5) and reply.code != 250


def _taken(step: SmtpExchange) -> bool:
    return step.reply is not None and step.reply.positive


@fact
async def inbound_mailboxes(target: Target, surveys: Many[InboundSurvey], lab: Lab) -> Many[InboundMailbox]:
    """What is said to mail for the postmaster.

    Where conversations serve several domains, one host of others is asked once more, on behalf of this domain alone;
    in a run over a long list none is.
    """
    told = _each(surveys, _mailbox)
    of_others = [survey for survey in surveys.values() if survey.probe.recipients == FOR_ALL]
    if not of_others:
        return told
    why = "its host serves other domains too: in a run over so many, their mailboxes are not asked for"
    found: dict[str, InboundMailbox | Absent | Unavailable] = {}
    if target.authoritative is not False:
        chosen, alone = of_others[0], dataclasses.replace(target, shared=False)
        contact = await _contact(alone, chosen.endpoint, 0, chosen.probe.helo, lab)
        asked = _survey(contact)
        found[str(chosen.endpoint)] = _mailbox(asked) if isinstance(asked, InboundSurvey) else asked
        why = f"its host serves other domains too, and was asked at {chosen.endpoint}"
    others = {str(survey.endpoint): Absent(why) for survey in of_others}
    return Many({**told.items, **others, **found})


def _mailbox(survey: InboundSurvey) -> InboundMailbox | Unavailable:
    look = survey.look
    null = look.deciding
    if null is None or null.reply is None or not null.reply.complete:
        return look.doubt
    if null.reply.kind == 4:
        why = "greylisting puts us off" if greylists(null.reply) else f"{null.verb} was put off"
        return Unavailable(f'{why}: "{look.line(null.last)}"', (look.cite(null.last),))
    if look.about_us(null):
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
        named=_told(second),
        second=second,
        certainty=survey.certainty,
    )


def _told(second: Look | None) -> SmtpExchange | None:
    """What a second transaction decided, if what was said is not about us."""
    named = second.deciding if second is not None else None
    return None if second is None or named is None or second.about_us(named) else named


def _each(known: Many[T], read: Callable[[T], U | Absent | Unavailable]) -> Many[U]:
    """What is known of every subject, read further; not knowing is passed on."""
    items: dict[str, U | Absent | Unavailable] = {}
    for subject, value in known.items.items():
        items[subject] = value if isinstance(value, Absent | Unavailable) else read(value)
    return Many(items)


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
