"""Second questions about SPF: asked only where the first answers leave a doubt."""

from __future__ import annotations

from diag.facts.spf import SpfElsewhere, SpfEvaluation, SpfPublished, SpfTargetServers
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.plugin import fact
from diag.names.parsed import plain
from diag.names.registered import registrable
from diag.probes.dns import DnsAnswer, DnsQuery
from diag.probes.moment import Nonce
from diag.probes.probe import Lab
from diag.records.spf import is_spf
from diag.together import all_of

from .dns import Found, explained, look_up

MOST_SERVERS = 4


@fact
async def spf_elsewhere(published: SpfPublished, lab: Lab) -> SpfElsewhere | Absent:
    """SPF records beside the domain, where it has none itself."""
    domain = published.domain
    if published.records or published.near or not published.name_exists:
        return Absent(f"{domain} has an SPF record", published.asked)
    names = (f"spf.{domain}", f"_spf.{domain}", f"www.{domain}", f"{domain}.{domain}")
    nobody = f"{(await lab.run(Nonce())).text}.{domain}"
    looked = await all_of(lambda name: look_up(lab, name, "TXT"), (*names, nobody))
    wild = looked.pop(nobody)
    if isinstance(wild, Found | Unavailable):
        return Absent(f"a wildcard may answer for the names below {domain}", wild.evidence)
    # What stands behind an alias is the record of whoever the target belongs to.
    records = tuple(
        (name, text)
        for name, answer in looked.items()
        if isinstance(answer, Found) and not answer.aliases
        for text in answer.texts()
        if is_spf(text)
    )
    return SpfElsewhere(
        domain, records, tuple(cite for answer in looked.values() for cite in answer.evidence)
    )


@fact
async def spf_target_servers(spf: SpfEvaluation, lab: Lab) -> Many[SpfTargetServers]:
    """The word of the target's own servers on every include that could not be looked up."""
    terms = {step.target: step.text for step in spf.failed() if step.inner is None and step.target}

    async def servers(target: str) -> SpfTargetServers:
        zone = registrable(target)
        ns = await look_up(lab, zone, "NS")
        if not isinstance(ns, Found):
            return SpfTargetServers(target, terms[target], None, ns.because, ns.evidence)
        hosts = sorted(plain(rdata.target) for rdata in ns.rdatas)[:MOST_SERVERS]  # type: ignore[attr-defined]
        addresses = await all_of(lambda host: look_up(lab, host, "A"), hosts)
        asked = [
            DnsQuery(target, "TXT", str(a.rdatas[0])) for a in addresses.values() if isinstance(a, Found)
        ]
        by_text = {str(query): query for query in asked}
        answers = await all_of(lambda text: lab.run(by_text[text]), by_text)
        good = [a for a in answers.values() if isinstance(a, DnsAnswer) and a.usable]
        said = "; ".join(explained(a) if isinstance(a, DnsAnswer) else str(a) for a in answers.values())
        fail = None if len(asked) < len(hosts) or not asked else not good
        evidence = ns.evidence + tuple(Cite(query) for query in asked)
        return SpfTargetServers(target, terms[target], False if good else fail, said, evidence)

    return Many(await all_of(servers, terms))
