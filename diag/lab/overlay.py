"""Records laid over a lab: "what if I published this zone", a fix on trial, a test's whole world."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import dns.name
import dns.rdatatype

from diag.names.parsed import parsed_name
from diag.probes.dns import DnsAnswer, DnsEvidence, DnsQuery, DnsSilence, Silent, build_answer
from diag.probes.probe import E, Lab, NotRecorded, Probe

from .zone import Zone

_SIGNED_WITH_THE_ZONE = {"MX", "A", "AAAA", "TLSA", "CNAME"}


class Overlay:
    """Answers from the zone what the zone speaks of, and asks the lab below for the rest.

    It answers one RRset a question and follows no alias, so that an alias chain may cross from the
    zone into the world and back. With `whole` the zone is all the DNS there is.

    `secure` names zones whose answers carry AD ("." stands for the root's own records); `fails` makes single
    questions fail with "servfail", "refused" or "timeout" (both for test worlds).
    """

    def __init__(
        self,
        zone: Zone,
        inner: Lab,
        *,
        whole: bool = False,
        secure: tuple[str, ...] = (),
        fails: Mapping[tuple[str, str], str] | None = None,
    ) -> None:
        self._zone = zone
        self._inner = inner
        self._whole = whole
        self._secure = tuple(dns.name.from_text(name) for name in secure)
        self._fails = dict(fails or {})

    async def run(self, probe: Probe[E]) -> E:
        """See Lab."""
        if not isinstance(probe, DnsQuery):
            return await self._inner.run(probe)
        answer = self._all_there_is(probe) if self._whole else await self._patched(probe)
        return cast(E, answer)

    def _all_there_is(self, query: DnsQuery) -> DnsEvidence:
        match self._fails.get((query.name, query.rdtype)) or self._fails.get((query.name, "ANY")):
            case "timeout":
                return DnsSilence(Silent.TIMED_OUT, ("zone",))
            case "servfail" | "refused" | "nxdomain" as why:
                return build_answer(query, rcode=why.upper())
            case _:
                pass
        name = parsed_name(query.name)
        said = self._zone.ask(name, dns.rdatatype.from_text(query.rdtype))
        secure = any(_lies_in(name, zone) for zone in self._secure)
        records = tuple(rrset for rrset in (said.rrset, said.alias) if rrset is not None)
        return build_answer(query, records, said.rcode, authenticated=secure)

    async def _patched(self, query: DnsQuery) -> DnsEvidence:
        name, kind = parsed_name(query.name), dns.rdatatype.from_text(query.rdtype)
        held = self._zone.held(name, kind)
        if held is None:
            below = await self._inner.run(query)
            if isinstance(below, DnsAnswer) and below.rcode == "NXDOMAIN" and self._zone.has_below(name):
                return build_answer(query, server="proposed")  # the name will exist: NODATA (RFC 8020)
            return below
        signed = query.rdtype in _SIGNED_WITH_THE_ZONE and await self._signed(query)
        return build_answer(query, (held,) if len(held) else (), server="proposed", authenticated=signed)

    async def _signed(self, query: DnsQuery) -> bool:
        """Whether the world's answer is validated now: then the proposed one would be signed too."""
        try:
            now = await self._inner.run(query)
        except NotRecorded:
            return False
        return isinstance(now, DnsAnswer) and now.authenticated


def _lies_in(name: dns.name.Name, zone: dns.name.Name) -> bool:
    """Whether a name is of a signed zone; the root stands for itself, not for all that is delegated."""
    return name == zone if zone == dns.name.root else name.is_subdomain(zone)


class Nothing:
    """A lab below which there is no world: whatever is asked of it was not recorded."""

    async def run(self, probe: Probe[E]) -> E:
        """Raises NotRecorded."""
        raise NotRecorded(probe)
