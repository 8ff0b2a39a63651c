"""Looking for names of the domain that say something else than was meant."""

from __future__ import annotations

import re
from functools import cache

from diag.facts.dane import DaneHost
from diag.facts.dkim import Below, DkimSelectors, Source
from diag.facts.mx import MxHost
from diag.facts.zone_names import (
    Broken,
    BrokenAlias,
    DeniedAbove,
    DoubledName,
    PolicyText,
    PolicyTexts,
    WildcardPolicy,
)
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.plugin import fact
from diag.model.tables import table as read_table
from diag.model.target import Target
from diag.names.domain import is_below
from diag.names.parsed import plain
from diag.probes.dns import DnsAnswer, DnsQuery
from diag.probes.moment import Nonce
from diag.probes.probe import Lab
from diag.records.dkim import looks_like_key
from diag.records.dmarc import is_dmarc
from diag.records.mta_sts import is_sts
from diag.records.tlsrpt import is_tlsrpt
from diag.together import all_of

from .compact import unless_gone
from .dns import MOST_ALIASES, Found, Looked, NoRecord, look_up
from .registration import is_free
from .zone import asked_above, zone_above

_READS_AS = {"_dmarc": is_dmarc, "_mta-sts": is_sts, "_smtp._tls": is_tlsrpt}
"""Names below the domain at which a policy is looked for, and which text counts there."""
_POLICY = re.compile(r"v\s{0,9}=\s{0,9}(?:spf1|dmarc1|stsv1|tlsrptv1|dkim1)", re.IGNORECASE)
_WITHIN = 24
"""Characters from the start within which a version shows what a text was meant for."""
_HOSTS = ("mta-sts", "autoconfig", "autodiscover")
_MOST_SELECTORS = 4


@fact
async def broken_aliases(
    target: Target, selectors: DkimSelectors | Unavailable, lab: Lab
) -> Many[BrokenAlias]:
    """Names that others ask for, where they are aliases into nowhere."""
    domain = target.domain
    known = selectors if isinstance(selectors, DkimSelectors) else None
    tried = known.tried if known is not None and known.below is not Below.WILDCARD else ()
    by_name = {f"{selector.name}._domainkey.{domain}": selector for selector in tried}
    types = {f"{label}.{domain}": "TXT" for label in _READS_AS}
    types |= dict.fromkeys(by_name, "TXT")
    types |= {f"{label}.{domain}": "A" for label in _HOSTS}
    looked = await all_of(lambda name: look_up(lab, name, types[name]), types)
    uses_sts = isinstance(looked[f"_mta-sts.{domain}"], Found)

    async def broken(name: str) -> BrokenAlias | None:
        found = looked[name]
        if isinstance(found, NoRecord) and found.aliases:
            found = await unless_gone(lab, found, types[name])
        chain, why, asked = await _where_it_leads(lab, name, found)
        if why is None:
            return None
        claimable = ""
        if why is Broken.GONE:
            claimable, more = await _claimable(lab, chain[-1])
            asked += more
        if (selector := by_name.get(name)) is not None:
            # Providers have a second selector ready, whose key comes into being when the first is replaced.
            wanted = selector.source is Source.USER or not (known and known.found)
        else:
            wanted = types[name] == "TXT" or (name == f"mta-sts.{domain}" and uses_sts)
        return BrokenAlias(name, chain, why, wanted, claimable, asked)

    found = await all_of(broken, (name for name in types if _may_be_alias(looked[name])))
    return Many({name: alias for name, alias in found.items() if alias is not None})


def _may_be_alias(looked: Looked) -> bool:
    """Whether what was looked up leaves room for an alias into nowhere."""
    return isinstance(looked, Unavailable) or (isinstance(looked, NoRecord) and bool(looked.aliases))


async def _where_it_leads(
    lab: Lab, name: str, looked: Looked
) -> tuple[tuple[str, ...], Broken | None, tuple[Cite, ...]]:
    """The alias chain of a name, and what is wrong with it."""
    chain: tuple[str, ...] = ()
    asked = looked.evidence
    if isinstance(looked, NoRecord):
        chain = looked.aliases
        if chain and not looked.name_exists:
            return chain, Broken.GONE, asked
    elif isinstance(looked, Unavailable):  # a resolver that goes round in circles says SERVFAIL
        while len(chain) <= MOST_ALIASES and len(set(chain)) == len(chain):
            query = DnsQuery(chain[-1] if chain else name, "CNAME")
            answer = await lab.run(query)
            asked += (Cite(query),)
            alias = answer.rrset(query.name, "CNAME") if isinstance(answer, DnsAnswer) else None
            if alias is None:
                return chain, None, asked
            chain += (plain(alias.rdatas[0].target),)  # type: ignore[attr-defined]
    if not chain:
        return chain, None, asked
    if chain[-1] in (name, *chain[:-1]):
        return chain, Broken.LOOP, asked
    return chain, Broken.LONG if len(chain) > MOST_ALIASES else None, asked


async def _claimable(lab: Lab, target: str) -> tuple[str, tuple[Cite, ...]]:
    """How a stranger could have a name that does not exist."""
    ending = next((ending for ending in _endings() if is_below(target, ending)), "")
    above = await zone_above(lab, target) if ending else None
    if isinstance(above, Found):  # a resolver's word alone is not enough: some deny what they block
        told = await asked_above(lab, target, above)
        how = f"{ending} gives {target} to whoever asks for it next" if told.denied else ""
        return how, above.evidence + told.asked
    free, asked = await is_free(lab, target)
    return (f"the domain of {target} is not registered" if free else ""), asked


