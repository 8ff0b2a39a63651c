"""Whether answers are secured by DNSSEC, by the word of our resolver."""

from __future__ import annotations

import anyio

from diag.facts.dnssec import DnssecStatus, Security
from diag.model.knowing import Cite, Unavailable
from diag.model.plugin import fact
from diag.model.target import Target
from diag.probes.dns import DnsAnswer, DnsQuery
from diag.probes.probe import Lab

from .dns import look_up

ROOT = DnsQuery(".", "SOA")
"""A question whose answer is signed: who does not vouch for it does not validate."""


@fact
async def dnssec_status(target: Target, lab: Lab) -> DnssecStatus | Unavailable:
    """Whether a validating resolver vouches for the domain's MX records, or for there being none."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(validates, lab)
        looked = await look_up(lab, target.domain, "MX")
    if isinstance(looked, Unavailable):
        return looked
    security = security_of(looked.authenticated, await validates(lab))
    because = {
        Security.SECURE: "the resolver vouches for the answer",
        Security.INSECURE: "the resolver validates and does not vouch for the answer",
        Security.INDETERMINATE: "our resolver does not validate",
    }[security]
    return DnssecStatus(target.domain, security, because, (*looked.evidence, Cite(ROOT)))


async def validates(lab: Lab) -> bool:
    """Whether the resolver vouches for what is known to be signed."""
    root = await lab.run(ROOT)
    return isinstance(root, DnsAnswer) and root.usable and root.authenticated


def security_of(authenticated: bool, validating: bool) -> Security:
    """What the AD bit says, given whether the resolver validates at all (RFC 4035 section 3.2.3)."""
    if not validating:
        return Security.INDETERMINATE
    return Security.SECURE if authenticated else Security.INSECURE
