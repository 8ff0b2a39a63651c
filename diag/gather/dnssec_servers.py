"""Whether each name server of a signed zone gives signatures that hold (RFC 4035 section 5)."""

from __future__ import annotations

from typing import Any, TypeGuard

from diag.facts.dnssec import ServerSignatures, ServerSigned, SignedSet, Word, ZoneSignatures, ZoneTrust
from diag.facts.moment import RunMoment
from diag.facts.zone import NameServer, ZoneServers
from diag.model.knowing import Absent, Cite, Unavailable
from diag.model.plugin import fact
from diag.model.target import Target
from diag.probes.dns import DnsAnswer, DnsQuery, DnsSilence
from diag.probes.pause import Pause
from diag.probes.probe import Lab
from diag.records.dnssec import MOST_RECORDS, Sections, Work, ds_text, sections, verified
from diag.together import all_of

from .zone import ask_all

SECOND_LOOK_AFTER, SURE_AFTER = 5.0, 60.0
"""Seconds in which a transfer that is under way ends, and those granted where the user wants certainty."""


@fact
async def server_signatures(
    target: Target,
    lab: Lab,
    moment: RunMoment,
    trust: ZoneTrust | Absent | Unavailable,
    signatures: ZoneSignatures | Absent | Unavailable,
    servers: ZoneServers | Absent | Unavailable,
) -> ServerSignatures | Absent | Unavailable:
    """Three questions to each server, of signed zones that validate; asked again where some servers fail."""
    if not isinstance(trust, ZoneTrust) or not isinstance(signatures, ZoneSignatures):
        return Absent("nothing is signed")
    if not trust.trusted or signatures.bogus:
        return Absent(f"{trust.zone} does not validate at any server", trust.asked)
    if isinstance(servers, Absent | Unavailable):
        return servers
    at = {server.address: server for server in servers.authoritative if server.edns}

    async def ask(address: str, look: int = 1) -> ServerSigned:
        return await _asked_of(lab, at[address], trust, moment, look)

    found = await all_of(ask, at)
    failing = [address for address, seen in found.items() if seen.bogus]
    if failing and len(failing) < len(found):
        await lab.run(
            Pause(SURE_AFTER if target.confirm else SECOND_LOOK_AFTER, f"the name servers of {trust.zone}")
        )
        found |= await all_of(lambda address: ask(address, look=2), failing)
    return ServerSignatures(trust.zone, tuple(found.values()), target.confirm)


async def _asked_of(
    lab: Lab, server: NameServer, trust: ZoneTrust, moment: RunMoment, look: int
) -> ServerSigned:
    """What one server gives, verified by the keys that it has itself."""
    questions = ((trust.zone, "DNSKEY"), (trust.zone, "SOA"), (trust.domain, "MX"))
    queries = [DnsQuery(*each, server.address, dnssec=True, look=look) for each in questions]
    heard = await ask_all(lab, queries)
    said = {query: sections(seen.wire) if _tells(seen) else None for query, seen in heard.items()}
    keys = _records(said[queries[0]], trust.zone)
    by_parent = {key.ds for key in trust.linked}
    linked = [key for key in keys if ds_text(trust.zone, key) in by_parent]
    work, sets = Work(), []
    for query in queries:
        told = said[query]
        rrset = told.find(query.name, query.rdtype) if told is not None else None
        if told is None or rrset is None:
            continue
        by = linked if query.rdtype == "DNSKEY" else keys
        made = verified(rrset, told.answer, trust.zone, by, moment.at, work)
        sets.append(
            SignedSet(query.name, query.rdtype, made, Word.NONE, query.name == trust.zone, (Cite(query),))
        )
    return ServerSigned(str(server), tuple(sets))


def _tells(seen: DnsAnswer | DnsSilence) -> TypeGuard[DnsAnswer]:
    return isinstance(seen, DnsAnswer) and seen.usable


def _records(said: Sections | None, zone: str) -> list[Any]:
    return sorted((said.find(zone, "DNSKEY") or ()) if said is not None else ())[:MOST_RECORDS]
