"""What conversations on port 25 show of our own end of the way: shut, or answered there in everybody's place."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from diag.facts.inbound import MX_PORT, InboundContact, Look
from diag.model.knowing import Absent, Cite, Unavailable
from diag.model.target import Target
from diag.names.domain import labels, normal
from diag.probes.moment import Reach, Reached as Answer
from diag.probes.probe import Lab
from diag.probes.talks import SmtpTalk
from diag.tls.handshake import Handshake
from diag.together import all_of
from diag.wire.reach import Reached
from diag.wire.smtp_session import read_smtp

from .dns import Found, look_up
from .references import mail_host

Contacts = Mapping[str, InboundContact | Absent | Unavailable]


async def compared(
    found: Contacts, target: Target, lab: Lab
) -> dict[str, InboundContact | Absent | Unavailable]:
    """Each contact with what the others and the reference hosts show of our own end of the way.

    Reference hosts are asked only where something was seen that would be held against the domain.
    """
    compared = dict(found)
    compared.update(_with_ways(found, await _ways(found, target, lab)))
    compared.update(await _answered_for(compared, target, lab))
    compared.update(await _stripped(compared, target, lab))
    return compared


def family_of(address: str) -> int:
    """4 or 6."""
    return 6 if ":" in address else 4


async def _ways(found: Contacts, target: Target, lab: Lab) -> dict[int, bool | None]:
    """By family: whether anybody answers us on port 25 over it; None where no reference could be asked."""
    known = _known(found)
    ways: dict[int, bool | None] = {
        family_of(contact.endpoint.address): True for contact in known if contact.answered
    }
    for family in sorted({family_of(contact.endpoint.address) for contact in known} - ways.keys()):
        answers = await _references(family, target, lab)
        # A route alone shows little: many machines have one that leads nowhere.
        ways[family] = any(answer.trouble == "" for answer in answers.values()) if answers else None
    return ways


def _with_ways(found: Contacts, ways: Mapping[int, bool | None]) -> Iterator[tuple[str, InboundContact]]:
    known = _known(found)
    open_hosts = {contact.endpoint.host for contact in known if contact.state is Reached.OPEN}
    first_choice = min((contact.preference for contact in known), default=0)
    for contact in known:
        way = ways[family_of(contact.endpoint.address)]
        yield (
            str(contact.endpoint),
            dataclasses.replace(
                contact,
                # What answers over one family says nothing of a port that is shut to the other.
                elsewhere=any(each.answered for each in known) and way is not False,
                family_works=way is True,
                nolisted=contact.preference == first_choice and bool(open_hosts - {contact.endpoint.host}),
            ),
        )


async def _answered_for(found: Contacts, target: Target, lab: Lab) -> dict[str, Unavailable]:
    """Contacts with something at our own end that answers port 25 in everybody's place.

    It gives one name whoever is called: one that belongs neither to the host nor to a reference host.
    """
    strangers = {
        subject: (contact, name)
        for subject, contact in found.items()
        if isinstance(contact, InboundContact)
        and (name := _greeter(_first_line(contact.first)))
        and not _kin(name, contact.endpoint.host)
    }
    unmasked: dict[str, Unavailable] = {}
    for family in sorted({family_of(contact.endpoint.address) for contact, _ in strangers.values()}):
        answers = await _references(family, target, lab)
        for subject, (contact, name) in strangers.items():
            for reach, answer in answers.items():
                same = _greeter(answer.line) == name and not _kin(name, reach.host)
                # One operator's hosts may well say the same.
                theirs = _kin(contact.endpoint.host, reach.host)
                if family_of(contact.endpoint.address) == family and same and not theirs:
                    because = (
                        f"{reach.host}, a host of somebody else, greets us as {name} too: something at our own end "
                        "answers port 25 in everybody's place"
                    )
                    cite = contact.first.cite(contact.first.session.because or _greeting(contact.first))
                    unmasked[subject] = Unavailable(because, (cite, Cite(reach)))
    return unmasked


async def _stripped(found: Contacts, target: Target, lab: Lab) -> dict[str, Unavailable]:
    """Contacts that offer no STARTTLS, where nobody offers it to us.

    Networks that take it out of the reply do so for every host. One conversation with one reference host,
    only where no host of the domain came to TLS.
    """
    lacking: dict[str, InboundContact] = {}
    for subject, contact in found.items():
        if not isinstance(contact, InboundContact):
            continue
        if any(isinstance(look.session.handshake, Handshake) for look in contact.looks):
            return {}
        if all(look.session.lacks_starttls for look in contact.looks):
            lacking[subject] = contact
    for contact in lacking.values():
        answers = await _references(family_of(contact.endpoint.address), target, lab)
        reach = next((reach for reach, answer in answers.items() if answer.trouble == ""), None)
        if reach is None:
            continue
        helo = contact.first.probe.helo
        probe = SmtpTalk(reach.address, reach.port, reach.host, helo, timeout=target.timeout)
        session = read_smtp(await lab.run(probe))
        if not session.lacks_starttls:
            return {}
        because = f"{reach.host} offers us no STARTTLS either: something at our own end takes it out"
        cite = Cite(probe, session.ehlo.last if session.ehlo else None)
        return {
            subject: Unavailable(because, (*each.cites("because"), cite)) for subject, each in lacking.items()
        }
    return {}


async def _references(family: int, target: Target, lab: Lab) -> dict[Reach, Answer]:
    """What the mail hosts of the reference domains answer on port 25 over a family."""

    async def ask(domain: str) -> tuple[Reach, Answer] | None:
        host = await mail_host(lab, domain)
        address = await look_up(lab, host, "AAAA" if family == 6 else "A") if host else None
        if not isinstance(address, Found):
            return None
        probe = Reach(host, str(address.rdatas[0]), MX_PORT)
        return probe, await lab.run(probe)

    return dict(each for each in (await all_of(ask, target.references)).values() if each is not None)


def _known(found: Contacts) -> list[InboundContact]:
    return [contact for contact in found.values() if isinstance(contact, InboundContact)]


def _greeting(look: Look) -> int | None:
    greeting = look.session.greeting
    return greeting.first if greeting is not None else None


def _first_line(look: Look) -> str:
    return look.line(_greeting(look))


def _greeter(line: str) -> str:
    """The name in a greeting; a refusal without one stands for itself. Empty where nothing was said."""
    if line[:3] == "220":
        return normal(next(iter(line[4:].split()), ""))
    return line.strip()


def _kin(name: str, host: str) -> bool:
    """Whether two names may be of one operator: their last two labels agree."""
    return labels(normal(name))[-2:] == labels(normal(host))[-2:]
