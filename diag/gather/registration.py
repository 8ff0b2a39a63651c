"""Whether a name that does not exist could be registered by anybody."""

from __future__ import annotations

from collections.abc import Iterable

from diag.model.knowing import Cite
from diag.names.domain import labels, parents
from diag.names.parsed import plain
from diag.names.registered import registrable
from diag.probes.dns import DnsAnswer, DnsQuery
from diag.probes.probe import Lab
from diag.together import all_of

from .dns import Found, look_up
from .references import address_type
from .suffixes import is_suffix

ASKINGS = 2
"""Name servers of the parent zone that must agree before a name is called free."""


def claimable(name: str) -> str:
    """The part of a name that somebody must have registered; `is_free` says whether anybody has.

    The list has the last word where a second label only looks like a registry's: `go.it` is a domain like any
    other, so that nobody can register what is missing below it.
    """
    wanted = registrable(name)
    above = parents(wanted)
    return wanted if len(above) < 2 or is_suffix(above[0]) else above[0]


async def one_address(lab: Lab, hosts: Iterable[str]) -> dict[str, str]:
    """An address of each host to put questions to, of a family that we have a route to; hosts without are left out."""
    rdtype = await address_type(lab)
    found = await all_of(lambda host: look_up(lab, host, rdtype), hosts)
    return {host: str(looked.rdatas[0]) for host, looked in found.items() if isinstance(looked, Found)}


async def is_free(lab: Lab, name: str) -> tuple[bool | None, tuple[Cite, ...]]:
    """Whether the name's registrable part is NXDOMAIN at its parent zone's own servers, and the evidence.

    True only where two servers (or all there are) say so; None where too few answered; a resolver's word
    or a timeout is never enough.
    """
    wanted = claimable(name)
    parent = ".".join(labels(wanted)[1:])
    if not parent:
        return None, ()
    ns = await look_up(lab, parent, "NS")
    if not isinstance(ns, Found):
        return None, ns.evidence
    hosts = sorted(plain(rdata.target) for rdata in ns.rdatas)[:ASKINGS]  # type: ignore[attr-defined]
    servers = list((await one_address(lab, hosts)).values())
    queries = {server: DnsQuery(wanted, "NS", server) for server in servers}
    answers = await all_of(lambda server: lab.run(queries[server]), servers)
    # Without authority, somebody on the way answers in the place of those who were asked.
    heard = [answer for answer in answers.values() if isinstance(answer, DnsAnswer) and answer.usable]
    said = [answer.rcode for answer in heard if answer.authoritative or answer.rcode == "NOERROR"]
    evidence = ns.evidence + tuple(Cite(query) for query in queries.values())
    if "NOERROR" in said:
        return False, evidence
    return True if said and len(said) == len(hosts) else None, evidence
