"""Asking whether served certificates were revoked: the staple that came along, else the issuer's list.

A list is asked for as soon as the handshake of its kind of host is known, beside the other conversations
that follow it; the lab asks for each only once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from diag.facts.certificates import ClientCertificate, InboundCertificate, ServedCertificate
from diag.facts.moment import RunMoment
from diag.facts.revocation import CertificateRevocation, ClientRevocation, InboundRevocation
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.plugin import fact
from diag.model.target import Target
from diag.probes.probe import Lab
from diag.tls.certificate import Certificate
from diag.tls.chain import Trust
from diag.tls.crl import CrlReading, Point, distribution_points, every_reason, read_crl
from diag.tls.staple import Revocation, revocation, vouches
from diag.together import all_of

from .plain_http import fetch

C = TypeVar("C", bound=ServedCertificate)
R = TypeVar("R", bound=CertificateRevocation)

LARGEST = 16 << 20
"""Octets of a list; whole CAs of today fit, as the large ones have cut theirs in pieces."""
_SINCE = datetime(2026, 3, 15, tzinfo=UTC)


def short_lived(certificate: Certificate) -> bool:
    """Whether the issuer needs to say nothing of it: seven days at most, ten of those issued earlier (BR section 1.6.1)."""
    return certificate.lifetime <= timedelta(days=7 if certificate.not_before >= _SINCE else 10)


@fact
async def inbound_revocations(
    served: Many[InboundCertificate], moment: RunMoment, target: Target, lab: Lab
) -> Many[InboundRevocation]:
    """Of what MX hosts serve."""
    return await _each(InboundRevocation, served, moment, target, lab)


@fact
async def client_revocations(
    served: Many[ClientCertificate], moment: RunMoment, target: Target, lab: Lab
) -> Many[ClientRevocation]:
    """Of what mail programs are served."""
    return await _each(ClientRevocation, served, moment, target, lab)


@fact
async def revocations(
    inbound: Many[InboundRevocation] | Absent | Unavailable,
    clients: Many[ClientRevocation] | Absent | Unavailable,
) -> Many[CertificateRevocation] | Absent | Unavailable:
    """All of them. One kind that could not be looked at does not hide the other."""
    items: dict[str, CertificateRevocation | Absent | Unavailable] = {}
    unknown = [seen for seen in (inbound, clients) if not isinstance(seen, Many)]
    for seen in (inbound, clients):
        if isinstance(seen, Many):
            items.update(seen.items)
    if not items and unknown:
        return next((seen for seen in unknown if isinstance(seen, Unavailable)), unknown[0])
    return Many(items)


async def _each(
    make: Callable[..., R], served: Many[C], moment: RunMoment, target: Target, lab: Lab
) -> Many[R]:
    """Every certificate once, at however many endpoints it is served."""
    items = served.items
    # Equal but for the endpoint: the chain decides whom to ask, and the staple may have told already.
    one_of = {
        (seen.handshake.chain, seen.handshake.staple): (subject, seen)
        for subject, seen in items.items()
        if isinstance(seen, ServedCertificate)
    }
    certificates = dict(one_of.values())
    told = await all_of(lambda subject: _told(certificates[subject], moment, target, lab), certificates)

    def of(seen: C | Absent | Unavailable) -> R | Absent | Unavailable:
        if isinstance(seen, Absent | Unavailable):
            return seen
        said = told[one_of[seen.handshake.chain, seen.handshake.staple][0]]
        match said:
            case Absent():
                return Absent(said.because, seen.cites)
            case Unavailable():
                return Unavailable(said.because, seen.cites + said.evidence)
        revoked, source, cites = said
        return make(served=seen, revoked=revoked, source=source, cites=seen.cites + cites)

    return Many({subject: of(seen) for subject, seen in items.items()})


Told = tuple[Revocation | None, str, tuple[Cite, ...]]


async def _told(
    seen: ServedCertificate, moment: RunMoment, target: Target, lab: Lab
) -> Told | Absent | Unavailable:
    """What is said of one certificate, and by what."""
    leaf, path, staple = seen.leaf, seen.whole.path, seen.handshake.staple
    if seen.verdict.trust is Trust.SELF_SIGNED:
        return Absent("nobody but its own key could take it back")
    points = distribution_points(leaf.der)
    if not staple and not points:
        return Absent("it names no list of revoked certificates, and no OCSP response comes with it")
    if len(path) < 2:
        return Unavailable("without the certificate of its issuer nobody can tell who speaks for that one")
    issuer = path[1].der
    stapled = revocation(staple, leaf.der, issuer)
    if stapled is not None and stapled.at <= moment.at:
        return stapled, "the OCSP response that comes with it", ()
    if vouches(staple, leaf.der, issuer, moment.at):
        return None, "", ()
    if short_lived(leaf):
        return Absent("certificates that live so shortly are not revoked")
    if not points:
        return Unavailable("the OCSP response that comes with it proves nothing")
    return await _listed(points, leaf.der, issuer, moment, target, lab)


async def _listed(
    points: tuple[Point, ...], leaf: bytes, issuer: bytes, moment: RunMoment, target: Target, lab: Lab
) -> Told | Unavailable:
    """What the lists say: one that names it is enough, and all reasons must be covered before it is good."""

    async def read(number: str) -> tuple[CrlReading, str, tuple[Cite, ...]]:
        point = points[int(number)]
        reading = CrlReading(trouble="its list of revoked certificates is not to be had over plain HTTP")
        cites: tuple[Cite, ...] = ()
        for url in point.urls:
            got = await fetch(url, LARGEST, target, lab)
            cites += got.cites
            reading = read_crl(got.octets, point, leaf, issuer, moment.at)
            if not got.trouble and not reading.trouble:
                return reading, url, cites
            why = f"{url[:200]} {got.trouble}" if got.trouble else f"{reading.trouble} ({url[:200]})"
            reading = CrlReading(trouble=f"whether it was revoked could not be found out: {why}")
        return reading, "", cites

    found = list((await all_of(read, map(str, range(len(points))))).values())
    covered = frozenset(reason for reading, _, _ in found for reason in reading.reasons)
    cites = tuple(cite for _, _, fetched in found for cite in fetched)
    for reading, url, fetched in found:
        if reading.revocation is not None:
            return reading.revocation, f"the list of its issuer at {url[:200]}", fetched
    if covered >= every_reason():
        return None, "", cites
    troubles = (reading.trouble for reading, _, _ in found if reading.trouble)
    return Unavailable(next(troubles, "its lists of revoked certificates leave some reasons out"), cites)
