"""Looking up the TLSA records of the MX hosts (RFC 7672 section 2.2)."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeGuard

import dns.exception
import dns.flags
import dns.name
import dns.rdatatype
import dns.wire

from diag.facts.dane import DaneHost, HeededTlsa
from diag.facts.dnssec import Security, ZoneSignatures, why
from diag.facts.mx import MxHost, Routing
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.plugin import fact
from diag.model.target import Target
from diag.probes.dns import DnsAnswer, DnsEvidence, DnsQuery
from diag.probes.pause import Pause
from diag.probes.probe import Lab
from diag.records.tlsa import Tlsa
from diag.together import all_of

from .dns import NOBODY, Found, Looked, look_up
from .dnssec import security_of
from .validating import ROOT, validates

CONFIRMING_PAUSE = 60.0
"""Seconds between two looks where the user wants certainty."""


@fact
async def dane_hosts(
    target: Target,
    hosts: Many[MxHost],
    routing: Routing,
    signatures: ZoneSignatures | Absent | Unavailable,
    lab: Lab,
) -> Many[DaneHost]:
    """The TLSA records of every MX host, all asked for at once."""

    async def one(name: str) -> DaneHost | Absent | Unavailable:
        host = hosts.items[name]
        if not isinstance(host, MxHost):
            return host
        found = _verified(await dane_host(target, host, lab), signatures)
        return replace(found, beside=_beside(found, routing)) if isinstance(found, DaneHost) else found

    return Many(await all_of(one, hosts.items))


def _beside(host: DaneHost, routing: Routing) -> tuple[str, ...]:
    """The domain for which the sender looked up what led to the host, if it led there securely; else the host alone."""
    return (routing.domain, routing.owner) if routing.leads_securely else (host.host,)


@fact
async def heeded_tlsa(hosts: Many[DaneHost]) -> Many[HeededTlsa]:
    """Of the hosts with TLSA records: those whose records senders heed."""
    return Many({name: _heeded(host) for name, host in hosts.items.items()})


def _heeded(host: DaneHost | Absent | Unavailable) -> HeededTlsa | Absent | Unavailable:
    """The records, if they count; not known where the look-up failed, or our resolver does not validate."""
    if not isinstance(host, DaneHost):
        return host
    if host.trouble:
        return Unavailable(host.trouble, host.asked)
    match host.security:
        case Security.SECURE:
            return HeededTlsa(host)
        case Security.INDETERMINATE:
            because = "our resolver does not validate, so whether senders heed the TLSA records is not known"
            return Unavailable(because, host.asked)
        case _:
            return Absent("its TLSA records are not secured by DNSSEC, so senders heed none", host.asked)


def _verified(
    host: DaneHost | Absent | Unavailable, signatures: ZoneSignatures | Absent | Unavailable
) -> DaneHost | Absent | Unavailable:
    """The host, unless we see ourselves that what secures its records does not hold.

    Its failing look-up is then the doing of the signatures, which are judged elsewhere.
    """
    if not isinstance(host, DaneHost) or not isinstance(signatures, ZoneSignatures):
        return host
    for name, rdtypes in ((host.host, ("A", "AAAA", "CNAME")), (host.name, ("TLSA", "CNAME"))):
        for rdtype in rdtypes:
            judged = signatures.set_of(name, rdtype)
            if judged is not None and judged.failing:
                return Unavailable(f"of {judged.label} {why(judged)}", host.asked + judged.asked)
            denied = signatures.denial_of(name, rdtype)
            if denied is not None and denied.broken:
                unproved = f"that there is no {rdtype} {name} is not proved: {denied.trouble}"
                return Unavailable(unproved, host.asked + denied.asked)
    return host


async def dane_host(target: Target, host: MxHost, lab: Lab) -> DaneHost | Absent | Unavailable:
    """One host's records, at the name its alias securely leads to before its own (section 2.2.3)."""
    if not host.addresses:
        if host.unknown:
            return Unavailable(host.unknown, host.asked)
        return Absent(f"{host.name} has no address", host.asked)
    validating = await validates(lab)
    addresses = security_of(host.authenticated, validating)
    bases = (host.canonical, host.name) if host.aliases and addresses is Security.SECURE else (host.name,)
    asked = (Cite(ROOT), *host.asked)
    if host.aliases and addresses is Security.INSECURE:
        # A secure alias that leads to an insecure zone still binds its own name (section 2.2.2).
        alias = await look_up(lab, host.name, "CNAME")
        asked += alias.evidence
        if isinstance(alias, Unavailable):
            return alias
        addresses = security_of(alias.authenticated, validating)
    looked = await all_of(lambda base: look_up(lab, tlsa_name(base), "TLSA"), bases)
    asked += tuple(cite for answer in looked.values() for cite in answer.evidence)
    insecure: DaneHost | None = None
    for base, answer in looked.items():
        found = await _found(host, base, answer, addresses, validating, asked, lab)
        if found is None and isinstance(answer, Unavailable):
            return await _failed(target, host, base, answer, addresses, asked, lab)
        if found is not None:
            if found.secure:
                return found
            insecure = insecure or found
    return insecure or Absent(f"{host.name} has no TLSA record for port 25", asked)


