"""Finding the hosts that mail programs use: all the ways at once, each host told of as soon as it is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal
from urllib.parse import quote

from diag.facts.access_hosts import (
    AccessHost,
    AutoconfigDocument,
    Offer,
    Origin,
    Security,
    Service,
    ServiceRecord,
    ServiceRecords,
)
from diag.facts.mx import MxHost, Routing
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.plugin import fact
from diag.model.target import Target
from diag.names.domain import is_hostname
from diag.names.parsed import plain
from diag.probes.https import HttpsGet
from diag.probes.moment import Nonce
from diag.probes.probe import Lab
from diag.records.autoconfig import ClientConfig, ConfiguredServer
from diag.together import all_of, task_group

from .dns import Found, look_up
from .mx import addresses_of, routing
from .references import routed

SRV_NAMES: dict[str, tuple[Service, Security]] = {
    "_submissions": (Service.SUBMISSION, "implicit"),
    "_submission": (Service.SUBMISSION, "starttls"),
    "_imaps": (Service.IMAP, "implicit"),
    "_imap": (Service.IMAP, "starttls"),
    "_pop3s": (Service.POP3, "implicit"),
    "_pop3": (Service.POP3, "starttls"),
}
"""The service names of RFC 6186 section 3 and RFC 8314 section 5.1."""

CONVENTIONAL = ("mail", "smtp", "submission", "imap", "imap4", "pop", "pop3")
"""Labels below the domain that people try when nothing is published."""

MOST_HOSTS = 12
"""Hosts taken from any one source: what is published may be hostile."""

_MARK = b"clientConfig"

NO_DIALOGUES = "no conversations are held in this run, only the DNS is asked"

Tell = Callable[[str, Origin, MxHost | Unavailable, tuple[Offer, ...]], None]
"""Told of a host: its name, how it was found, its addresses, and what is published to be there."""


@fact
async def service_records(target: Target, lab: Lab) -> Many[ServiceRecords]:
    """The SRV records by which the domain names its servers; services without any are left out."""

    async def ask(label: str) -> ServiceRecords | Absent | Unavailable:
        name = f"{label}._tcp.{target.domain}"
        looked = await look_up(lab, name, "SRV")
        if not isinstance(looked, Found):
            return looked
        service, security = SRV_NAMES[label]
        records = [
            ServiceRecord(rdata.priority, rdata.weight, rdata.port, plain(rdata.target))  # type: ignore[attr-defined]
            for rdata in looked.rdatas
        ]
        return ServiceRecords(name, service, security, tuple(sorted(records)), looked.evidence)

    asked = await all_of(ask, SRV_NAMES)
    return Many(
        {f"{label}._tcp.{target.domain}": it for label, it in asked.items() if not isinstance(it, Absent)}
    )


@fact
async def autoconfig_document(target: Target, lab: Lab) -> AutoconfigDocument | Absent | Unavailable:
    """The document at the addresses where mail programs look for it, the first that is one.

    What does not even name its root element is none: many web hosts serve a page for every path.
    """
    if not target.dialogues:
        return Unavailable(NO_DIALOGUES)
    own = f"autoconfig.{target.domain}"
    path = f"/mail/config-v1.1.xml?emailaddress={quote(f'postmaster@{target.domain}', safe='')}"
    places: tuple[tuple[str, str, Literal["https", "http"]], ...] = (
        (own, path, "https"),
        (target.domain, "/.well-known/autoconfig/mail/config-v1.1.xml", "https"),
        (own, path, "http"),  # the host that is there for nothing else is asked in the clear as well, at last
    )
    # The addresses of both are asked for at once; a place only where the one before has nothing.
    hosts = await all_of(lambda name: addresses_of(lab, name), (own, target.domain))
    asked: tuple[Cite, ...] = ()
    because = ""
    silent: set[str] = set()
    for host, where, scheme in places:
        known = hosts[host]
        if scheme == "https":
            asked += known.evidence if isinstance(known, Unavailable) else known.asked
        if isinstance(known, Unavailable):
            because = because or known.because
            continue
        addresses = wanted(known, target)
        reachable = await routed(lab, addresses)
        if not reachable or host in silent:
            because = because or (f"this machine has no route to {host}" if addresses else "")
            continue
        port = 443 if scheme == "https" else 80
        probe = HttpsGet(
            host, reachable[0], where, port=port, scheme=scheme, timeout=min(target.timeout, 30.0)
        )
        asked += (Cite(probe),)
        seen = await lab.run(probe)
        if seen.status == 200 and not seen.trouble and _MARK in seen.body:
            config = ClientConfig.parse(seen.body)
            offers = tuple(_offers(config, target.domain, probe))
            return AutoconfigDocument(probe.url, config, offers, (Cite(probe),))
        if seen.trouble == "timed-out":
            silent.add(host)
        if scheme == "https" and (seen.trouble or seen.status == 429 or seen.status >= 500):
            because = because or f"{probe.url}: {seen.detail or seen.trouble or f'status {seen.status}'}"
    return Unavailable(because, asked) if because else Absent("no document is served", asked)


@fact
async def access_hosts(target: Target, lab: Lab) -> Many[AccessHost]:
    """Every host at which mail programs may find a server, with its addresses."""
    found = Sightings()
    await discover(target, lab, found.add)
    return Many(found.hosts())


class Sightings:
    """What was told of hosts, put together; the order of telling does not show."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[set[Origin], dict[Offer, None], MxHost | Unavailable]] = {}

    def add(
        self, name: str, origin: Origin, known: MxHost | Unavailable, offers: tuple[Offer, ...] = ()
    ) -> None:
        """See Tell."""
        origins, held, _ = self._seen.setdefault(name, (set(), {}, known))
        origins.add(origin)
        held.update(dict.fromkeys(offers))

    def hosts(self) -> dict[str, AccessHost]:
        """The hosts, published ones first, then by name."""
        found = [self._host(name) for name in sorted(self._seen)]
        return {host.name: host for host in sorted(found, key=lambda host: not host.published)}

    def _host(self, name: str) -> AccessHost:
        origins, offers, known = self._seen[name]
        if isinstance(known, Unavailable):
            known = MxHost(name, 0, name, (), True, (), (), known.because, False, known.evidence)
        return AccessHost(
            name=name,
            origins=tuple(origin for origin in Origin if origin in origins),
            offers=tuple(sorted(offers, key=lambda offer: (offer.origin, offer.where, offer.port))),
            aliases=known.aliases,
            exists=known.exists,
            ipv4=known.ipv4,
            ipv6=known.ipv6,
            unknown=known.unknown,
            asked=known.asked,
        )


