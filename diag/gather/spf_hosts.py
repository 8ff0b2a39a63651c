"""Looking round an SPF record: asked only where the record gives a reason."""

from __future__ import annotations

from functools import cache
from typing import Any

from diag.facts.dmarc import DmarcDiscovery
from diag.facts.mx import MxHost, Routing
from diag.facts.spf import SpfEvaluation, SpfPublished
from diag.facts.spf_hosts import SpfExplanation, SpfHost, SpfProviders, SpfSharedRange, SpfType99
from diag.model.knowing import Absent, Many, Unavailable
from diag.model.plugin import fact
from diag.model.tables import table as read_table
from diag.model.target import Target
from diag.names.domain import is_below
from diag.probes.probe import Lab
from diag.records.spf import is_spf
from diag.records.spf_macros import BadMacro, Use, parse_macro_string
from diag.together import all_of

from .dns import Found, look_up
from .mx import addresses_of
from .reverse import reverse_of
from .selectors import of_providers

MOST_LISTED = 4
"""Addresses of the record whose names are looked up."""


@fact
async def spf_type99(published: SpfPublished, lab: Lab) -> SpfType99 | Absent:
    """Records of the type that SPF once had; a domain that does not exist is not asked.

    Absent as well where the question fails: receivers do not ask it, so nothing hangs on the answer.
    """
    if not published.name_exists:
        return Absent(f"{published.domain} does not exist", published.asked)
    looked = await look_up(lab, published.domain, "SPF")
    if isinstance(looked, Unavailable):
        return Absent(looked.because, looked.evidence)
    if not isinstance(looked, Found) or looked.aliases:
        return Absent(f"{published.domain} has no record of type SPF", looked.evidence)
    return SpfType99(published.domain, looked.texts(), looked.evidence)


@fact
async def spf_explanation(spf: SpfEvaluation, lab: Lab) -> SpfExplanation | Absent | Unavailable:
    """The text that `exp` names; Absent without one, and where a macro decides per message."""
    name = spf.record.exp.macros.name if spf.record.exp is not None else None
    if not name:
        return Absent("the record has no explanation that is the same for every message", spf.root.evidence)
    looked = await look_up(lab, name, "TXT")
    if isinstance(looked, Unavailable):
        return looked
    fault = _explanation_fault(looked.texts()) if isinstance(looked, Found) else looked.because
    return SpfExplanation(name, fault, looked.evidence)


def _explanation_fault(texts: tuple[str, ...]) -> str:
    """Why receivers act as if there was no explanation (RFC 7208 section 6.2)."""
    if len(texts) > 1:
        return f"{len(texts)} TXT records stand there"
    if not texts[0].isascii():
        return "the text is not in ASCII"
    try:
        parse_macro_string(texts[0], Use.EXPLANATION)
    except BadMacro as bad:
        return f"the text has a bad macro: {bad.reason}"
    return ""


@fact
async def spf_hosts(
    target: Target,
    spf: SpfEvaluation,
    hosts: Many[MxHost],
    routing: Routing | Absent | Unavailable,
    discovery: DmarcDiscovery | Absent | Unavailable,
    lab: Lab,
) -> Many[SpfHost]:
    """Own MX hosts that pass, with their own SPF records; and the hosts behind single addresses listed."""
    own = {target.domain}
    if isinstance(discovery, DmarcDiscovery) and discovery.organizational:
        own.add(discovery.organizational)
    implicit = isinstance(routing, Routing) and routing.implicit
    mine = {
        host.name: host
        for host in hosts.values()
        if not implicit
        and any(host.canonical == domain or is_below(host.canonical, domain) for domain in own)
        and any(spf.passes(address) for address in host.ipv4)
    }
    known = {address for host in mine.values() for address in host.ipv4}
    listed = [address for address in _listed(spf) if address not in known][:MOST_LISTED]

    async def one(subject: str) -> SpfHost | Absent | Unavailable:
        if subject in mine:
            return await _own_host(mine[subject], lab)
        return await _listed_host(target, subject, lab)

    return Many(await all_of(one, (*mine, *listed)))


def _listed(spf: SpfEvaluation) -> tuple[str, ...]:
    """The single IPv4 addresses that the domain's own record names."""
    return tuple(
        str(term.address)
        for term in spf.record.tested
        if term.name == "ip4" and term.qualifier == "+" and term.network and term.network.prefixlen == 32
    )


async def _own_host(host: MxHost, lab: Lab) -> SpfHost:
    looked = await look_up(lab, host.canonical, "TXT")
    has = isinstance(looked, Found) and any(map(is_spf, looked.texts()))
    return SpfHost(
        name=host.canonical,
        mail_host=True,
        ipv4=host.ipv4,
        ipv6=host.ipv6,
        has_record=None if isinstance(looked, Unavailable) else has,
        asked=host.asked + looked.evidence,
    )


async def _listed_host(target: Target, address: str, lab: Lab) -> SpfHost | Absent | Unavailable:
    """The host behind an address, by a reverse name that leads back."""
    reverse = await reverse_of(target, address, (), lab)
    if isinstance(reverse, Unavailable):
        return reverse
    if not reverse.confirmed:
        return Absent(f"no reverse name of {address} leads back to it", reverse.asked)
    host = await addresses_of(lab, reverse.confirmed[0])
    if isinstance(host, Unavailable):
        return host
    return SpfHost(host.name, False, (address,), host.ipv6, None, reverse.asked + host.asked)


@fact
async def spf_providers(spf: SpfEvaluation, routing: Routing | Absent | Unavailable) -> SpfProviders:
    """Known providers in both records; nothing is asked."""
    targets = [step.target for _, step in spf.walk() if step.inner is not None]
    mx = tuple(
        (host, found[0].provider)
        for host in (routing.hosts if isinstance(routing, Routing) else ())
        if (found := of_providers((host,), ()))
    )
    return SpfProviders(mx, tuple(dict.fromkeys(each.provider for each in of_providers((), targets))))


@fact
async def spf_shared_ranges(spf: SpfEvaluation, lab: Lab) -> Many[SpfSharedRange]:
    """Providers among the includes that let any customer send as any domain, and whether that is shut."""
    terms = {step.target: step.text for _, step in spf.walk() if step.inner is not None}
    shared = {target: entry for target in terms for entry in _shared() if target in entry["spf"]}

    async def one(target: str) -> SpfSharedRange:
        entry = shared[target]
        name = f"{entry['lock']}.{spf.domain}"
        looked = await look_up(lab, name, "TXT")
        there = isinstance(looked, Found) and any(text.startswith(entry["locked"]) for text in looked.texts())
        return SpfSharedRange(
            provider=entry["name"],
            target=target,
            term=terms[target],
            lock=name,
            locked=None if isinstance(looked, Unavailable) else there,
            setting=entry["setting"],
            asked=looked.evidence,
        )

    return Many(await all_of(one, shared))


@cache
def _shared() -> tuple[dict[str, Any], ...]:
    """The table as packaged."""
    return tuple(read_table("diag.gather", "shared_ranges")["provider"])
