"""Trying to slip a command in where mail is fetched or filters are kept, as soon as the conversations before are over."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from diag.facts.access_hosts import Offer, Origin, Service
from diag.facts.client_injection import ClientInjection, ImapInjection, Pop3Injection, SieveInjection
from diag.facts.clients import SieveContact
from diag.facts.mx import MxHost
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.plugin import fact
from diag.model.target import Endpoint, Target
from diag.probes.client_injection import ImapInjectionTalk, Pop3InjectionTalk, SieveInjectionTalk
from diag.probes.probe import Lab
from diag.tls.handshake import Handshake
from diag.together import all_of, task_group
from diag.wire.client_injection import read_imap_injection, read_pop3_injection, read_sieve_injection
from diag.wire.injection import Injection, Obeyed
from diag.wire.reading import read_imap, read_pop3
from diag.wire.transcript import Transcript

from .access_hosts import NO_DIALOGUES, discover, wanted
from .clients import MOST_ADDRESSES, talk_for
from .greeted import held

T = TypeVar("T", bound=ClientInjection)


@fact
async def imap_injections(target: Target, lab: Lab) -> Many[ImapInjection] | Unavailable:
    """Every IMAP host once, at its first address where STARTTLS works."""
    if not target.dialogues:
        return Unavailable(NO_DIALOGUES)

    def works(transcript: Transcript) -> bool:
        session = read_imap(transcript)
        return session.starttls is not None and isinstance(session.handshake, Handshake)

    def talk(endpoint: Endpoint) -> ImapInjectionTalk:
        return ImapInjectionTalk(endpoint.address, endpoint.port, endpoint.host, target.timeout)

    return await _each_host(target, lab, Service.IMAP, 143, works, talk, read_imap_injection, ImapInjection)


@fact
async def pop3_injections(target: Target, lab: Lab) -> Many[Pop3Injection] | Unavailable:
    """Every POP3 host once, at its first address where STLS works."""
    if not target.dialogues:
        return Unavailable(NO_DIALOGUES)

    def works(transcript: Transcript) -> bool:
        session = read_pop3(transcript)
        return session.starttls is not None and isinstance(session.handshake, Handshake)

    def talk(endpoint: Endpoint) -> Pop3InjectionTalk:
        return Pop3InjectionTalk(endpoint.address, endpoint.port, endpoint.host, target.timeout)

    return await _each_host(target, lab, Service.POP3, 110, works, talk, read_pop3_injection, Pop3Injection)


@fact
async def sieve_injections(contacts: Many[SieveContact], target: Target, lab: Lab) -> Many[SieveInjection]:
    """Every ManageSieve host once, at its first address where STARTTLS works."""
    first: dict[str, Endpoint] = {}
    for contact in contacts.values():
        if contact.session.starttls is not None and isinstance(contact.session.handshake, Handshake):
            first.setdefault(contact.endpoint.host, contact.endpoint)

    async def tried(host: str) -> SieveInjection | Absent | Unavailable:
        at = first[host]
        talk = SieveInjectionTalk(at.address, at.port, at.host, target.timeout)
        return await _tried(at, talk, read_sieve_injection, SieveInjection, lab)

    found = await all_of(tried, first)
    return Many({str(first[host]): seen for host, seen in found.items()})


async def _each_host(
    target: Target,
    lab: Lab,
    service: Service,
    port: int,
    works: Callable[[Transcript], bool],
    talk: Callable[[Endpoint], ImapInjectionTalk | Pop3InjectionTalk],
    read: Callable[[Transcript], Injection],
    make: type[T],
) -> Many[T]:
    """Look for hosts in the same way as the conversations do: the lab asks nothing twice, so that a try
    begins when the one conversation it depends on is over, and not when all are."""
    found: dict[str, T | Unavailable] = {}
    begun: set[str] = set()

    async def visit(host: str, addresses: tuple[str, ...]) -> None:
        for address in addresses:
            endpoint = Endpoint(host, address, port)
            usual = talk_for(endpoint, service, "starttls", "", target.timeout)
            if works(await held(usual, lab)):
                found[str(endpoint)] = await _tried(endpoint, talk(endpoint), read, make, lab)
                return

    async with task_group() as tasks:

        def tell(host: str, origin: Origin, known: MxHost | Unavailable, offers: tuple[Offer, ...]) -> None:
            if isinstance(known, MxHost) and host not in begun:
                begun.add(host)
                tasks.start_soon(visit, host, wanted(known, target)[:MOST_ADDRESSES])

        await discover(target, lab, tell)
    return Many({subject: found[subject] for subject in sorted(found)})


async def _tried(
    endpoint: Endpoint,
    probe: ImapInjectionTalk | Pop3InjectionTalk | SieveInjectionTalk,
    read: Callable[[Transcript], Injection],
    make: type[T],
    lab: Lab,
) -> T | Unavailable:
    seen = read(await lab.run(probe))
    cite = Cite(probe, seen.event)
    if seen.obeyed is Obeyed.UNKNOWN:
        return Unavailable(seen.because, (cite,))
    return make(endpoint=endpoint, obeyed=seen.obeyed is Obeyed.YES, line=seen.line, cite=cite)
