"""The authoritative servers of a world: each at its addresses, for its zones, with opinions and manners of its own.

Every address of an NS host of a zone in the world is a server of that zone, and says of it what the world's
text says, or its own text laid over that. At any other address nobody answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from diag.lab.zone import Zone
from diag.names.parsed import parsed_name, plain
from diag.probes.dns import DnsAnswer, DnsEvidence, DnsQuery, DnsSilence, Silent
from diag.probes.probe import E, Lab, Probe

from .hosts import State
from .resolver import FAILED, PAYLOAD, Resolver, over_udp
from .vantage import Vantage
from .zones import Dns, Server

_AS_OTHERS = Server()
_ANOTHER = dns.name.from_text("another.test.")


class NameServers:
    """What the servers of a world say to a message."""

    def __init__(self, world: Dns) -> None:
        self._world = world
        self._serves: dict[str, set[dns.name.Name]] = {}
        for zone in (world.zone, *(own.zone for own in world.servers.values() if own.zone is not None)):
            for apex, types in zone.rrsets.items():
                for record in types.get(dns.rdatatype.NS, ()):
                    for address in _addresses(zone, record.target):
                        self._serves.setdefault(address, set()).add(apex)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where there are servers."""
        return tuple(self._serves)

    def manners(self, address: str) -> tuple[str, ...]:
        """How a server behaves that does not do all that it should."""
        return self._world.servers.get(address, _AS_OTHERS).manners

    def answer(self, octets: bytes, address: str, *, udp: bool) -> bytes | None:
        """The answer of the server at an address to a message; None where it says nothing."""
        try:
            query = dns.message.from_wire(octets)
        except dns.exception.DNSException:
            return None
        response = self.respond(query, address, udp=udp)
        return over_udp(query, response) if udp and response is not None else _whole(response)

    def respond(
        self, query: dns.message.Message, address: str, *, udp: bool, look: int = 1
    ) -> dns.message.Message | None:
        """The same as messages. A server that lags `at-first` does so at the first look only."""
        manners = self.manners(address)
        edns, lags = query.edns >= 0, look == 1 or "at-first" not in manners
        if address not in self._serves or "silent" in manners or ("drops-edns" in manners and edns):
            return None
        if "no-tcp" in manners and not udp:
            return None
        if "no-edns" in manners and edns:
            query = dns.message.from_wire(query.to_wire())
            query.use_edns(-1)
            response = dns.message.make_response(query)
            response.set_rcode(dns.rcode.FORMERR)
            return response
        response = dns.message.make_response(query, our_payload=PAYLOAD)
        if "lame" in manners or len(query.question) != 1:
            response.set_rcode(dns.rcode.REFUSED)
        elif "servfail" in manners:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif not self._fill(response, address, lags=lags):
            return None
        if self._world.signer is not None and query.ednsflags & dns.flags.DO:
            self._world.signer.complete(response, old="old-signatures" in manners and lags)
        if "not-authoritative" in manners:
            response.flags &= ~dns.flags.AA
        return _misnamed(response, manners)

    def _fill(self, response: dns.message.Message, address: str, *, lags: bool) -> bool:
        own = self._world.servers.get(address, _AS_OTHERS).zone
        zone = own if own is not None and lags else self._world.zone
        question = response.question[0]
        served = self._serves[address]
        below: dns.name.Name | None = None
        for cut in _cuts(zone, question.name, question.rdtype):
            if cut in served or (served & set(_above(cut)) and dns.rdatatype.NS not in zone.rrsets[cut]):
                if below is not None:
                    _refer(response, zone, below)
                    return True
                response.flags |= dns.flags.AA
                return self._tell(response, zone, cut)
            below = cut
        response.set_rcode(dns.rcode.REFUSED)
        return True

    def _tell(self, response: dns.message.Message, zone: Zone, apex: dns.name.Name) -> bool:
        """What the zone holds: one step, aliases are not followed."""
        question = response.question[0]
        key = plain(question.name)
        fails = {} if self._world.is_bogus(key) else self._world.fails
        failure = fails.get((key, dns.rdatatype.to_text(question.rdtype))) or fails.get((key, "ANY"))
        if failure == "timeout":
            return False
        if failure:
            response.set_rcode(FAILED[failure])
            return True
        said = zone.ask(question.name, question.rdtype)
        response.set_rcode(dns.rcode.from_text(said.rcode))
        records = said.rrset if said.rrset is not None else said.alias
        if records is not None:
            response.answer.append(records)
        elif (soa := zone.rrsets[apex].get(dns.rdatatype.SOA)) is not None:
            response.authority.append(soa)  # RFC 2308 section 3
        return True


