"""Looking up the BIMI record, and fetching what it names only where there is one (BIMI draft sections 4.3, 7)."""

from __future__ import annotations

from diag.facts.bimi import BimiCertificate, BimiFound, BimiLogo
from diag.facts.dmarc import DmarcDiscovery
from diag.facts.moment import RunMoment
from diag.model.knowing import Absent, Cite, Unavailable
from diag.model.plugin import fact
from diag.model.target import Target
from diag.probes.marks import MarkAnchors
from diag.probes.probe import Lab
from diag.records.bimi import BimiRecord, is_bimi, looks_like_bimi
from diag.records.svg import MOST_INFLATED, SvgImage, inflated
from diag.tls.chain import issuers_of
from diag.tls.mark import certificates_in, judge_mark

from .bimi_fetch import fetch
from .dmarc import discovery
from .dns import Found, look_up

MOST_LOGO_OCTETS = 64 * 1024
"""Read of a logo: twice what receivers take, gzipped or not."""
MOST_EVIDENCE_OCTETS = 256 * 1024
"""Read of a file with mark certificates: a logo stands in each twice over at most."""


@fact
async def bimi_record(target: Target, lab: Lab) -> BimiFound | Absent | Unavailable:
    """The BIMI records of the domain, else those of its Organizational Domain; Absent where nobody published one."""
    own = await _published(target.domain, target, lab)
    if not isinstance(own, Absent):
        return own
    # Only a domain without a record has its Organizational Domain asked, which the DMARC walk finds anyway.
    walked = await discovery.function(target, lab)
    assert isinstance(walked, DmarcDiscovery)
    if not walked.organizational:
        return Unavailable(walked.unknown, own.evidence + walked.asked)
    if walked.organizational == target.domain:
        return own
    return await _published(walked.organizational, target, lab)


async def _published(domain: str, target: Target, lab: Lab) -> BimiFound | Absent | Unavailable:
    name = f"default._bimi.{domain}"
    looked = await look_up(lab, name, "TXT")
    if isinstance(looked, Unavailable):
        return looked
    if not isinstance(looked, Found):
        return Absent(looked.because, looked.evidence)
    records = tuple(BimiRecord.parse(text) for text in looked.texts() if is_bimi(text))
    near = tuple(text for text in looked.texts() if looks_like_bimi(text))
    if not records and not near:
        return Absent(f"{looked.owner} has no BIMI record", looked.evidence)
    return BimiFound(target.domain, domain, name, looked.owner, records, near, looked.evidence)


@fact
async def bimi_logo(
    found: BimiFound, target: Target, moment: RunMoment, lab: Lab
) -> BimiLogo | Absent | Unavailable:
    """The logo that the record names."""
    record = found.shown
    if record is None or not record.logo:
        return Absent("the record names no logo", found.asked)
    fetched = await fetch(record.logo, MOST_LOGO_OCTETS, target, moment, lab)
    if fetched.undecided:
        return Unavailable(f"the logo could not be fetched: {fetched.undecided}", fetched.asked)
    return BimiLogo(fetched, SvgImage.parse(fetched.body) if fetched.whole else None)


@fact
async def bimi_certificate(
    found: BimiFound, target: Target, moment: RunMoment, lab: Lab
) -> BimiCertificate | Absent | Unavailable:
    """The mark certificate that the record names, judged at the run's moment."""
    record = found.shown
    if record is None or not record.evidence:
        return Absent("the record names no mark certificate", found.asked)
    fetched = await fetch(record.evidence, MOST_EVIDENCE_OCTETS, target, moment, lab)
    if fetched.undecided:
        return Unavailable(f"the mark certificate could not be fetched: {fetched.undecided}", fetched.asked)
    # The Organizational Domain's certificate does for what lies below it, whoever has the record.
    walked = await discovery.function(target, lab)
    assert isinstance(walked, DmarcDiscovery)
    domains = (target.domain, found.domain_of_record, walked.organizational)
    wanted = tuple(
        dict.fromkeys(
            f"{prefix}{domain}" for domain in domains if domain for prefix in ("", "default._bimi.")
        )
    )
    chain = certificates_in(fetched.body) if fetched.whole else ()
    if not chain:
        return BimiCertificate(fetched, None, wanted, "", None, fetched.asked)
    store = MarkAnchors(issuers_of(chain))
    anchors = await lab.run(store)
    verdict = judge_mark(chain, wanted, anchors.roots, moment.at)
    distrust = "" if anchors.count else anchors.trouble or "no mark authority is known"
    logo = inflated(verdict.logo) if verdict.logo is not None else None
    if logo is not None and len(logo) > MOST_INFLATED:
        logo = None
    return BimiCertificate(fetched, verdict, wanted, distrust, logo, (*fetched.asked, Cite(store)))
