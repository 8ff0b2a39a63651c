"""Climbing to the CAA records of the names that certificates were seen on (RFC 8659 section 3)."""

from __future__ import annotations

from collections.abc import Iterator

from diag.facts.caa import CaaPolicy, Renewal
from diag.facts.certificates import Role, ServedCertificate
from diag.facts.dmarc import DmarcDiscovery
from diag.facts.mta_sts import StsFetch
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.plugin import fact
from diag.model.target import Target
from diag.names.domain import is_below, parents
from diag.probes.dns import DnsAnswer, DnsEvidence, DnsQuery
from diag.probes.probe import Lab
from diag.records.caa import CaaRecord
from diag.tls.certificate import Certificate
from diag.together import all_of

from .authorities import authority_of, organization
from .dns import NOBODY, Found, look_up
from .zone import ask_all

MOST_NAMES = 12
"""Names climbed from."""


@fact
async def renewals(
    target: Target,
    served: Many[ServedCertificate] | Absent | Unavailable,
    fetch: StsFetch | Absent | Unavailable,
    discovery: DmarcDiscovery | Absent | Unavailable,
) -> Many[Renewal]:
    """The certificates seen on the domain's own hosts: what a provider renews is the provider's matter.

    Those that nobody but their owner signed are left out, and so are endpoints that nobody uses.
    """
    own = target.domain
    if isinstance(discovery, DmarcDiscovery) and discovery.organizational:
        own = discovery.organizational
    found: dict[str, Renewal] = {}
    for host, certificate, cites in _in_use(served, fetch):
        if (host == own or is_below(host, own)) and not certificate.self_issued:
            renewal = _renewal(host, certificate, cites)
            found.setdefault(f"{host} ({renewal.issuer})", renewal)  # its other addresses serve the same
    return Many(dict(list(found.items())[:MOST_NAMES]))


@fact
async def caa_policies(target: Target, renewals: Many[Renewal], lab: Lab) -> Many[CaaPolicy]:
    """The records that bind whoever issues for the domain, and for each host with a certificate."""
    names = (target.domain, *(renewal.name for renewal in renewals.values()))
    return Many(await all_of(lambda name: climbed(lab, name), names))


def _in_use(
    served: Many[ServedCertificate] | Absent | Unavailable, fetch: StsFetch | Absent | Unavailable
) -> Iterator[tuple[str, Certificate, tuple[Cite, ...]]]:
    for seen in served.values() if isinstance(served, Many) else ():
        if seen.role is not Role.GUESSED:
            yield seen.endpoint.host, seen.leaf, seen.cites
    if isinstance(fetch, StsFetch) and fetch.certificate is not None and fetch.certificate.leaf is not None:
        yield fetch.host, fetch.certificate.leaf, (Cite(fetch.probe),)


def _renewal(host: str, certificate: Certificate, cites: tuple[Cite, ...]) -> Renewal:
    names = {name.lower() for name in certificate.dns_names}
    above = host.partition(".")[2]
    wildcard = host not in names and f"*.{above}" in names
    authority = authority_of(certificate.issuer)
    return Renewal(
        host=host,
        # The label of the wildcard is taken off before the climb (RFC 8659 section 3).
        name=above if wildcard else host,
        wildcard=wildcard,
        issuer=organization(certificate.issuer) or certificate.issuer,
        authority=authority.name if authority is not None else "",
        domains=authority.domains if authority is not None else (),
        cites=cites,
    )


async def climbed(lab: Lab, name: str) -> CaaPolicy | Unavailable:
    """The first set on the way to the top; aliases are the resolver's work, their targets are not climbed."""
    path = (name, *parents(name))
    looked = await all_of(lambda each: look_up(lab, each, "CAA"), path)
    asked: tuple[Cite, ...] = ()
    for each in path:
        answer = looked[each]
        asked += answer.evidence
        if isinstance(answer, Found):
            records = tuple(sorted(map(_record, answer.rdatas), key=str))
            return CaaPolicy(name, each, answer.owner, records, "", "", asked)
        if isinstance(answer, Unavailable):
            failed, more = await _fails(lab, answer)
            asked += more
            if not failed:
                return Unavailable(answer.because, asked)
            return CaaPolicy(name, "", "", (), each, answer.because, asked)
    return CaaPolicy(name, "", "", (), "", "", asked)


async def _fails(lab: Lab, first: Unavailable) -> tuple[bool, tuple[Cite, ...]]:
    """Whether the look-up fails for others as well, and it alone: at the second look, too.

    Not where the name answers nothing at all, or what it answers does not validate: those have rules of their
    own. Nor where no question for CAA records is answered here, whatever the name.
    """
    query = first.evidence[-1].probe
    if not isinstance(query, DnsQuery) or not _broken(await lab.run(query)):
        return False, ()
    again = DnsQuery(query.name, "CAA", look=2)
    works = (DnsQuery(query.name, "A"), DnsQuery(NOBODY, "CAA"))
    unchecked = DnsQuery(query.name, "CAA", unchecked=True)
    seen = await ask_all(lab, (again, *works, unchecked))
    alone = all(isinstance(answer := seen[probe], DnsAnswer) and answer.usable for probe in works)
    return alone and _broken(seen[again]) and _broken(seen[unchecked]), tuple(Cite(probe) for probe in seen)


def _broken(answer: DnsEvidence) -> bool:
    """A server's failure or silence; what refuses us, or filters, may well answer others."""
    return not isinstance(answer, DnsAnswer) or answer.rcode == "SERVFAIL"


def _record(rdata: object) -> CaaRecord:
    tag, value = rdata.tag.decode("latin-1").lower(), rdata.value.decode("latin-1")  # type: ignore[attr-defined]
    return CaaRecord(rdata.flags, tag, value)  # type: ignore[attr-defined]
