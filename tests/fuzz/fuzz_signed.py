"""Readers of signed answers and of proofs of absence: records as text, signed by a zone that may sign whatever it likes."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import dns.dnssec
import dns.exception
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
from cryptography.hazmat.primitives.asymmetric import ed25519
from fuzz_target import Target

from diag.records import dnssec
from diag.records.denial import denied, has_type, is_gone
from diag.records.dnssec_numbers import algorithm_name, digest_name

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
ZONE = "d.example"
APEX = dns.name.from_text(ZONE)
SOA = dns.rrset.from_text(f"{ZONE}.", 60, "IN", "SOA", "ns.d.example. h.d.example. 1 7200 3600 1209600 300")
QUESTIONS = (
    ("d.example", "TXT"),
    ("mx.d.example", "A"),
    ("_25._tcp.mx.d.example", "TLSA"),
    ("a.example", "MX"),
)
"""The last is below another zone: whoever asks should not, and nothing may come of it."""
SIGNED = 32
"""RRsets that are given a signature: more than are looked at."""


@cache
def _key() -> tuple[Any, Any]:
    private = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    return private, dns.dnssec.make_dnskey(private.public_key(), 15, flags=257)


def _rrsets(octets: bytes) -> tuple[dns.rrset.RRset, ...]:
    """One record a line; lines that are none are left out."""
    found: dict[Any, dns.rrset.RRset] = {}
    for line in octets.decode("latin-1").split("\n"):
        with contextlib.suppress(dns.exception.DNSException, ValueError):
            owner, rdtype, rdata = line.split(" ", 2)
            made = dns.rrset.from_text_list(
                owner, 60, "IN", rdtype, (rdata,), origin=dns.name.root, relativize=False
            )
            found.setdefault((made.name, made.rdtype, made.covers), made).add(made[0])
    return tuple(found.values())


def _signatures(rrsets: tuple[dns.rrset.RRset, ...]) -> tuple[dns.rrset.RRset, ...]:
    private, public = _key()
    return tuple(
        dns.rrset.from_rdata(
            rrset.name,
            60,
            dns.dnssec.sign(rrset, private, APEX, public, AT - timedelta(1), AT + timedelta(1)),
        )
        for rrset in rrsets[:SIGNED]
        if rrset.rdtype != dns.rdatatype.RRSIG and rrset.name.is_subdomain(APEX)
    )


def _denial(octets: bytes) -> object:
    rrsets = _rrsets(octets)
    authority = (SOA, *_signatures(rrsets), *rrsets)
    for rrset in rrsets:
        if rrset.rdtype in (dns.rdatatype.NSEC, dns.rdatatype.NSEC3):
            has_type(rrset[0], dns.rdatatype.TLSA)
    is_gone(dnssec.Sections(int(dns.rcode.NOERROR), (), authority), ZONE)
    return [
        denied(dnssec.Sections(int(rcode), (), authority), *question, ZONE, [_key()[1]], AT, dnssec.Work())
        for rcode in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)
        for question in QUESTIONS
    ]


def _some(said: dnssec.Sections, rdtype: str) -> list[Any]:
    return sorted(said.find(ZONE, rdtype) or ())[: dnssec.MOST_RECORDS]


def _signed(octets: bytes) -> object:
    said = dnssec.Sections(0, _rrsets(octets), (SOA,))
    keys = _some(said, "DNSKEY")
    delegations = _some(said, "DS")
    fits = [(digest_name(ds.digest_type), dnssec.fits(ZONE, ds, key)) for ds in delegations for key in keys]
    told = [
        (dnssec.key_tag(key), dnssec.rsa_bits(key), dnssec.ds_text(ZONE, key), algorithm_name(key.algorithm))
        for key in keys
    ]
    beside = (*said.answer, *_signatures(said.answer[:2]))
    by, work = [*keys, _key()[1]], dnssec.Work()
    return fits, told, [dnssec.verified(each, beside, ZONE, by, AT, work) for each in said.answer[:SIGNED]]


OWNERS = (
    b"d.example. ",
    b".d.example. ",
    b"mx.d.example. ",
    b"*.d.example. ",
    b"a.b.c.mx.d.example. ",
    b". ",
)
HASHED = b"abcdefghijklmnopqrstuv0123456789"
KEY = b"257 3 15 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
RRSIG = b"15 2 60 20261122090000 20261120090000 "


def signed_targets() -> tuple[Target, ...]:
    """What a zone answers that owns the key."""
    ours = str(dnssec.key_tag(_key()[1])).encode()
    return (
        Target(
            "denial",
            _denial,
            (
                *OWNERS,
                b".d.example. NSEC d.example. A\n",
                b".d.example. NSEC3 1 0 0 - " + HASHED + b" A\n",
                b"NSEC d.example. ",
                b"NSEC zz.d.example. A NS\n",
                b"NSEC3 1 0 1 - " + HASHED,
                b"NSEC3 1 1 0 ab " + HASHED,
                HASHED + b".d.example. ",
                b"NSEC3 2 0 51 - 00 ",
                b" A NS SOA TYPE65535",
                b" CNAME RRSIG NXNAME",
                b"\n",
            ),
            (
                b"d.example. NSEC mx.d.example. SOA NS MX\nmx.d.example. NSEC d.example. A\n",
                b"00000000000000000000000000000000.d.example. NSEC3 1 0 1 - " + HASHED + b" A MX\n",
            ),
        ),
        Target(
            "signed-answer",
            _signed,
            (
                *OWNERS,
                b".d.example. MX 10 mx.d.example.\n",
                b"d.example. DNSKEY 257 3 8 AwEAAaetidLzsKWUt4swWR8yu0wPHPiUi8LUsAD0QPWU+wzt\n",
                b"d.example. DS " + ours + b" 15 2 " + b"ab" * 32 + b"\n",
                b"MX 10 mx.d.example.\n",
                b"DNSKEY " + KEY,
                b"DNSKEY 256 3 5 AA==\n",
                b"DNSKEY 384 255 1 AwEAAQ==\n",
                b"DS 1 8 1 ab\n",
                b"RRSIG MX " + RRSIG + ours + b" d.example. " + b"ab" * 32 + b"\n",
                b"RRSIG DNSKEY " + RRSIG + b"1 example. AA==\n",
                b"\n",
            ),
            (
                b"d.example. MX 10 mx.d.example.\nd.example. DNSKEY " + KEY + b"\n"
                b"d.example. DS 1 8 1 " + b"ab" * 20 + b"\n",
                b"d.example. MX 10 mx.d.example.\nd.example. RRSIG MX "
                + RRSIG
                + ours
                + b" d.example. AA==\n",
            ),
        ),
    )