def tlsa_name(base: str) -> str:
    """Where the records for SMTP between domains are (RFC 6698 section 3, RFC 7672 section 2.2.3)."""
    return f"_25._tcp.{base}"


async def _found(
    host: MxHost,
    base: str,
    looked: Looked,
    addresses: Security,
    validating: bool,
    asked: tuple[Cite, ...],
    lab: Lab,
) -> DaneHost | None:
    """The records of an answer; None where there are none, or no answer that holds any."""
    if isinstance(looked, Found):
        owner, authenticated = looked.owner, looked.authenticated
        records = tuple(map(_tlsa, looked.rdatas))
    elif isinstance(looked, Unavailable) and isinstance(query := looked.evidence[-1].probe, DnsQuery):
        # The library refuses a message in which one record has a digest of the wrong length; senders do not.
        answer = await lab.run(query)
        owner = query.name
        records, authenticated = read_leniently(answer.wire, owner) if _garbled(answer) else ((), False)
    else:
        return None
    if not records:
        return None
    whole = authenticated and addresses is Security.SECURE
    return DaneHost(
        host=host.name,
        base=base,
        name=tlsa_name(base),
        owner=owner,
        records=tuple(sorted(records, key=str)),
        addresses=addresses,
        security=security_of(whole, validating),
        trouble="",
        waited=False,
        asked=asked,
    )


def _garbled(answer: DnsEvidence) -> TypeGuard[DnsAnswer]:
    return isinstance(answer, DnsAnswer) and answer.garbled


def _tlsa(rdata: object) -> Tlsa:
    return Tlsa(rdata.usage, rdata.selector, rdata.mtype, rdata.cert)  # type: ignore[attr-defined]


def read_leniently(wire: bytes, owner: str) -> tuple[tuple[Tlsa, ...], bool]:
    """The TLSA records of a name in a message, whatever they hold, and whether AD is set.

    Nothing, and False, where the message cannot be walked through.
    """
    records = []
    try:
        wanted = dns.name.from_text(owner)
        parser = dns.wire.Parser(wire)
        _, flags, questions, answers = parser.get_struct("!HHHH")
        parser.get_bytes(4)
        for _ in range(questions):
            parser.get_bytes(dns.name.from_wire(wire, parser.current)[1] + 4)
        for _ in range(answers):
            name, octets_of_name = dns.name.from_wire(wire, parser.current)
            parser.get_bytes(octets_of_name)
            rdtype, _, _, length = parser.get_struct("!HHIH")
            octets = parser.get_bytes(length)
            if rdtype == dns.rdatatype.TLSA and name == wanted:
                records.append(Tlsa.from_rdata(octets))
    except (dns.exception.DNSException, ValueError):
        return (), False
    return tuple(records), bool(flags & dns.flags.AD)


async def _failed(
    target: Target,
    host: MxHost,
    base: str,
    first: Unavailable,
    addresses: Security,
    asked: tuple[Cite, ...],
    lab: Lab,
) -> DaneHost | Absent | Unavailable:
    """A look-up without answer: no matter to senders where they would not ask, grave where they would."""
    if addresses is Security.INSECURE:
        return Absent(f"{host.name} is not secured by DNSSEC, so senders ask for no TLSA records", asked)
    if addresses is Security.INDETERMINATE:
        return Unavailable(f"{first.because}; and our resolver does not validate", asked)
    if target.confirm:
        await lab.run(Pause(CONFIRMING_PAUSE, tlsa_name(base)))
    # The second look asks for signatures as well, as a validating sender does.
    again = DnsQuery(tlsa_name(base), "TLSA", dnssec=True)
    answer = await lab.run(again)
    asked += (Cite(again),)
    if isinstance(answer, DnsAnswer) and answer.usable:
        return Unavailable(f"{first.because}; a second look was answered", asked)
    anywhere = DnsQuery(NOBODY, "TLSA")
    answer = await lab.run(anywhere)
    if not (isinstance(answer, DnsAnswer) and answer.usable):
        why = f"{first.because}; no question for TLSA records is answered here, whatever the name"
        return Unavailable(why, (*asked, Cite(anywhere)))
    return DaneHost(
        host=host.name,
        base=base,
        name=tlsa_name(base),
        owner=tlsa_name(base),
        records=(),
        addresses=addresses,
        security=Security.INDETERMINATE,
        trouble=first.because,
        waited=target.confirm,
        asked=asked,
    )