@cache
def _endings() -> tuple[str, ...]:
    return tuple(read_table("diag.gather", "claimable")["endings"])


@fact
async def wildcard_policy(target: Target, lab: Lab) -> WildcardPolicy | Absent | Unavailable:
    """The policy record at the domain's wildcard, if there is one."""
    domain = target.domain
    nobody = await look_up(lab, f"{(await lab.run(Nonce())).text}.{domain}", "TXT")
    if isinstance(nobody, Unavailable):
        return nobody
    texts = nobody.texts() if isinstance(nobody, Found) else ()
    if not any(_POLICY.search(text[:_WITHIN]) for text in texts):
        return Absent(f"{domain} has no policy record at a wildcard", nobody.evidence)
    names = {f"{label}.{domain}": reads for label, reads in _READS_AS.items()}
    looked = await all_of(lambda name: look_up(lab, name, "TXT"), names)
    covered = tuple(
        name
        for name, each in looked.items()
        if isinstance(each, Found) and each.texts() == texts and any(map(names[name], texts))
    )
    evidence = nobody.evidence + tuple(cite for each in looked.values() for cite in each.evidence)
    return WildcardPolicy(domain, texts, covered, evidence)


@fact
async def doubled_names(
    target: Target,
    hosts: Many[MxHost] | Absent | Unavailable,
    selectors: DkimSelectors | Unavailable,
    lab: Lab,
) -> Many[DoubledName] | Unavailable:
    """Records at names to which a panel has appended the domain once more.

    A DMARC record at such a name alone is left to those who look for it wherever it may be.
    """
    domain = target.domain
    twice = f"{domain}.{domain}"
    found: dict[str, DoubledName] = {}
    for host in hosts.values() if isinstance(hosts, Many) else ():
        if is_below(host.name, twice) and not host.addresses:
            meant = host.name.removesuffix(f".{domain}")
            found[host.name] = DoubledName(domain, meant, host.name, (), False, host.asked)
    below = await unless_gone(lab, await look_up(lab, twice, "TXT"), "TXT")
    if isinstance(below, Unavailable):
        return below
    if isinstance(below, NoRecord) and not below.name_exists:
        return Many(found)  # nothing is below a name that does not exist (RFC 8020 section 2)
    known = isinstance(selectors, DkimSelectors)
    tried = [s.name for s in selectors.tried[:_MOST_SELECTORS]] if known else []  # type: ignore[union-attr]
    labels = ("_dmarc", "_mta-sts", *(f"{name}._domainkey" for name in tried))
    nobody = f"{(await lab.run(Nonce())).text}.{twice}"
    asked = (nobody, *(f"{label}.{end}" for label in labels for end in (twice, domain)))
    looked = await all_of(lambda name: look_up(lab, name, "TXT"), asked)
    for start in labels:
        there, right = looked[f"{start}.{twice}"], looked[f"{start}.{domain}"]
        if not isinstance(there, Found) or _texts(there) == _texts(looked[nobody]):
            continue
        name = f"{start}.{domain}"
        evidence = there.evidence + right.evidence
        exists = not isinstance(right, NoRecord)
        if start == "_dmarc" and not exists:
            continue
        found[name] = DoubledName(domain, name, f"{start}.{twice}", there.texts(), exists, evidence)
    return Many(found)


@fact
async def denied_above(
    selectors: DkimSelectors | Unavailable, dane: Many[DaneHost] | Absent | Unavailable, lab: Lab
) -> Many[DeniedAbove]:
    """Names that are denied although there are names below them, which we have seen."""
    found: dict[str, DeniedAbove] = {}
    if isinstance(selectors, DkimSelectors) and selectors.below is Below.CONTRADICTED and selectors.found:
        name = f"_domainkey.{selectors.domain}"
        found[name] = DeniedAbove(name, f"{selectors.found[0]}.{name}", selectors.asked)
    hosts = [host for host in dane.values() if host.records] if isinstance(dane, Many) else []
    queries = {host.name: DnsQuery(host.name.partition(".")[2], "TXT") for host in hosts}
    answers = await all_of(lambda name: lab.run(queries[name]), queries)
    for below, answer in answers.items():
        if isinstance(answer, DnsAnswer) and answer.rcode == "NXDOMAIN":
            name = queries[below].name
            found[name] = DeniedAbove(name, below, (Cite(queries[below]),))
    return Many(found)


@fact
async def policy_texts(target: Target, selectors: DkimSelectors | Unavailable, lab: Lab) -> PolicyTexts:
    """The policy records of the domain, each with the strings it consists of; all have been asked for before."""
    domain = target.domain
    keys = selectors.found if isinstance(selectors, DkimSelectors) else ()
    names = (
        domain,
        *(f"{label}.{domain}" for label in _READS_AS),
        *(f"{s}._domainkey.{domain}" for s in keys),
    )
    looked = await all_of(lambda name: look_up(lab, name, "TXT"), names)
    records = []
    for name, found in looked.items():
        for rdata in found.rdatas if isinstance(found, Found) else ():
            strings = tuple(each.decode("latin-1") for each in rdata.strings)  # type: ignore[attr-defined]
            record = PolicyText(name, strings, found.evidence)
            if _POLICY.search(record.text[:_WITHIN]) or (
                "_domainkey." in name and looks_like_key(record.text)
            ):
                records.append(record)
    return PolicyTexts(domain, tuple(records))


def _texts(looked: Looked) -> tuple[str, ...]:
    return looked.texts() if isinstance(looked, Found) else ()
