"""Fetching the intermediates that a server should have sent: asked for only where one is missing."""

from __future__ import annotations

from datetime import datetime

from diag.facts.certificates import FetchedIssuer
from diag.model.frozen import frozen
from diag.model.knowing import Cite
from diag.model.target import Target
from diag.probes.probe import Lab, NotRecorded
from diag.probes.trust import TrustAnchors
from diag.tls.certificate import Certificate, read, signed
from diag.tls.chain import ChainVerdict, Trust, issuers_of, judge
from diag.tls.issuers import SIZE_LIMIT, certificates_in

from .plain_http import Fetched, fetch

MOST_LEVELS = 3
"""Issuers that are fetched one above the other; one is usual."""
MOST_URLS = 2
"""Places of one issuer that are tried."""


@frozen
class Completed:
    """What was fetched for a chain, and what the chain is worth with it."""

    fetched: tuple[FetchedIssuer, ...] = ()
    verdict: ChainVerdict | None = None
    """None where nothing could be had."""
    cites: tuple[Cite, ...] = ()


async def completed(
    chain: tuple[bytes, ...],
    references: tuple[str, ...],
    verdict: ChainVerdict,
    moment: datetime,
    target: Target,
    lab: Lab,
) -> Completed:
    """The chain with the issuers that it lacks, from where it says that they are; nothing where it lacks none.

    A tape that was made before anybody asked this says as little as a server that does not answer.
    """
    found = Completed()
    while verdict.trust is Trust.MISSING_INTERMEDIATE and verdict.fetch_from:
        if len(found.fetched) >= MOST_LEVELS:
            break
        one, cites = await _issuer(verdict.path[-1], verdict.fetch_from[:MOST_URLS], target, lab)
        found = Completed((*found.fetched, one), found.verdict, found.cites + cites)
        if one.certificate is None:
            break
        chain = (*chain, one.certificate.der)
        anchors = await lab.run(TrustAnchors(issuers_of(chain)))
        verdict = judge(chain, references, anchors.roots, moment)
        found = Completed(found.fetched, verdict, found.cites)
    return found


async def _issuer(
    child: Certificate, urls: tuple[str, ...], target: Target, lab: Lab
) -> tuple[FetchedIssuer, tuple[Cite, ...]]:
    """The issuer's certificate from the first place that has it; else the trouble that leaves most open."""
    troubles: list[FetchedIssuer] = []
    cites: tuple[Cite, ...] = ()
    for url in urls:
        got = Fetched(url, trouble="was not asked in this run", passing=True)
        try:
            got = await fetch(url, SIZE_LIMIT, target, lab)
        except* NotRecorded:  # alone, or of several questions at the same time
            pass
        cites += got.cites
        ders, form = certificates_in(got.octets)
        der = next((der for der in ders if signed(child.der, der)), None)
        if der is not None:
            return FetchedIssuer(url, read(der), form), cites
        trouble = got.trouble or ("serves another certificate" if ders else "serves no certificate")
        troubles.append(FetchedIssuer(url, None, form, trouble, got.passing))
    return next((each for each in troubles if each.passing), troubles[0]), cites