def _misnamed(response: dns.message.Message, manners: tuple[str, ...]) -> dns.message.Message:
    """The answer of a server that mixes up names: in the records it gives, or in the question it repeats."""
    if "other-names" in manners:
        response.answer = [_of_another(rrset) for rrset in response.answer]
    if "other-questions" in manners:
        response.question = [_of_another(question) for question in response.question]
    return response


def _of_another(rrset: dns.rrset.RRset) -> dns.rrset.RRset:
    other: dns.rrset.RRset = rrset.copy()  # type: ignore[no-untyped-call]
    other.name = _ANOTHER
    return other


def _cuts(zone: Zone, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> Iterator[dns.name.Name]:
    """The zones that a name lies in, the deepest first; a DS record lies above its owner's own zone."""
    for owner in _above(name):
        if owner == name and rdtype == dns.rdatatype.DS:
            continue
        types = zone.rrsets.get(owner, {})
        if dns.rdatatype.SOA in types or dns.rdatatype.NS in types:
            yield owner


def _above(name: dns.name.Name) -> Iterator[dns.name.Name]:
    yield name
    while name != dns.name.root:
        name = name.parent()
        yield name


def _refer(response: dns.message.Message, zone: Zone, cut: dns.name.Name) -> None:
    """The name servers of the zone below, with those addresses that are known here (RFC 1034 section 4.3.2)."""
    servers = zone.rrsets[cut][dns.rdatatype.NS]
    response.authority.append(servers)
    for record in servers:
        if record.target.is_subdomain(cut):
            here = zone.rrsets.get(record.target, {})
            glue = (here.get(rdtype) for rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA))
            response.additional.extend(rrset for rrset in glue if rrset)


def _addresses(zone: Zone, host: dns.name.Name) -> Iterator[str]:
    for rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA):
        yield from (record.address for record in zone.rrsets.get(host, {}).get(rdtype, ()))


def _whole(response: dns.message.Message | None) -> bytes | None:
    return response.to_wire(max_size=65535, want_shuffle=False) if response is not None else None


class AskedByAddress:
    """A lab in which questions to an address are answered by the world's server there, the rest below.

    Where our network forwards every question to our resolver, whomever it was meant for, so does this.
    """

    def __init__(self, world: Dns, vantage: Vantage, inner: Lab) -> None:
        self._servers = NameServers(world)
        self._interceptor = Resolver(world) if vantage.forwards else None
        self._vantage = vantage
        self._inner = inner

    async def run(self, probe: Probe[E]) -> E:
        """See Lab."""
        if not isinstance(probe, DnsQuery) or probe.server is None:
            return await self._inner.run(probe)
        return cast(E, self._answer(probe, probe.server))

    def _answer(self, query: DnsQuery, server: str) -> DnsEvidence:
        met = self._vantage.meets(server, 53)
        if met is not State.OPEN or query.rdtype in self._vantage.drops:
            return DnsSilence(_SILENCE[met], (server,))
        message = dns.message.make_query(
            parsed_name(query.name),
            query.rdtype,
            use_edns=query.transport != "plain",
            payload=PAYLOAD,
            want_dnssec=query.dnssec,
        )
        message.id = 0
        message.flags = dns.flags.Flag(0)
        if self._interceptor is not None:
            wire = self._interceptor.answer(message.to_wire(), udp=False)
            return DnsSilence(Silent.TIMED_OUT, (server,)) if wire is None else _heard(wire, server, "udp")
        refused = DnsSilence(Silent.REFUSED, (server,))
        tcp = "no-tcp" not in self._servers.manners(server)
        if query.transport == "tcp" and not tcp:
            return refused
        transport = "udp"
        response = self._servers.respond(message, server, udp=query.transport != "tcp", look=query.look)
        if response is not None and response.rcode() == dns.rcode.FORMERR:
            transport = "plain"
            message.use_edns(-1)
            response = self._servers.respond(message, server, udp=True, look=query.look)
        if (wire := _whole(response)) is None or "other-questions" in self._servers.manners(server):
            # An answer to another question is waited past (RFC 5452 section 9.1).
            return DnsSilence(Silent.TIMED_OUT, (server,))
        if query.transport == "tcp" or len(wire) > PAYLOAD:
            return _heard(wire, server, "tcp") if tcp else refused
        return _heard(wire, server, transport)


_SILENCE = {
    State.OPEN: Silent.TIMED_OUT,
    State.FILTERED: Silent.TIMED_OUT,
    State.REFUSED: Silent.REFUSED,
    State.UNREACHABLE: Silent.UNREACHABLE,
}


def _heard(wire: bytes, server: str, transport: str) -> DnsAnswer:
    return DnsAnswer(wire, server, transport=transport, size=len(wire))
