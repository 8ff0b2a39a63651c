"""A validating resolver that knows one world: a DNS message goes in, a DNS message comes out."""

from __future__ import annotations

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from diag.names.parsed import plain

from .zones import Dns

PAYLOAD = 1232
"""Octets of the largest UDP answer (the size agreed on at DNS flag day 2020)."""

LONGEST_CHAIN = 16
"""Aliases followed; a longer chain is a loop and gets SERVFAIL."""

REMEMBERED = 10_000
"""Answers."""

_SMALLEST = 512
_TOLD = (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)
FAILED = {
    "servfail": dns.rcode.SERVFAIL,
    "refused": dns.rcode.REFUSED,
    "nxdomain": dns.rcode.NXDOMAIN,
}


class Resolver:
    """Answers from a world's DNS as a recursive, validating resolver would."""

    def __init__(self, world: Dns) -> None:
        self._world = world
        self._secure = tuple(dns.name.from_text(name) for name in world.secure)
        self._bogus = tuple(dns.name.from_text(name) for name in world.bogus)
        self._remembered: dict[tuple[bytes, bool], bytes | None] = {}

    def answer(self, octets: bytes, *, udp: bool) -> bytes | None:
        """The answer to a message; None where a server would say nothing.

        Over UDP an answer that does not fit is empty and marked truncated (RFC 2181 section 9). A world does
        not change, so what was answered is remembered: a resolver that thinks for a millisecond about each
        of a hundred questions would be most of what a run waits for.
        """
        key = octets[2:], udp
        if key not in self._remembered:
            if len(self._remembered) == REMEMBERED:
                self._remembered.clear()
            self._remembered[key] = self._answer(octets, udp=udp)
        answer = self._remembered[key]
        return octets[:2] + answer[2:] if answer is not None else None

    def _answer(self, octets: bytes, *, udp: bool) -> bytes | None:
        try:
            query = dns.message.from_wire(octets)
        except dns.exception.DNSException:
            return None
        if query.flags & dns.flags.QR:
            return None
        response = dns.message.make_response(query, recursion_available=True, our_payload=PAYLOAD)
        if query.opcode() != dns.opcode.QUERY:
            response.set_rcode(dns.rcode.NOTIMP)
        elif len(query.question) != 1:
            response.set_rcode(dns.rcode.FORMERR)
        elif not self._resolve(query, response):
            return None
        self._sign(query, response)
        return over_udp(query, response) if udp else response.to_wire(max_size=65535, want_shuffle=False)

    def _resolve(self, query: dns.message.Message, response: dns.message.Message) -> bool:
        """Fill in the response, following aliases; False where nobody answers."""
        question = query.question[0]
        name, rdtype = question.name, question.rdtype
        checking = not query.flags & dns.flags.CD
        authentic = True
        seen: set[dns.name.Name] = set()
        while name not in seen and len(seen) < LONGEST_CHAIN:
            seen.add(name)
            failure = self._failure(name, rdtype)
            bogus = _below(name, self._bogus)
            if failure == "timeout":
                return False
            if failure and (checking or not bogus):
                self._fail(response, FAILED[failure])
                return True
            authentic = authentic and not bogus and _below(name, self._secure)
            said = self._world.zone.ask(name, rdtype)
            if said.alias is not None:
                response.answer.append(said.alias)
                name = said.alias[0].target
                continue
            response.set_rcode(dns.rcode.from_text(said.rcode))
            if said.rrset is not None:
                response.answer.append(said.rrset)
            else:
                # What has no DS record is denied by the parent (RFC 4035 section 3.1.4.1).
                above = rdtype == dns.rdatatype.DS and name != dns.name.root
                self._negative(name.parent() if above else name, response)
            # RFC 6840 section 5.8: AD only for those who show that they understand it.
            asked = query.flags & dns.flags.AD or query.ednsflags & dns.flags.DO
            if authentic and asked:
                response.flags |= dns.flags.AD
            return True
        self._fail(response, dns.rcode.SERVFAIL)
        return True

    def _sign(self, query: dns.message.Message, response: dns.message.Message) -> None:
        """Signatures for those who ask for them; SERVFAIL in place of what does not validate."""
        if (signer := self._world.signer) is None or response.rcode() not in _TOLD:
            return
        if self._secure and not query.flags & dns.flags.CD and signer.refuses(response):
            self._fail(response, dns.rcode.SERVFAIL)
            response.authority = []
            response.flags &= ~dns.flags.AD
        elif query.ednsflags & dns.flags.DO:
            signer.complete(response)
        elif signer.conceals(response, restored=True):
            response.set_rcode(dns.rcode.NOERROR)

    def _failure(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> str | None:
        fails, key = self._world.fails, plain(name)
        if not fails:
            return None
        return fails.get((key, dns.rdatatype.to_text(rdtype))) or fails.get((key, "ANY"))

    def _fail(self, response: dns.message.Message, rcode: dns.rcode.Rcode) -> None:
        response.answer = []
        response.set_rcode(rcode)

    def _negative(self, name: dns.name.Name, response: dns.message.Message) -> None:
        """The SOA of the zone that says no (RFC 2308 section 3)."""
        owner = name
        while True:
            soa = self._world.zone.rrsets.get(owner, {}).get(dns.rdatatype.SOA)
            if soa is not None:
                response.authority.append(soa)
                return
            if owner == dns.name.root:
                return
            owner = owner.parent()


def over_udp(query: dns.message.Message, response: dns.message.Message) -> bytes:
    """The response as it fits into a datagram; what does not fit is left out and marked (TC)."""
    room = min(max(query.payload, _SMALLEST), PAYLOAD) if query.edns >= 0 else _SMALLEST
    try:
        return response.to_wire(max_size=room, want_shuffle=False)
    except dns.exception.TooBig:
        response.answer, response.authority, response.additional = [], [], []
        response.flags |= dns.flags.TC
        return response.to_wire(max_size=room, want_shuffle=False)


def _below(name: dns.name.Name, zones: tuple[dns.name.Name, ...]) -> bool:
    return any(name == zone if zone == dns.name.root else name.is_subdomain(zone) for zone in zones)
