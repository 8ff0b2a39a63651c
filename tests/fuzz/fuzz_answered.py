"""Readers of what name servers answer."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

import dns.edns
import dns.message
import dns.rrset
from fuzz_target import Target

from diag.lab.live.datagrams import answers
from diag.probes.dns_message import Garbage, read as read_dns, read_referral
from diag.records import dnssec
from diag.records.denial import denied

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


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


@cache
def _referral() -> bytes:
    message = dns.message.make_response(dns.message.make_query("orchard.example", "NS"))
    message.authority.append(_rrset("orchard.example. 60 IN NS ns.orchard.example."))
    message.additional.append(_rrset("ns.orchard.example. 60 IN A 192.0.2.53"))
    error = dns.edns.EDEOption(dns.edns.EDECode.NOT_READY, "not yet")
    message.use_edns(options=[error])
    return message.to_wire()


def _answers(octets: bytes) -> object:
    """The id of our questions is 0, so that some replies fit."""
    return [answers(question, octets) for question in QUESTIONS]


def _sections(octets: bytes) -> object:
    found = dnssec.sections(octets)
    if found is None:
        return None
    beside = (*found.answer, *found.authority)
    for each in beside[: dnssec.MOST_RECORDS]:
        dnssec.verified(each, beside, "orchard.example", (), AT, dnssec.Work())
    return (
        found.denying,
        found.signed,
        found.find("orchard.example", "MX"),
        denied(found, "orchard.example", "TXT", found.denying, (), AT, dnssec.Work()),
    )


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
RECORDS = (
    b"\0\0\2\0\1\0\0\0\x3c\0\3\1a\0",
    b"\xc0\x0c\0\2\0\1\0\0\0\x3c\0\2\xc0\x0c",
    b"\1a\0\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1",
    b"\0\0\x29\4\xd0\0\0\0\0\0\x0a\0\x0f\0\6\0\x0edead",
    b"\0\0\x29\4\xd0\xff\0\0\0\0\4\0\x0f\xff\xff",
    b"\0",
    b"\xc0\x0c",
    b"\xff\xff",
)
"""Of types NS, A and OPT, the last with an extended error, and what is none."""
QUESTIONS = tuple(
    dns.message.make_query("orchard.example", "TXT", use_edns=edns, id=0).to_wire() for edns in (False, 0)
)
ANSWERED = (
    Target(
        "dns-message", _message, MESSAGE_WORDS, _messages(), b"\0\0\x81\x80\0\1\xff\xff\0\0\0\0", (Garbage,)
    ),
    Target(
        "dns-sections",
        _sections,
        MESSAGE_WORDS,
        (*_messages(), _referral()),
        b"\0\0\x81\x80\0\1\xff\xff\0\0\0\0",
    ),
    Target(
        "dns-referral",
        _message,
        RECORDS,
        (_referral(),),
        b"\0\0\x81\x80\0\0\0\0\0\1\xff\xff",
        (Garbage,),
    ),
    Target(
        "dns-datagram", _answers, MESSAGE_WORDS, (*_messages(), _referral()), QUESTIONS[0][:2] + b"\x81\x80"
    ),
)
