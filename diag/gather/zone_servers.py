"""Asking every name server of the zone: whether it answers for it, over which transports, and what it has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial

import dns.rdata
import dns.rdatatype

from diag.facts.dane import DaneHost
from diag.facts.dkim import DkimSelectors
from diag.facts.zone import Key, NameServer, Said, Standing, ZoneDelegation, ZoneServers
from diag.model.frozen import frozen
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.plugin import fact
from diag.model.target import Target
from diag.names.domain import is_below
from diag.probes.dns import DnsAnswer, DnsQuery, Transport
from diag.probes.pause import Pause
from diag.probes.probe import Lab
from diag.together import all_of

from .zone import ask_all

MOST_ADDRESSES = 8
"""Addresses asked; those beyond are left in peace."""
MOST_SELECTORS = 4
MOST_TLSA = 4
SECOND_LOOK_AFTER = 5.0
"""Seconds in which a change that is under way reaches the other servers."""
LAST_LOOK_AFTER = 55.0
"""Seconds more that serials alone are given where the user wants certainty: who is not told of changes fetches them."""
CONFIRMING = 3
"""The look at whether a server is silent to EDNS, which is told apart from a second look at what it has."""
LAST_LOOK = 4
NO_SERVER = "192.0.2.53"
"""An address that nobody has (RFC 5737): who answers for it answers in place of others."""
_SHUT = "no name server of any kind can be reached from here: questions to port 53 do not leave our network"
_FORWARDED = "our network answers questions itself that are meant for name servers of others"


@fact
async def zone_servers(
    target: Target,
    delegation: ZoneDelegation,
    selectors: DkimSelectors | Unavailable,
    dane: Many[DaneHost] | Absent | Unavailable,
    lab: Lab,
) -> ZoneServers | Absent | Unavailable:
    """Two rounds, and a third some seconds later where the servers differ."""
    if not delegation.exists:
        return Absent(f"{delegation.domain} does not exist", delegation.asked)
    apex = delegation.apex
    at = {address: host for host, address in _in_turn(delegation.addresses, target)}
    first = await all_of(partial(_standing, lab, apex), at)
    if not any(found.standing is Standing.AUTHORITATIVE for found in first.values()):
        nobody = DnsQuery(".", "SOA", NO_SERVER)
        heard = await lab.run(nobody)
        if isinstance(heard, DnsAnswer):
            return Unavailable(_FORWARDED, (Cite(nobody),))
        if not delegation.above and all(f.standing is Standing.SILENT for f in first.values()):
            return Unavailable(_SHUT, delegation.asked)
    keys = tuple(_keys(delegation, selectors, dane))
    asked_in_full = _one_of_each_host(at, first)

    async def whole(address: str, look: int = 1) -> NameServer:
        wanted = keys if address in asked_in_full else ()
        return await _whole(lab, apex, at[address], address, first[address], wanted, look)

    found = await all_of(whole, at)
    servers = tuple(found.values())
    made = ZoneServers(apex, servers, await _over_tcp(lab, delegation, servers), False, {}, ())
    settled = for_a_minute = False
    for look, seconds in ((2, SECOND_LOOK_AFTER), (LAST_LOOK, LAST_LOOK_AFTER)):
        differ = bool(made.differences())
        if not (differ or made.serials_differ) or (settled and (differ or not target.confirm)):
            break
        await lab.run(Pause(seconds, f"the name servers of {apex}"))
        first = await all_of(partial(_standing, lab, apex, look=look), at)
        servers = tuple((await all_of(partial(whole, look=look), at)).values())
        settled, for_a_minute = True, look == LAST_LOOK
        made = ZoneServers(apex, servers, made.tcp_open, settled, {}, ())
    beside, cites = await _beside_aliases(lab, delegation, selectors, first)
    asked = delegation.asked + tuple(cite for server in servers for cite in server.asked) + cites
    return ZoneServers(apex, servers, made.tcp_open, settled, beside, asked, for_a_minute)


@frozen
class _First:
    """What came of the first question."""

    standing: Standing
    why: str
    serial: int | None
    minimum: int | None
    edns: bool
    transport: Transport
    asked: tuple[Cite, ...]


async def _standing(lab: Lab, apex: str, address: str, look: int = 1) -> _First:
    """Ask for the SOA, and where that meets silence, once more without EDNS (RFC 6891 section 6.2.2)."""
    query = DnsQuery(apex, "SOA", address, look=look)
    answer = await lab.run(query)
    asked: tuple[Cite, ...] = (Cite(query),)
    transport: Transport = ""
    if not isinstance(answer, DnsAnswer):
        query = DnsQuery(apex, "SOA", address, transport="plain", look=look)
        answer = await lab.run(query)
        asked += (Cite(query),)
        transport = "plain"
        if isinstance(answer, DnsAnswer):
            # Once more as usual: it may have been packets that were lost, and not EDNS that was met with silence.
            again = DnsQuery(apex, "SOA", address, look=CONFIRMING)
            usual = await lab.run(again)
            asked += (Cite(again),)
            if isinstance(usual, DnsAnswer):
                answer, transport = usual, ""
    if not isinstance(answer, DnsAnswer):
        return _First(Standing.SILENT, str(answer.why), None, None, True, "", asked)
    edns = transport == "" and answer.transport != "plain"
    soa = answer.rrset(apex, "SOA")
    if answer.usable and answer.authoritative and soa is not None:
        record = soa.rdatas[0]
        return _First(
            Standing.AUTHORITATIVE,
            "",
            record.serial,  # type: ignore[attr-defined]
            min(record.minimum, soa.ttl),  # type: ignore[attr-defined]
            edns,
            transport,
            asked,
        )
    if not answer.usable:
        told = "; ".join(text or f"extended error {code}" for code, text in answer.extended_errors)
        why = answer.rcode + (f" ({told})" if told else "")
        return _First(Standing.FAILS, why, None, None, edns, transport, asked)
    why = "it knows the zone only at second hand" if soa is not None else "it knows nothing of the zone"
    return _First(Standing.NOT_AUTHORITATIVE, why, None, None, edns, transport, asked)


async def _whole(
    lab: Lab, apex: str, host: str, address: str, first: _First, keys: Iterable[Key], look: int
) -> NameServer:
    """Everything else that is asked of a server which answers for the zone."""
    names: tuple[str, ...] = ()
    tcp: bool | None = None
    records: dict[Key, Said] = {}
    unheard: list[Key] = []
    asked = first.asked
    if first.standing is Standing.AUTHORITATIVE:
        queries = {key: DnsQuery(*key, address, transport=first.transport, look=look) for key in keys}
        # Where EDNS meets silence, silence over TCP would say nothing about TCP.
        over_tcp = [DnsQuery(apex, "SOA", address, transport="tcp")] if not first.transport else []
        answers = await ask_all(lab, (*over_tcp, *queries.values()))
        for query in over_tcp:
            tcp = isinstance(answers[query], DnsAnswer)
        for key, query in queries.items():
            if (said := _said(query, answers[query])) is not None:
                records[key] = said
            elif not isinstance(answers[query], DnsAnswer):
                unheard.append(key)
        ns = records.pop((apex, "NS"), None)
        names = tuple(sorted(_bare(value) for value in ns.values)) if ns is not None else ()
        asked += tuple(Cite(query) for query in answers)
    return NameServer(
        host,
        address,
        first.standing,
        first.why,
        first.serial,
        first.minimum,
        names,
        tcp,
        first.edns,
        records,
        asked,
        tuple(unheard),
    )


def _said(query: DnsQuery, answer: object) -> Said | None:
    """The RRset of an answer with authority; None where the server said nothing that counts."""
    if not isinstance(answer, DnsAnswer) or not answer.usable or not answer.authoritative:
        return None
    own, alias = answer.rrset(query.name, query.rdtype), answer.rrset(query.name, "CNAME")
    found = own or alias
    return Said(
        values=frozenset(_value(rdata) for rdata in found.rdatas) if found is not None else frozenset(),
        alias=own is None and alias is not None,
        ttl=found.ttl if found is not None else 0,
        size=answer.size,
        transport=answer.transport,
        asked=Cite(query),
    )


def _value(rdata: dns.rdata.Rdata) -> str:
    """What is compared: names in one case, and the text of a TXT record however it is cut (RFC 7208 section 3.3)."""
    if rdata.rdtype == dns.rdatatype.TXT:
        return b"".join(rdata.strings).decode("latin-1")  # type: ignore[attr-defined]
    return rdata.to_text().lower() if rdata.rdtype in _WITH_NAMES else rdata.to_text()


_WITH_NAMES = (dns.rdatatype.MX, dns.rdatatype.NS, dns.rdatatype.CNAME)


def _in_turn(addresses: Mapping[str, tuple[str, ...]], target: Target) -> Iterator[tuple[str, str]]:
    """Hosts with addresses that strangers can reach, the first of each host before the second of any."""
    public = {
        host: [address for address in known if target.counts_as_public(address)]
        for host, known in addresses.items()
    }
    longest = max(map(len, public.values()), default=0)
    turns = ((host, known[n]) for n in range(longest) for host, known in public.items() if n < len(known))
    yield from [turn for turn, _ in zip(turns, range(MOST_ADDRESSES), strict=False)]


def _one_of_each_host(at: Mapping[str, str], first: Mapping[str, _First]) -> set[str]:
    """The first address of each host that answers for the zone: what it has it has at the others too."""
    chosen: dict[str, str] = {}
    for address, host in at.items():
        if first[address].standing is Standing.AUTHORITATIVE:
            chosen.setdefault(host, address)
    return set(chosen.values())


def _keys(
    delegation: ZoneDelegation,
    selectors: DkimSelectors | Unavailable,
    dane: Many[DaneHost] | Absent | Unavailable,
) -> Iterator[Key]:
    """What must be the same on every server, as far as it lies in this zone."""
    domain = delegation.domain
    yield delegation.apex, "NS"
    yield from ((domain, "MX"), (domain, "TXT"), (domain, "CAA"), (f"_dmarc.{domain}", "TXT"))
    if isinstance(selectors, DkimSelectors):
        yield from ((f"{name}._domainkey.{domain}", "TXT") for name in selectors.found[:MOST_SELECTORS])
    hosts = [host.name for host in dane.values()] if isinstance(dane, Many) else []
    yield from ((name, "TLSA") for name in hosts[:MOST_TLSA] if is_below(name, delegation.apex))


async def _beside_aliases(
    lab: Lab,
    delegation: ZoneDelegation,
    selectors: DkimSelectors | Unavailable,
    first: Mapping[str, _First],
) -> tuple[dict[str, tuple[str, ...]], tuple[Cite, ...]]:
    """Where a CNAME has company (RFC 1034 section 3.6.2), by the word of one server that answers for the zone."""
    server = next((a for a, each in first.items() if each.standing is Standing.AUTHORITATIVE), None)
    if server is None:
        return {}, ()
    domain = delegation.domain
    found = selectors.found[:MOST_SELECTORS] if isinstance(selectors, DkimSelectors) else ()
    types: dict[str, tuple[str, ...]] = {
        domain: ("SOA", "MX", "TXT") if domain == delegation.apex else ("MX", "TXT")
    }
    types |= {f"{label}.{domain}": ("TXT",) for label in ("_dmarc", "_mta-sts")}
    types |= {f"{name}._domainkey.{domain}": ("TXT",) for name in found}
    transport = first[server].transport
    queries = {name: DnsQuery(name, "CNAME", server, transport=transport) for name in types}
    answers = await all_of(lambda name: lab.run(queries[name]), types)
    beside: dict[str, tuple[str, ...]] = {}
    cites: tuple[Cite, ...] = ()
    for name, answer in answers.items():
        if not isinstance(answer, DnsAnswer) or answer.rrset(name, "CNAME") is None:
            continue
        others = [DnsQuery(name, rdtype, server, transport=transport) for rdtype in types[name]]
        told = await ask_all(lab, others)
        company = tuple(
            query.rdtype
            for query in others
            if isinstance(said := told[query], DnsAnswer) and said.rrset(name, query.rdtype) is not None
        )
        if company:
            beside[name] = company
            cites += (Cite(queries[name]), *(Cite(query) for query in others))
    return beside, cites


async def _over_tcp(lab: Lab, delegation: ZoneDelegation, servers: Iterable[NameServer]) -> bool:
    """Whether TCP to any server gets through; where to none of the zone's, one of the zone above is tried."""
    if any(server.tcp for server in servers):
        return True
    others = (DnsQuery(delegation.apex, "NS", address, transport="tcp") for address in delegation.above)
    return any(isinstance(said, DnsAnswer) for said in (await ask_all(lab, others)).values())


def _bare(name: str) -> str:
    return name.lower().removesuffix(".") or "."
