"""What pyspf and checkdmarc say about our own worlds, from the same records; no packet of theirs leaves.

Both are old hands that read the same standards; where one disagrees with us, a table names the section that
settles it, or the disagreement is ours to mend.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import anyio
import anyio.from_thread
import checkdmarc.dmarc
import checkdmarc.spf
import checkdmarc.utils
import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.resolver
import spf

from diag.facts.spf import LOOKUP_LIMIT, MX_LIMIT, VOID_LIMIT
from diag.gather.dns import Found, Looked, look_up
from diag.gather.spf import Survey
from diag.gather.spf_check import check_host
from diag.gather.spf_tree import Tree
from diag.lab.blocking import Blocking, blocking
from diag.lab.overlay import Nothing, Overlay
from diag.probes.dns import DnsAnswer, DnsQuery
from diag.probes.probe import Lab
from diag.records.dmarc import DmarcRecord, is_dmarc
from diag.records.spf import is_spf
from diag.sandbox.world import World

CLIENTS = ("198.51.100.10", "2001:db8:10::10", "203.0.113.200", "2001:db8:ffff::1")
"""Clients asked about: an MX host of the healthy world in both families, and strangers."""


@dataclass(frozen=True)
class Opinion:
    """One question on which another implementation was heard."""

    world: str
    other: str
    question: str
    ours: str
    theirs: str

    @property
    def agrees(self) -> bool:
        """Whether both say the same."""
        return self.ours == self.theirs


def opinions(world: World) -> Iterator[Opinion]:
    """Everything the others have to say about a world."""
    lab = Overlay(world.dns.zone, Nothing(), whole=True, secure=world.dns.secure, fails=world.dns.fails)
    for client in CLIENTS:
        ours = anyio.run(_ours, lab, client, world.domain)
        theirs = anyio.run(blocking, lab, lambda lab, client=client: _pyspf(lab, client, world.domain))
        yield Opinion(world.name, "pyspf", f"SPF result for {client}", ours, theirs)
    yield from _checkdmarc(world, lab)


async def _ours(lab: Lab, client: str, domain: str) -> str:
    return (await check_host(lab, client, domain, f"postmaster@{domain}", f"mail.{domain}")).result.value


def _pyspf(lab: Blocking, client: str, domain: str) -> str:
    def answer(name: str, qtype: str, *_: Any, **__: Any) -> list[Any]:
        name = name.rstrip(".").lower()
        looked = _asked(lab, name, qtype)
        if not isinstance(looked, Found):
            return []
        return [((name, qtype), _as_pyspf(qtype, rdata)) for rdata in looked.rdatas]

    before, spf.DNSLookup = spf.DNSLookup, answer
    try:
        query = spf.query(i=client, s=f"postmaster@{domain}", h=f"mail.{domain}", querytime=60)
        return str(query.check()[0])
    finally:
        spf.DNSLookup = before


def _asked(lab: Blocking, name: str, qtype: str) -> Looked:
    looked = anyio.from_thread.run(look_up, lab.lab, name, qtype)
    if not isinstance(looked, Found) and not hasattr(looked, "name_exists"):
        raise spf.TempError("DNS " + looked.because)
    return looked


def _as_pyspf(qtype: str, rdata: Any) -> Any:
    match qtype:
        case "A" | "AAAA":
            return str(rdata)
        case "MX":
            return rdata.preference, rdata.exchange.to_text(True)
        case "PTR":
            return rdata.target.to_text(True)
        case _:
            return rdata.strings


class LabResolver(dns.resolver.Resolver):
    """A resolver of dnspython's shape that asks a lab."""

    def __init__(self, ask: Callable[[DnsQuery], Any]) -> None:
        super().__init__(configure=False)
        self.nameservers = ["127.0.0.1"]
        self._lab_ask = ask

    def resolve(self, qname: Any, rdtype: Any = "A", *_: Any, **__: Any) -> Any:  # type: ignore[override]
        """The answer, or dnspython's exceptions for none."""
        name = dns.name.from_text(str(qname))
        kind = dns.rdatatype.RdataType.make(rdtype)
        text = name.to_text(omit_final_dot=True).lower() or "."
        answer = self._lab_ask(DnsQuery(text, dns.rdatatype.to_text(kind)))
        if not isinstance(answer, DnsAnswer) or not answer.usable:
            raise dns.resolver.NoNameservers(request=dns.message.make_query(name, kind), errors=[])
        response = dns.message.from_wire(answer.wire)
        if answer.rcode == "NXDOMAIN":
            raise dns.resolver.NXDOMAIN(qnames=[name], responses={name: response})
        return dns.resolver.Answer(name, kind, dns.rdataclass.IN, response)


def _checkdmarc(world: World, lab: Lab) -> Iterator[Opinion]:
    domain = world.domain
    own = anyio.run(look_up, lab, domain, "TXT")
    records = [text for text in own.texts() if is_spf(text)] if isinstance(own, Found) else []
    if len(records) == 1:
        answers = anyio.run(Survey(lab).everything, domain)
        root = Tree(answers).node(domain)
        ours = "permerror" if _permerror(root) else f"{root.lookups} look-ups"
        theirs = anyio.run(blocking, lab, lambda lab: _their_spf(lab, records[0], domain))
        yield Opinion(world.name, "checkdmarc", "SPF cost", ours, theirs)
    policy = anyio.run(look_up, lab, f"_dmarc.{domain}", "TXT")
    found = [text for text in policy.texts() if is_dmarc(text)] if isinstance(policy, Found) else []
    if len(found) == 1:
        theirs = anyio.run(blocking, lab, lambda lab: _their_dmarc(lab, found[0], domain))
        record = DmarcRecord.parse(found[0])
        yield Opinion(world.name, "checkdmarc", "DMARC policy", str(record.p or "none"), theirs)


def _permerror(root: Any) -> bool:
    broken = any(True for node in root.nodes() for _ in (node.record.errors if node.record else ()))
    voids = sum(1 for _, step in root.walk() if step.void_ipv4 and step.void_ipv6)
    bad = {"no SPF record", "several SPF records", "loop"}
    dead_end = any(s.outcome.value in bad or len(s.names) > MX_LIMIT for _, s in root.walk())
    return broken or dead_end or root.lookups > LOOKUP_LIMIT or voids > VOID_LIMIT


def _their_spf(lab: Blocking, record: str, domain: str) -> str:
    _forget()
    try:
        parsed = checkdmarc.spf.parse_spf_record(record, domain, resolver=LabResolver(lab.run))
    except checkdmarc.spf.SPFError:
        return "permerror"
    except Exception as error:
        return type(error).__name__
    return f"{parsed['dns_lookups']} look-ups"


def _their_dmarc(lab: Blocking, record: str, domain: str) -> str:
    _forget()
    try:
        parsed = checkdmarc.dmarc.parse_dmarc_record(record, domain, resolver=LabResolver(lab.run))
    except checkdmarc.dmarc.DMARCError as error:
        return type(error).__name__
    return str(parsed["tags"]["p"]["value"])


def _forget() -> None:
    """checkdmarc keeps answers for the whole process, keyed without the resolver."""
    for name in dir(checkdmarc.utils):
        cache = getattr(checkdmarc.utils, name)
        if "cache" in name.lower() and hasattr(cache, "clear"):
            cache.clear()
