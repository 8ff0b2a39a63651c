"""Asking pyspf and checkdmarc about the records that we have judged, over the same answers.

Both read the same standards as we do. They run in a worker thread and get their answers from the lab, so
that no packet of theirs leaves; what they ask beyond us is on the tape like everything else.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import anyio.from_thread
import checkdmarc.dmarc
import checkdmarc.spf
import checkdmarc.utils
import dns.message
import dns.nameserver
import dns.rcode
import dns.rdatatype
import dns.resolver
import spf

from diag.facts.second_opinion import Opinion, SecondOpinions
from diag.facts.spf import LOOKUP_LIMIT, MX_LIMIT, VOID_LIMIT, Outcome, SpfNode
from diag.gather.dns import Found, Looked, NoRecord, look_up
from diag.gather.spf import Survey
from diag.gather.spf_check import check_host
from diag.gather.spf_tree import Tree
from diag.lab.blocking import Blocking, blocking
from diag.names.parsed import plain
from diag.probes.probe import Lab, NotRecorded
from diag.records.dmarc import DmarcRecord, is_dmarc

from . import settling

STRANGERS = ("203.0.113.200", "2001:db8:ffff::1")
"""Clients that no record names: documentation addresses (RFC 5737, RFC 3849)."""
PATIENCE = 20
"""Seconds after which pyspf gives up on one client."""


async def second_opinions(lab: Lab, domain: str, clients: tuple[str, ...] | None = None) -> SecondOpinions:
    """What the others say of a domain's SPF and DMARC records.

    They are asked for the SPF result of `clients`: if nothing is said, strangers and one address of each family that
    may send. What a replay has no answers for is told as unheard.
    """
    heard: list[Opinion] = []
    unheard: list[str] = []
    for ask in (_on_spf, _on_dmarc):
        try:
            heard += await ask(lab, domain, clients)
        except NotRecorded as miss:
            unheard.append(str(miss))
    return SecondOpinions(tuple(heard), tuple(unheard))


# ---------------------------------------------------------------- SPF


async def _on_spf(lab: Lab, domain: str, clients: tuple[str, ...] | None) -> list[Opinion]:
    answers = await Survey(lab).everything(domain)
    root = Tree(answers).node(domain)
    found: list[Opinion] = []
    for client in clients if clients is not None else (*_senders(root), *STRANGERS):
        sender, helo = f"postmaster@{domain}", f"mail.{domain}"
        ours = (await check_host(lab, client, domain, sender, helo)).result.value
        theirs = await _of_pyspf(lab, client, sender, helo)
        section, why = settling.spf_result(root, ours, theirs) if ours != theirs else ("", "")
        found.append(Opinion("pyspf", f"SPF result for {client}", ours, theirs, section, why))
    if root.record is not None:
        ours = "permerror" if _is_permerror(root) else f"{root.lookups} look-ups"
        theirs = await _cost_at_checkdmarc(lab, root.record.text, domain)
        section, why = settling.spf_cost(root, ours, theirs) if ours != theirs else ("", "")
        found.append(Opinion("checkdmarc", "SPF cost", ours, theirs, section, why))
    return found


def _senders(root: SpfNode) -> Iterator[str]:
    """The first address of each family that a term names."""
    networks = [network for _, step in root.walk() for network in step.networks]
    for version in (4, 6):
        yield from [str(network[0]) for network in networks if network.version == version][:1]


def _is_permerror(root: SpfNode) -> bool:
    """Whether a sender that matches nothing meets a permerror."""
    broken = any(node.record.errors for node in root.nodes() if node.record is not None)
    steps = [step for _, step in root.walk()]
    bad = (Outcome.NO_RECORD, Outcome.MANY_RECORDS, Outcome.LOOP)
    dead_end = any(step.outcome in bad or len(step.names) > MX_LIMIT for step in steps)
    voids = sum(1 for step in steps if step.void_ipv4 and step.void_ipv6)
    return broken or dead_end or root.lookups > LOOKUP_LIMIT or voids > VOID_LIMIT


async def _of_pyspf(lab: Lab, client: str, sender: str, helo: str) -> str:
    def work(bridge: Blocking) -> str:
        _bridge.set(bridge)
        return str(spf.query(i=client, s=sender, h=helo, querytime=PATIENCE).check()[0])

    spf.DNSLookup = _answer_for_pyspf
    return await _said(lab, work)


_bridge: ContextVar[Blocking] = ContextVar("bridge")
"""The lab of the thread that pyspf runs in: its way of asking is a global of its module."""


def _answer_for_pyspf(name: str, qtype: str, *_: Any, **__: Any) -> list[Any]:
    name = name.rstrip(".").lower()
    looked = _looked_up(_bridge.get(), name, qtype)
    if isinstance(looked, Found):
        return [((name, qtype), _as_pyspf(qtype, rdata)) for rdata in looked.rdatas]
    if isinstance(looked, NoRecord):
        return []
    raise spf.TempError("DNS " + looked.because)


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


async def _cost_at_checkdmarc(lab: Lab, record: str, domain: str) -> str:
    def work(bridge: Blocking) -> str:
        try:
            read = checkdmarc.spf.parse_spf_record(record, domain, **_through(bridge))
        except checkdmarc.spf.SPFError:
            return "permerror"
        return f"{read['dns_lookups']} look-ups"

    return await _said(lab, work)


# ---------------------------------------------------------------- DMARC


async def _on_dmarc(lab: Lab, domain: str, _: tuple[str, ...] | None) -> list[Opinion]:
    looked = await look_up(lab, f"_dmarc.{domain}", "TXT")
    records = [text for text in looked.texts() if is_dmarc(text)] if isinstance(looked, Found) else []
    if len(records) != 1:
        return []

    def work(bridge: Blocking) -> str:
        try:
            read = checkdmarc.dmarc.parse_dmarc_record(records[0], domain, **_through(bridge))
        except checkdmarc.dmarc.DMARCError as error:
            return type(error).__name__
        return str(read["tags"]["p"]["value"])

    record = DmarcRecord.parse(records[0])
    ours, theirs = str(record.p or "none"), await _said(lab, work)
    section, why = settling.dmarc_policy(record, theirs) if ours != theirs else ("", "")
    return [Opinion("checkdmarc", "DMARC policy", ours, theirs, section, why)]


# ---------------------------------------------------------------- their world


async def _said(lab: Lab, work: Callable[[Blocking], str]) -> str:
    """What a library says; where it fails for a reason of its own, that."""

    def guarded(bridge: Blocking) -> str:
        try:
            return work(bridge)
        except NotRecorded:
            raise
        except Exception as error:
            return f"fails: {type(error).__name__}"

    return await blocking(lab, guarded)


def _looked_up(bridge: Blocking, name: str, rdtype: str) -> Looked:
    try:
        return anyio.from_thread.run(look_up, bridge.lab, name, rdtype)
    except NotRecorded as miss:
        bridge.missed = miss  # whatever the library makes of it
        raise


_forgetting = threading.Lock()


def _through(bridge: Blocking) -> dict[str, Any]:
    """The arguments by which checkdmarc asks the lab; for `exp` it asks its name servers, not its resolver."""
    with _forgetting:  # it keeps answers for the whole process, whoever gave them
        for name in dir(checkdmarc.utils):
            cache = getattr(checkdmarc.utils, name)
            if name.endswith("CACHE") and hasattr(cache, "clear"):
                cache.clear()
    server = _LabServer(bridge)
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [server]
    return {"resolver": resolver, "nameservers": [server], "retries": 0}


class _LabServer(dns.nameserver.Nameserver):
    """A name server of dnspython's that asks a lab."""

    def __init__(self, bridge: Blocking) -> None:
        self._bridge = bridge

    def __str__(self) -> str:
        return "lab"

    def kind(self) -> str:
        """See dnspython."""
        return "lab"

    def is_always_max_size(self) -> bool:
        """See dnspython: nothing is ever cut."""
        return True

    def answer_nameserver(self) -> str:
        """See dnspython."""
        return "lab"

    def answer_port(self) -> int:
        """See dnspython."""
        return 0

    def query(self, request: dns.message.QueryMessage, *_: Any, **__: Any) -> dns.message.Message:
        """The answer, its aliases already followed; SERVFAIL for what could not be found out."""
        (asked,) = request.question
        name = plain(asked.name)
        looked = _looked_up(self._bridge, name, dns.rdatatype.to_text(asked.rdtype))
        response = dns.message.make_response(request, recursion_available=True)
        if isinstance(looked, Found):
            found = response.find_rrset("ANSWER", asked.name, asked.rdclass, asked.rdtype, create=True)
            for rdata in looked.rdatas:
                found.add(rdata, looked.ttl)
        elif isinstance(looked, NoRecord):
            response.set_rcode(dns.rcode.NOERROR if looked.name_exists else dns.rcode.NXDOMAIN)
        else:
            response.set_rcode(dns.rcode.SERVFAIL)
        return response
