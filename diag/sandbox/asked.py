"""The resolver of a world as a lab: the same messages as over a socket, without one."""

from __future__ import annotations

from typing import cast

import dns.flags
import dns.message

from diag.names.parsed import parsed_name
from diag.probes.dns import DnsAnswer, DnsEvidence, DnsQuery, DnsSilence, Silent
from diag.probes.probe import E, Lab, Probe

from .resolver import PAYLOAD, Resolver

_SERVER = "zone"


class AskedOfResolver:
    """Puts questions to a world's resolver, and everything else to the lab below."""

    def __init__(self, resolver: Resolver, inner: Lab) -> None:
        self._resolver = resolver
        self._inner = inner

    async def run(self, probe: Probe[E]) -> E:
        """See Lab."""
        if not isinstance(probe, DnsQuery):
            return await self._inner.run(probe)
        return cast(E, self._answer(probe))

    def _answer(self, query: DnsQuery) -> DnsEvidence:
        message = dns.message.make_query(
            parsed_name(query.name), query.rdtype, want_dnssec=query.dnssec, payload=PAYLOAD, id=0
        )
        message.flags = dns.flags.RD | dns.flags.AD | (dns.flags.CD if query.unchecked else 0)
        wire = self._resolver.answer(message.to_wire(), udp=False)
        if wire is None:
            return DnsSilence(Silent.TIMED_OUT, (_SERVER,))
        return DnsAnswer(wire, _SERVER, size=len(wire))
