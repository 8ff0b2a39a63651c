"""Looking up the names of addresses that send, and whether they lead back."""

from __future__ import annotations

import ipaddress

from diag.facts.dmarc import DmarcDiscovery
from diag.facts.mx import MxHost, Routing
from diag.facts.reverse import PointerName, ReverseName
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.plugin import fact
from diag.model.target import Target
from diag.names.domain import is_below
from diag.names.parsed import plain
from diag.probes.dns import DnsAnswer, DnsEvidence, DnsQuery
from diag.probes.pause import Pause
from diag.probes.probe import Lab
from diag.together import all_of

from .dns import Found, look_up, reverse_name

CONFIRMING_PAUSE = 60.0
"""Seconds between two looks where the user wants certainty."""
MOST_NAMES = 10
"""Names of one address that are looked up; receivers give up there, too (RFC 7208 section 4.6.4)."""
MOST_ADDRESSES = 32


@fact
async def reverse_names(
    target: Target,
    routing: Routing,
    hosts: Many[MxHost],
    discovery: DmarcDiscovery | Absent | Unavailable,
    lab: Lab,
) -> Many[ReverseName]:
    """Each public address of the domain's own MX hosts: those of a provider are the provider's matter.

    What takes the place of an MX record is most often a web server, of which nobody said that it sends.
    """
    if routing.implicit:
        return Many()
    own = {target.domain}
    if isinstance(discovery, DmarcDiscovery) and discovery.organizational:
        own.add(discovery.organizational)
    holders: dict[str, list[str]] = {}
    for host in hosts.values():
        if any(host.canonical == domain or is_below(host.canonical, domain) for domain in own):
            for address in host.addresses:
                if target.counts_as_public(address):
                    holders.setdefault(address, []).append(host.name)

    async def one(address: str) -> ReverseName | Absent | Unavailable:
        return await reverse_of(target, address, tuple(holders[address]), lab)

    return Many(await all_of(one, tuple(holders)[:MOST_ADDRESSES]))


async def reverse_of(
    target: Target, address: str, hosts: tuple[str, ...], lab: Lab
) -> ReverseName | Unavailable:
    """One address: its names, and the addresses of each; an alias on the way (RFC 2317) is followed."""
    pointer = reverse_name(address)
    looked = await look_up(lab, pointer, "PTR")
    if isinstance(looked, Unavailable):
        return await _unanswered(target, address, hosts, pointer, looked, lab)
    if not isinstance(looked, Found):
        return ReverseName(address, hosts, pointer, looked.name, (), "", False, looked.evidence)
    names = tuple(sorted(plain(rdata.target) for rdata in looked.rdatas))  # type: ignore[attr-defined]
    rdtype = "AAAA" if ":" in address else "A"
    led = await all_of(lambda name: look_up(lab, name, rdtype), names[:MOST_NAMES])
    asked = looked.evidence + tuple(cite for answer in led.values() for cite in answer.evidence)
    found = []
    for name, answer in led.items():
        addresses = tuple(str(rdata) for rdata in answer.rdatas) if isinstance(answer, Found) else ()
        confirms = any(ipaddress.ip_address(a) == ipaddress.ip_address(address) for a in addresses)
        unknown = answer.because if isinstance(answer, Unavailable) else ""
        found.append(PointerName(name, addresses, confirms, unknown))
    found += [PointerName(name, (), False, f"it is one of {len(names)} names") for name in names[MOST_NAMES:]]
    return ReverseName(address, hosts, pointer, looked.owner, tuple(found), "", False, asked)


async def _unanswered(
    target: Target, address: str, hosts: tuple[str, ...], pointer: str, first: Unavailable, lab: Lab
) -> ReverseName | Unavailable:
    """SERVFAIL, twice, is what receivers meet as well; silence and refusals may concern us alone."""
    asked = first.evidence
    failing = asked[-1].probe
    if not isinstance(failing, DnsQuery) or not _servfail(await lab.run(failing)):
        return first
    if target.confirm:
        await lab.run(Pause(CONFIRMING_PAUSE, pointer))
    again = DnsQuery(failing.name, "PTR", dnssec=True)
    asked += (Cite(again),)
    if not _servfail(await lab.run(again)):
        return Unavailable(f"{first.because}; a second look ended otherwise", asked)
    return ReverseName(address, hosts, pointer, failing.name, (), first.because, target.confirm, asked)


def _servfail(answer: DnsEvidence) -> bool:
    return isinstance(answer, DnsAnswer) and answer.rcode == "SERVFAIL"
