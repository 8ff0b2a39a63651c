"""The zone and its name servers: whether it exists, who answers for it, and who could take it (RFC 1034 section 4.2)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from diag.api import (
    Certainty,
    Configure,
    Finding,
    Many,
    NameServer,
    NameServerRegistration,
    Rfc,
    Severity,
    Standing,
    Target,
    Undecided,
    Verdict,
    ZoneDelegation,
    ZoneServers,
    check,
    rule,
)

from .zone_words import listed


@rule("zone/does-not-exist", Severity.CRITICAL, Rfc(1034, "4.3.2"), Rfc(2308, "2.1"), since="1.0")
class DoesNotExist(Finding):
    """The domain does not exist.

    ## Why it matters
    The servers of the zone above say that there is no such name. Mail to it bounces at once, mail from it is
    refused, and where the registration has run out, somebody else may take the name.

    ## How to fix
    Look at the spelling. If the domain is yours, renew its registration or ask your registrar why it is not in
    the zone above.
    """

    message = "{subject} does not exist, say the servers of the zone above it."


@check
def the_domain_exists(delegation: ZoneDelegation) -> Iterator[Finding]:
    """The domain exists."""
    if not delegation.exists:
        yield DoesNotExist(subject=delegation.domain, evidence=delegation.asked)


@rule("zone/no-server-answers", Severity.CRITICAL, Rfc(1034, "4.2.2"), Rfc(9499), since="1.0")
class NoServerAnswers(Finding):
    """None of the domain's name servers answers for it.

    ## Why it matters
    Nothing about the domain can be looked up: no mail reaches it, and receivers defer or refuse mail from it.
    Resolvers that remember earlier answers hide this for some hours.

    ## How to fix
    Start the name servers, or ask your DNS provider whether the zone is still configured there. Where the domain
    has moved to another provider, have the registrar put that provider's name servers into the zone above.
    """

    message = "No name server of {subject} answers for it: {told}."
    told: str


@check
def some_name_server_answers(delegation: ZoneDelegation, zone: ZoneServers) -> Iterator[Verdict]:
    """At least one name server answers for the zone."""
    if zone.authoritative:
        return
    unknown = delegation.unseen or not delegation.addresses
    if not zone.servers and unknown and len(delegation.gone) < len(delegation.hosts):
        yield Undecided(f"no address of a name server of {zone.apex} could be found out", zone.asked)
        return
    told = (
        listed(f"{server} {_said(server)}" for server in zone.servers)
        or "their names have no address that others can reach"
    )
    yield NoServerAnswers(subject=zone.apex, told=told, evidence=zone.asked)


@rule("zone/lame-server", Severity.WARNING, Rfc(1912, "2.8"), Rfc(9499), since="1.0")
class LameServer(Finding):
    """A name server that is listed for the domain does not answer for it.

    ## Why it matters
    Every look-up that meets this server waits and starts again at another one. When the others fail, so does the
    domain; and who gets hold of this server's name or address can answer in your place.

    ## How to fix
    Configure the zone on that server, or take the server out of the NS records, at your DNS provider and at your
    registrar.
    """

    message = "The name server {subject} does not answer for {apex}: it {told}."
    apex: str
    told: str


@check
def every_name_server_answers(zone: ZoneServers) -> Iterator[Finding]:
    """Every name server that is listed answers for the zone."""
    if not zone.authoritative:
        return
    reached = {":" in server.address for server in zone.servers if server.standing is not Standing.SILENT}
    for server in zone.servers:
        # Where nobody answers over IPv6, it may be our own IPv6 that leads nowhere.
        if server.authoritative or (":" in server.address) not in reached:
            continue
        # Packets get lost, and a server that fails may be over it in a minute; a refusal is meant.
        passing = server.standing is Standing.SILENT or server.why.startswith("SERVFAIL")
        away = Configure("registrar and DNS provider", f"remove: {zone.apex}. NS {server.host}.")
        yield LameServer(
            subject=str(server),
            apex=zone.apex,
            told=_said(server),
            evidence=server.asked,
            certainty=Certainty.LIKELY if passing else Certainty.CERTAIN,
            fix=(away,),
        )


@check
def every_name_server_has_an_address(
    delegation: ZoneDelegation,
    zone: ZoneServers,
    registrations: Many[NameServerRegistration],
    target: Target,
) -> Iterator[Finding]:
    """Every name server that is listed has an address."""
    if not zone.authoritative:
        return
    for host, addresses in delegation.addresses.items():
        known = registrations.get(host)
        if isinstance(known, NameServerRegistration) and known.free is not False:
            continue  # that its domain is free is graver
        if host in delegation.unseen or any(map(target.counts_as_public, addresses)):
            continue
        yield LameServer(
            subject=host,
            apex=zone.apex,
            told=f"has no address that others can reach ({listed(addresses)})"
            if addresses
            else "has no address",
            evidence=delegation.asked,
            fix=(Configure("registrar and DNS provider", f"remove: {zone.apex}. NS {host}."),),
        )


def _said(server: NameServer) -> str:
    if server.standing is Standing.SILENT:
        return f"says nothing ({server.why})"
    return f"says {server.why}" if server.standing is Standing.FAILS else f"answers, but {server.why}"


@rule("zone/server-domain-free", Severity.CRITICAL, Rfc(1034, "4.2.2"), since="1.0")
class ServerDomainFree(Finding):
    """A name server of the domain lies in a domain that nobody has registered.

    ## Why it matters
    Whoever registers that domain runs a name server for yours: they can send and read mail as you, and have
    certificates issued in your name.

    ## How to fix
    Remove that name server from the NS records now, at your DNS provider and at your registrar.
    """

    message = "The name server {subject} of {apex} lies in {free}, which anybody can register."
    apex: str
    free: str


@check
def name_servers_lie_in_registered_domains(server: NameServerRegistration) -> Iterator[Verdict]:
    """The domains of the name servers are registered."""
    if server.free is None:
        yield Undecided(f"whether {server.registrable} is registered could not be found out", server.asked)
    elif server.free:
        away = Configure("registrar and DNS provider", f"remove: {server.apex}. NS {server.host}.")
        yield ServerDomainFree(
            subject=server.host,
            apex=server.apex,
            free=server.registrable,
            evidence=server.asked,
            fix=(away,),
        )


@rule("zone/parent-child-mismatch", Severity.NOTICE, Rfc(1034, "4.2.2"), since="1.0")
class ParentChildMismatch(Finding):
    """The registrar and the zone itself name different name servers.

    ## Why it matters
    Some resolvers believe one list and some the other: a server that is on one of them only gets part of the
    questions, and goes unnoticed when it stops.

    ## How to fix
    Make both lists the same: NS records at your DNS provider, name servers at your registrar.
    """

    message = "The name servers of {subject} differ: {told}."
    told: str


@rule("zone/parent-child-disjoint", Severity.WARNING, Rfc(1034, "4.2.2"), since="1.0")
class ParentChildDisjoint(Finding):
    """The registrar and the zone itself name entirely different name servers.

    ## Why it matters
    The domain was moved by half. Which provider answers depends on what a resolver happens to remember; the old
    provider will one day delete its copy, and until then changes reach only part of the world.

    ## How to fix
    Name the servers in use at your registrar, and put the same ones into the NS records of the zone.
    """

    message = (
        "The zone above {subject} names {parent}, the zone itself names {child}: no server is on both lists."
    )
    parent: str
    child: str


@check
def parent_and_child_name_the_same_servers(
    delegation: ZoneDelegation, zone: ZoneServers
) -> Iterator[Verdict]:
    """The zone above and the zone itself name the same name servers."""
    parent = set(delegation.by_parent)
    lists = [set(server.names) for server in zone.authoritative if server.names]
    if not delegation.above:
        yield Undecided("no server of the zone above answered us", delegation.asked)
        return
    if not parent or not lists or all(names == parent for names in lists):
        return
    child = set().union(*lists)
    if not parent & child:
        yield ParentChildDisjoint(
            subject=zone.apex, parent=listed(sorted(parent)), child=listed(sorted(child)), evidence=zone.asked
        )
        return
    kept = set.intersection(*lists)
    told = listed(
        [f"only the zone above names {name}" for name in sorted(parent - child)]
        + [f"only the zone itself names {name}" for name in sorted(child - parent)]
        + [f"only some of its servers name {name}" for name in sorted((child - kept) & parent)]
    )
    yield ParentChildMismatch(subject=zone.apex, told=told, evidence=zone.asked)


@rule("zone/too-few-servers", Severity.NOTICE, Rfc(2182, "5"), since="1.0")
class TooFewServers(Finding):
    """All name servers of the domain stand in one place.

    ## Why it matters
    One fault of a cable or a router takes the domain off the net, and its mail with it.

    ## How to fix
    Have at least two name servers in networks that fail apart from one another.
    """

    message = "All name servers of {subject} stand in one place: {where}."
    where: str


@check
def name_servers_stand_apart(delegation: ZoneDelegation, zone: ZoneServers) -> Iterator[Verdict]:
    """The zone has name servers in more than one network."""
    hosts = delegation.hosts
    addresses = sorted({address for known in delegation.addresses.values() for address in known})
    places = {_place(address) for address in addresses}
    four, six = (sum(version == place.version for place in places) for version in (4, 6))
    if len(hosts) == 1 or (addresses and four <= 1 and six <= 1):
        if len(hosts) > 1 and delegation.unseen:
            yield Undecided(f"not every address of {listed(delegation.unseen)} is known", delegation.asked)
            return
        where = f"{hosts[0]} is the only one" if len(hosts) == 1 else listed(sorted(map(str, places)))
        yield TooFewServers(subject=zone.apex, where=where, evidence=delegation.asked)


def _place(address: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    length = 48 if ":" in address else 24
    return ipaddress.ip_network(f"{address}/{length}", strict=False)
