"""Finding the zone that a domain lies in: its delegation, as the parent says it, and its name servers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from diag.facts.zone import NameServerRegistration, ZoneDelegation
from diag.model.frozen import frozen
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.plugin import fact
from diag.model.target import Target
from diag.names.domain import is_below, labels, parents
from diag.names.parsed import plain
from diag.names.registered import registrable
from diag.probes.dns import DnsAnswer, DnsEvidence, DnsQuery
from diag.probes.probe import Lab
from diag.together import all_of

from .compact import denies, unless_gone
from .dns import Found, Looked, NoRecord, look_up
from .references import has_route
from .registration import is_free, one_address

MOST_HOSTS = 8
"""Name servers whose addresses are looked up."""
PARENTS_ASKED = 2
"""Servers of the zone above that are asked for the delegation."""
SERVERS_ASKED = 2
"""Servers of the zone itself that are asked whether a name in it exists."""
NOT_ASKED = "the name servers themselves are not asked in this run"


@fact
async def zone_delegation(target: Target, lab: Lab) -> ZoneDelegation | Absent | Unavailable:
    """The zone cut above the domain, and what the servers of the zone above that say of it."""
    if target.authoritative is False:
        return Unavailable(NOT_ASKED)
    domain, top = target.domain, registrable(target.domain)
    own = tuple(name for name in (domain, *parents(domain)) if name == top or is_below(name, top))
    # With the zone above the registered name, which is wanted in the end: one round trip for all.
    at_once = await all_of(lambda name: look_up(lab, name, "NS"), (*own, *parents(top)[:1]))
    looked = {name: at_once[name] for name in own}
    apex = next((name for name, ns in looked.items() if isinstance(ns, Found) and ns.owner == name), "")
    evidence = tuple(cite for each in looked.values() for cite in each.evidence)
    above = await zone_above(lab, apex or top)
    if isinstance(above, Unavailable):
        return above
    told = await asked_above(lab, apex or top, above)
    evidence += above.evidence + told.asked
    child = looked.get(apex)
    by_child = _names(child.rdatas) if isinstance(child, Found) else ()
    if told.denied:
        return ZoneDelegation(domain, apex or top, False, (), by_child, {}, (), told.reached, evidence)
    if not apex and not told.names:
        if any(isinstance(each, Unavailable) for each in looked.values()):
            return Unavailable(f"where the zone of {domain} begins could not be found out", evidence)
        return Absent(f"{domain} has no zone of its own", evidence)
    apex = apex or told.apex
    hosts = sorted({*by_child, *told.names})[:MOST_HOSTS]
    families = [rdtype for rdtype, one in _ONE_OF_EACH if await has_route(lab, one)]

    async def of(host: str) -> dict[str, Looked]:
        return await all_of(lambda rdtype: look_up(lab, host, rdtype), families)

    found = await all_of(of, hosts)
    addresses = {
        host: tuple(
            address
            for rdtype, looked in each.items()
            for address in _addresses(looked) or told.glue.get((host, rdtype), ())
        )
        for host, each in found.items()
    }
    gone = tuple(host for host, each in found.items() if each and all(map(_does_not_exist, each.values())))
    unseen = tuple(
        host
        for host in sorted({*by_child, *told.names})
        if host not in found
        or (len(families) < len(_ONE_OF_EACH) and host not in gone)
        or any(isinstance(looked, Unavailable) for looked in found[host].values())
    )
    exists = True
    if domain != apex and _does_not_exist(await unless_gone(lab, looked[domain], "NS")):
        compact = not _does_not_exist(looked[domain])
        denied, more = await _denied_in_zone(target, lab, domain, addresses, compact=compact)
        evidence += more
        if denied is False:
            return Unavailable(f"our resolver denies {domain}, and name servers of {apex} do not", evidence)
        exists = not denied
    return ZoneDelegation(
        domain, apex, exists, told.names, by_child, addresses, gone, told.reached, evidence, unseen
    )


async def _denied_in_zone(
    target: Target, lab: Lab, name: str, addresses: Mapping[str, tuple[str, ...]], *, compact: bool
) -> tuple[bool | None, tuple[Cite, ...]]:
    """Whether the zone's own servers deny a name that our resolver denies; None where none of them speaks.

    What is denied in the `compact` manner shows to those alone who ask for signatures.
    """
    first = [known[0] for known in addresses.values() if known and target.counts_as_public(known[0])]
    asked = (DnsQuery(name, "NS", server, dnssec=compact) for server in first[:SERVERS_ASKED])
    said = await ask_all(lab, asked)
    heard = [answer for answer in said.values() if isinstance(answer, DnsAnswer) and answer.usable]
    denied = [answer for answer in heard if answer.authoritative and denies(answer, name)]
    return len(denied) == len(heard) if heard else None, tuple(map(Cite, said))


@fact
async def name_server_registrations(delegation: ZoneDelegation, lab: Lab) -> Many[NameServerRegistration]:
    """Of name servers whose names do not exist: whether their domain could be registered by anybody."""

    async def registration(host: str) -> NameServerRegistration:
        free, asked = await is_free(lab, host)
        return NameServerRegistration(host, delegation.apex, registrable(host), free, asked)

    outside = [host for host in delegation.gone if not is_below(host, delegation.apex)]
    return Many(await all_of(registration, outside))


async def ask_all(lab: Lab, queries: Iterable[DnsQuery]) -> dict[DnsQuery, DnsEvidence]:
    """Put questions at the same time; the answers by question, in order."""
    by_number = {str(number): query for number, query in enumerate(dict.fromkeys(queries))}
    answers = await all_of(lambda number: lab.run(by_number[number]), by_number)
    return {query: answers[number] for number, query in by_number.items()}


@frozen
class Told:
    """What the servers of the zone above say of a name."""

    names: tuple[str, ...]
    apex: str
    glue: dict[tuple[str, str], tuple[str, ...]]
    denied: bool
    """Each one asked says that the name does not exist."""
    reached: tuple[str, ...]
    asked: tuple[Cite, ...]


_ONE_OF_EACH = (("A", "0.0.0.0"), ("AAAA", "::"))  # noqa: S104  no socket is bound


async def zone_above(lab: Lab, name: str) -> Found | Unavailable:
    """The name servers of the nearest zone above a name."""
    ns: Looked = Unavailable(f"{name} has no zone above it that could be asked")
    for above in (*parents(name), "."):
        ns = await look_up(lab, above, "NS")
        if isinstance(ns, Found | Unavailable):
            return ns
    return Unavailable(f"the zone above {name} could not be found", ns.evidence)


async def asked_above(lab: Lab, name: str, above: Found) -> Told:
    """Ask servers of the zone above for the name servers of a name (RFC 1034 section 4.3.2)."""
    hosts = _names(above.rdatas)[:PARENTS_ASKED]
    servers = (await one_address(lab, hosts)).values()
    said = await ask_all(lab, (DnsQuery(name, "NS", server) for server in servers))
    answers = [answer for answer in said.values() if isinstance(answer, DnsAnswer) and answer.usable]
    names: tuple[str, ...] = ()
    apex = ""
    glue: dict[tuple[str, str], tuple[str, ...]] = {}
    for answer in answers:
        for referred in answer.authority if not answer.authoritative else ():
            owner = _text(referred.owner)
            if referred.rdtype == _NS and (owner == name or is_below(name, owner)) and labels(owner):
                names, apex = _names(referred.rdatas), owner
        for address in answer.additional if names else ():
            if address.rdtype in _TYPES:
                key = _text(address.owner), _TYPES[address.rdtype]
                glue[key] = tuple(str(rdata) for rdata in address.rdatas)
        if names:
            break
    denied = [answer for answer in answers if answer.rcode == "NXDOMAIN" and answer.authoritative]
    return Told(
        names=names,
        apex=apex,
        glue=glue,
        denied=bool(denied) and len(denied) == len(hosts),
        reached=tuple(str(query.server) for query, answer in said.items() if isinstance(answer, DnsAnswer)),
        asked=tuple(Cite(query) for query in said),
    )


_NS = 2
_TYPES = {1: "A", 28: "AAAA"}


def _names(rdatas: Iterable[object]) -> tuple[str, ...]:
    return tuple(sorted({plain(rdata.target) for rdata in rdatas}))  # type: ignore[attr-defined]


def _text(owner: tuple[bytes, ...]) -> str:
    return ".".join(label.decode("latin-1") for label in owner)


def _addresses(looked: Looked) -> tuple[str, ...]:
    return tuple(sorted(str(rdata) for rdata in looked.rdatas)) if isinstance(looked, Found) else ()


def _does_not_exist(looked: Looked) -> bool:
    return isinstance(looked, NoRecord) and not looked.name_exists and not looked.aliases
