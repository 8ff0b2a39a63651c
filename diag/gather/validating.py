"""Whether our resolver validates at all."""

from __future__ import annotations

from diag.probes.dns import DnsAnswer, DnsQuery
from diag.probes.probe import Lab

ROOT = DnsQuery(".", "SOA")
"""A question whose answer is signed: who does not vouch for it does not validate."""


async def validates(lab: Lab) -> bool:
    """Whether the resolver vouches for what is known to be signed."""
    root = await lab.run(ROOT)
    return isinstance(root, DnsAnswer) and root.usable and root.authenticated