async def discover(target: Target, lab: Lab, tell: Tell) -> None:
    """Look in every way at once, and tell of each host the moment its addresses are known.

    Guesses need an address to be told of; what is published is told of in any case. Asking a second
    time costs nothing, as the lab asks nothing twice.
    """

    async def known(name: str, origin: Origin, offers: tuple[Offer, ...] = ()) -> None:
        host = await addresses_of(lab, name)
        if origin.published or (isinstance(host, MxHost) and host.addresses):
            tell(name, origin, host, offers)

    async def published(offers: Iterable[Offer], origin: Origin) -> None:
        by_host: dict[str, list[Offer]] = {}
        for offer in offers:
            by_host.setdefault(offer.host, []).append(offer)
        async with task_group() as tasks:
            for name in list(by_host)[:MOST_HOSTS]:
                tasks.start_soon(known, name, origin, tuple(by_host[name]))

    async def from_srv() -> None:
        records = await service_records.function(target, lab)
        await published((offer for each in records.values() for offer in each.offers), Origin.SRV)

    async def from_autoconfig() -> None:
        document = await autoconfig_document.function(target, lab)
        if isinstance(document, AutoconfigDocument):
            await published(document.offers, Origin.AUTOCONFIG)

    async def from_user() -> None:
        async with task_group() as tasks:
            for name in target.hosts:
                tasks.start_soon(known, name.lower().rstrip("."), Origin.USER)

    async def from_mx() -> None:
        routes = await routing.function(target, lab)
        if isinstance(routes, Routing) and not routes.implicit:
            async with task_group() as tasks:
                for name in routes.hosts[:MOST_HOSTS]:
                    tasks.start_soon(known, name, Origin.MX)

    async def from_names() -> None:
        for name, host in (await _conventional(target, lab)).items():
            tell(name, Origin.NAME, host, ())

    sources = [from_srv, from_user]
    if target.dialogues:
        sources += [from_mx, from_names, from_autoconfig]
    async with task_group() as tasks:
        for source in sources:
            tasks.start_soon(source)


async def _conventional(target: Target, lab: Lab) -> dict[str, MxHost]:
    """The conventional names that exist: not those that a wildcard makes up."""
    nobody = f"{(await lab.run(Nonce())).text}.{target.domain}"
    names = [f"{label}.{target.domain}" for label in CONVENTIONAL]
    hosts = await all_of(lambda name: addresses_of(lab, name), [nobody, *names])
    wild = hosts.pop(nobody)
    return {
        name: host
        for name, host in hosts.items()
        if isinstance(host, MxHost) and host.addresses and not _made_up(host, wild)
    }


def _made_up(host: MxHost, wild: MxHost | Unavailable) -> bool:
    """Whether a name has just what any name has (RFC 4592): then it says nothing."""
    if isinstance(wild, Unavailable) or not wild.addresses:
        return False
    same_alias = bool(wild.aliases) and host.canonical == wild.canonical
    return same_alias or set(host.addresses) <= set(wild.addresses)


def wanted(host: MxHost | AccessHost, target: Target) -> tuple[str, ...]:
    """The addresses that may be connected to: of the families wished for, and public."""
    of_families = (host.ipv4 if target.ipv4 else ()) + (host.ipv6 if target.ipv6 else ())
    return tuple(address for address in of_families if target.counts_as_public(address))


_SERVICES = {"imap": Service.IMAP, "pop3": Service.POP3, "smtp": Service.SUBMISSION}
_SECURITY: dict[str, Security] = {"SSL": "implicit", "STARTTLS": "starttls", "plain": "plain"}


def _offers(config: ClientConfig, domain: str, probe: HttpsGet) -> Iterable[Offer]:
    for server in config.incoming + config.outgoing:
        host = host_of(server, domain)
        service = _SERVICES.get(server.type)
        if service is None or server.port is None or not is_hostname(host):
            continue
        security = _SECURITY.get(server.socket_type, "plain")
        yield Offer(service, host, server.port, security, Origin.AUTOCONFIG, probe.url, (Cite(probe),))


def host_of(server: ConfiguredServer, domain: str) -> str:
    """The host of a configured server, with the one placeholder that can stand in it filled in."""
    return server.host.replace("%EMAILDOMAIN%", domain).lower().rstrip(".")
