"""Talking to every port that mail programs use, each host as soon as its addresses are known."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from diag.facts.access_hosts import AccessHost, Offer, Origin, Service
from diag.facts.client_looks import ClientLook
from diag.facts.clients import (
    CLIENT_PORTS,
    AnyLook,
    ClientContact,
    ImapSurvey,
    Pop3Survey,
    SubmissionSurvey,
)
from diag.facts.mx import MxHost
from diag.model.frozen import frozen
from diag.model.knowing import Absent, Many, Unavailable
from diag.model.plugin import fact
from diag.model.target import Endpoint, Target
from diag.probes.hello import with_hello
from diag.probes.pause import Pause
from diag.probes.probe import Lab
from diag.probes.talks import AnyTalk, ImapTalk, Pop3Talk, SieveTalk, SmtpTalk, Tls
from diag.tls.handshake import TlsFailure
from diag.tls.hello import Hello
from diag.together import task_group
from diag.wire.reading import (
    ImapSession,
    Pop3Session,
    Reached,
    SmtpSession,
    read_imap,
    read_pop3,
    read_sieve,
    read_smtp,
)
from diag.wire.transcript import Transcript

from .access_hosts import NO_DIALOGUES, Sightings, discover, wanted
from .greeted import held
from .helo import helo
from .inbound import CONFIRMING_PAUSE
from .references import SHUT, reference_answers, service_host

T = TypeVar("T")

MOST_ADDRESSES = 8
"""Addresses of one host that are talked to."""


@frozen
class _Port:
    """What is spoken on one port of one address under one name."""

    endpoint: Endpoint
    service: Service
    tls: Tls


@fact
async def client_contacts(target: Target, lab: Lab) -> Many[ClientContact] | Unavailable:
    """A conversation with every port that mail programs use, at every address of every host.

    Finding hosts and talking to them overlap: no talk waits for a host it has nothing to do with. A port
    is talked to again at once where the first talk shows something grave by what is missing or refused,
    and, once all have been tried, where a published host did not answer at all.
    """
    if not target.dialogues:
        return Unavailable(NO_DIALOGUES)
    found = Sightings()
    begun: set[_Port] = set()
    heard: dict[_Port, tuple[AnyLook, ...]] = {}
    name = await helo(target, lab)

    async def talk(port: _Port) -> None:
        probe = talk_for(port.endpoint, port.service, port.tls, name, target.timeout)
        first = read_talk(probe, await held(probe, lab))
        heard[port] = (first,)
        if first.lacks:
            await talk_again(port)

    async def talk_again(port: _Port) -> None:
        (first,) = heard[port]
        if target.confirm:
            await lab.run(Pause(CONFIRMING_PAUSE, f"{port.service} at {port.endpoint}"))
        again: AnyTalk = dataclasses.replace(first.probe, look=2)
        if isinstance(first.session.handshake, TlsFailure):
            # It fails for everybody only if it fails with a small and old ClientHello too.
            again = with_hello(first.probe, Hello.CLASSICAL)
        heard[port] = (first, read_talk(again, await held(again, lab)))

    async with task_group() as tasks:

        def tell(host: str, origin: Origin, known: MxHost | Unavailable, offers: tuple[Offer, ...]) -> None:
            found.add(host, origin, known, offers)
            if isinstance(known, MxHost):
                ports = _ports(host, wanted(known, target)[:MOST_ADDRESSES], offers)
                # First where STARTTLS makes it longer, and where more is tried once that works.
                for port in sorted(ports, key=lambda port: port.tls == "implicit"):
                    if port not in begun:
                        begun.add(port)
                        tasks.start_soon(talk, port)

        await discover(target, lab, tell)
    contacts = _contacts(found.hosts(), heard, target)
    shut: set[int] = set()

    async def compare(number: int) -> None:
        answers, _ = await reference_answers(target, lab, number, service_host(number))
        if answers is False:
            shut.add(number)

    async with task_group() as tasks:
        for port in _given_up(contacts):
            tasks.start_soon(talk_again, port)
        for number in _missed(contacts):
            tasks.start_soon(compare, number)
    contacts = _contacts(found.hosts(), heard, target)
    return Many({subject: _compared(contact, shut) for subject, contact in contacts.items()})


def talk_for(endpoint: Endpoint, service: Service, tls: Tls, name: str, timeout: float) -> AnyTalk:
    """The conversation with one endpoint; equal for all who ask for it, so that it is held once."""
    address, port, host = endpoint.address, endpoint.port, endpoint.host
    match service:
        case Service.SUBMISSION:
            return SmtpTalk(address, port, host, name, tls, timeout=timeout)
        case Service.IMAP:
            return ImapTalk(address, port, host, tls, timeout=timeout)
        case Service.POP3:
            return Pop3Talk(address, port, host, tls, timeout=timeout)
        case Service.SIEVE:
            return SieveTalk(address, port, host, tls, timeout=timeout)


def _ports(host: str, addresses: tuple[str, ...], offers: tuple[Offer, ...]) -> list[_Port]:
    """The standard ports, and others that are published; a standard port keeps its way of TLS."""
    spoken = dict(CLIENT_PORTS)
    for offer in offers:
        spoken.setdefault(
            offer.port, (offer.service, "implicit" if offer.security == "implicit" else "starttls")
        )
    return [
        _Port(Endpoint(host, address, port), service, tls)
        for address in addresses
        for port, (service, tls) in spoken.items()
    ]


def _contacts(
    hosts: dict[str, AccessHost],
    heard: dict[_Port, tuple[AnyLook, ...]],
    target: Target,
) -> dict[str, ClientContact | Absent | Unavailable]:
    """In the order of hosts, addresses and ports, whatever was heard first."""
    contacts: dict[str, ClientContact | Absent | Unavailable] = {}
    for name, host in hosts.items():
        addresses = wanted(host, target)[:MOST_ADDRESSES]
        if not addresses:
            contacts[name] = _unvisited(host, target)
        for port in _ports(name, addresses, host.offers):
            # A port published by a second source under another way of TLS was talked to once.
            if (looks := heard.get(port)) is not None:
                contacts[str(port.endpoint)] = _contact(port, host, looks, target)
    return contacts


def _given_up(contacts: Mapping[str, ClientContact | Absent | Unavailable]) -> Iterator[_Port]:
    """Published ports that did not answer, of hosts where no port published for the same service did."""
    published = [each for each in contacts.values() if isinstance(each, ClientContact) and each.published]
    alive = {(each.endpoint.host, each.service) for each in published if each.state.connected}
    for contact in published:
        lost = (contact.endpoint.host, contact.service) not in alive
        if lost and contact.state in (Reached.CLOSED, Reached.FILTERED):
            yield _Port(contact.endpoint, contact.service, contact.tls)


def _missed(contacts: Mapping[str, ClientContact | Absent | Unavailable]) -> set[int]:
    """The ports on which nobody answered us and a host would be blamed for it.

    Those that are published; 465 beside 587; and 587 where it is closed and nothing takes submissions.
    """
    known = [each for each in contacts.values() if isinstance(each, ClientContact)]
    alive = {each.endpoint.port for each in known if each.state.connected}
    closed = {each.endpoint.port for each in known if each.state is Reached.CLOSED}
    published = {each.endpoint.port for each in known if each.published}
    beside = {465} if 587 in alive & published else {587}
    return (published | (beside & closed)) - alive


def _compared(
    contact: ClientContact | Absent | Unavailable, shut: set[int]
) -> ClientContact | Absent | Unavailable:
    if isinstance(contact, ClientContact) and contact.endpoint.port in shut:
        return dataclasses.replace(contact, shut=True)
    return contact


def _unvisited(host: AccessHost, target: Target) -> Absent | Unavailable:
    if host.unknown:
        return Unavailable(host.unknown, host.asked)
    if not host.addresses:
        return Absent(f"{host.name} has no address", host.asked)
    families = (host.ipv4 if target.ipv4 else ()) + (host.ipv6 if target.ipv6 else ())
    why = "public" if families else "of a family that was asked for"
    return Absent(f"no address of {host.name} is {why}: it is not connected to", host.asked)


def _contact(port: _Port, host: AccessHost, looks: tuple[AnyLook, ...], target: Target) -> ClientContact:
    best = next((look for look in looks if look.session.state.connected), looks[0])
    return ClientContact(
        endpoint=port.endpoint,
        service=port.service,
        tls=port.tls,
        origins=host.origins,
        offers=tuple(
            offer
            for offer in host.offers
            if offer.port == port.endpoint.port and offer.service is port.service
        ),
        probe=best.probe,
        transcript=best.transcript,
        state=best.session.state,
        session=best.session,
        other=next((look for look in looks if look is not best), None),
        waited=target.confirm and len(looks) > 1,
    )


def read_talk(probe: AnyTalk, transcript: Transcript) -> AnyLook:
    """A conversation as its protocol has it."""
    match probe:
        case SmtpTalk():
            return ClientLook(probe, transcript, read_smtp(transcript))
        case ImapTalk():
            return ClientLook(probe, transcript, read_imap(transcript))
        case Pop3Talk():
            return ClientLook(probe, transcript, read_pop3(transcript))
        case SieveTalk():
            return ClientLook(probe, transcript, read_sieve(transcript))


@fact
async def submission_surveys(
    contacts: Many[ClientContact], hosts: Many[AccessHost]
) -> Many[SubmissionSurvey]:
    """The conversations with submission servers."""

    def survey(contact: ClientContact) -> SubmissionSurvey | None:
        match contact:
            case ClientContact(probe=SmtpTalk() as probe, session=SmtpSession() as session):
                return SubmissionSurvey(probe=probe, session=session, **shared(contact))
        return None

    return _surveyed(contacts, hosts, Service.SUBMISSION, survey)


@fact
async def imap_surveys(contacts: Many[ClientContact], hosts: Many[AccessHost]) -> Many[ImapSurvey]:
    """The conversations with IMAP servers."""

    def survey(contact: ClientContact) -> ImapSurvey | None:
        match contact:
            case ClientContact(probe=ImapTalk() as probe, session=ImapSession() as session):
                return ImapSurvey(probe=probe, session=session, **shared(contact))
        return None

    return _surveyed(contacts, hosts, Service.IMAP, survey)


@fact
async def pop3_surveys(contacts: Many[ClientContact], hosts: Many[AccessHost]) -> Many[Pop3Survey]:
    """The conversations with POP3 servers."""

    def survey(contact: ClientContact) -> Pop3Survey | None:
        match contact:
            case ClientContact(probe=Pop3Talk() as probe, session=Pop3Session() as session):
                return Pop3Survey(probe=probe, session=session, **shared(contact))
        return None

    return _surveyed(contacts, hosts, Service.POP3, survey)


def shared(contact: ClientContact) -> dict[str, Any]:
    """What a survey takes over from a contact as it is."""
    names = ("endpoint", "tls", "origins", "offers", "transcript", "other", "waited")
    return {name: getattr(contact, name) for name in names}


def _surveyed(
    contacts: Many[ClientContact],
    hosts: Many[AccessHost],
    service: Service,
    survey: Callable[[ClientContact], T | None],
) -> Many[T]:
    """The contacts of one service that may be judged.

    A closed port is no survey. One that could not be reached, or whose host could not be looked up,
    leaves its checks open only where it is published: nobody promised the others.
    """
    surveys: dict[str, T | Absent | Unavailable] = {}
    for subject, contact in contacts.items.items():
        if isinstance(contact, ClientContact) and (made := survey(contact)) is not None:
            if contact.state.connected:
                surveys[subject] = made
            elif contact.published:
                closed = contact.state is Reached.CLOSED and not contact.shut
                kind = Absent if closed else Unavailable
                because = SHUT.format(port=contact.endpoint.port) if contact.shut else ""
                surveys[subject] = kind(because or contact.session.inconclusive, (contact.cite(),))
    for host in hosts.values():
        if host.unknown and not host.addresses:
            for offer in host.offers:
                if offer.service is service:
                    surveys[f"{host.name}:{offer.port}"] = Unavailable(host.unknown, host.asked)
    return Many(surveys)
