"""Readers of what name servers answer."""

from __future__ import annotations

from functools import cache

import dns.message
import dns.rrset
from fuzz_target import Target

from diag.probes.dns_message import Garbage, read as read_dns, read_referral
from diag.records import dnssec


def _rrset(line: str) -> dns.rrset.RRset:
    name, ttl, rdclass, rdtype, rdata = line.split(None, 4)
    return dns.rrset.from_text(name, int(ttl), rdclass, rdtype, rdata)


@cache
def _messages() -> tuple[bytes, ...]:
    made = []
    for lines in (
        ('www.orchard.example. 300 IN TXT "v=spf1 -all" "x"', "www.orchard.example. 300 IN CNAME a.example."),
        (
            "orchard.example. 60 IN MX 10 mx.orchard.example.",
            "orchard.example. 60 IN MX 20 mx2.orchard.example.",
        ),
        ("orchard.example. 60 IN SOA ns.orchard.example. h.orchard.example. 1 2 3 4 5",),
        (
            "_25._tcp.mx.orchard.example. 60 IN TLSA 3 1 1 " + "ab" * 32,
            "mx.orchard.example. 60 IN AAAA 2001:db8::1",
        ),
    ):
        message = dns.message.make_response(dns.message.make_query("orchard.example", "TXT", use_edns=0))
        message.answer += [_rrset(line) for line in lines]
        made.append(message.to_wire())
    return tuple(made)


def _message(octets: bytes) -> object:
    found = read_dns(octets)
    for each in found.answer:
        list(each.lines())
    return found, read_referral(octets)


MESSAGE_WORDS = (
    b"\0",
    b"\1a",
    b"\x07orchard\x07example\0",
    b"\xc0\x0c",
    b"\xc0\x0e",
    b"\xff\xff",
    b"\0\x01\0\x01",
    b"\0\x10\0\x01\0\0\x01\x2c\0\x04\3abc",
    b"\x3f" + b"a" * 63,
    b"\0\0\x29\x10\0\0\0\0\0\0\0",
)
ANSWERED = (
    Target(
        "dns-message", _message, MESSAGE_WORDS, _messages(), b"\0\0\x81\x80\0\1\xff\xff\0\0\0\0", (Garbage,)
    ),
    Target(
        "dns-sections",
        lambda octets: bool(dnssec.sections(octets)),
        MESSAGE_WORDS,
        _messages(),
        b"\0\0\x81\x80\0\1\xff\xff\0\0\0\0",
    ),
)
