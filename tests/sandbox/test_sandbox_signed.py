"""Signed zones of worlds: the same every time, told by the head, and refused where a resolver validates."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import pytest

from diag.lab.zone import Zone
from diag.sandbox import world as worlds
from diag.sandbox.errors import BadWorld
from diag.sandbox.resolver import Resolver
from diag.sandbox.signed import WISHES, Signer
from diag.sandbox.zones import Dns

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
ZONE = "d.example. SOA ns.d.example. h.d.example. 1 2 3 4 5\nd.example. MX 10 mx.d.example.\n"


def said(
    wish: str, name: str, rdtype: str, *, do: bool = True, cd: bool = False, secure: str = "."
) -> dns.message.Message:
    zone = Zone.parse(ZONE, ".")
    signer = Signer(zone, {"d.example": wish}, AT)
    query = dns.message.make_query(name, rdtype, want_dnssec=do, id=7)
    query.flags |= dns.flags.CD if cd else 0
    resolver = Resolver(Dns(zone, secure=(secure,) if secure else (), signer=signer))
    answer = resolver.answer(query.to_wire(), udp=False)
    assert answer is not None
    return dns.message.from_wire(answer)


def types(message: dns.message.Message) -> set[str]:
    return {dns.rdatatype.to_text(each.rdtype) for each in message.answer + message.authority}


def test_signatures_come_where_they_are_asked_for() -> None:
    assert types(said("", "d.example", "MX")) == {"MX", "RRSIG"}
    assert types(said("", "d.example", "MX", do=False)) == {"MX"}
    assert types(said("", "x.d.example", "MX")) == {"SOA", "NSEC", "RRSIG"}
    assert types(said("nsec3", "x.d.example", "MX")) == {"SOA", "NSEC3", "RRSIG"}


@pytest.mark.parametrize("wish", ["", "small-key", "tiny-key", "retired-algorithm", "wrong-ds"])
def test_a_world_is_signed_the_same_every_time(wish: str) -> None:
    first = said(wish, "d.example", "DNSKEY", cd=True).to_wire()
    assert said(wish, "d.example", "DNSKEY", cd=True).to_wire() == first


@pytest.mark.parametrize(
    ("wish", "name", "rdtype"),
    [
        ("expired", "d.example", "MX"),
        ("wrong-ds", "d.example", "DNSKEY"),
        ("one-rrset=d.example/MX", "d.example", "MX"),
        ("broken-denial", "d.example", "TXT"),
    ],
)
def test_what_is_broken_is_refused_by_those_who_check(wish: str, name: str, rdtype: str) -> None:
    assert said(wish, name, rdtype).rcode() == dns.rcode.SERVFAIL
    assert said(wish, name, rdtype, cd=True).rcode() == dns.rcode.NOERROR
    assert said(wish, name, rdtype, secure="").rcode() == dns.rcode.NOERROR
    assert said(wish, name, "DS").rcode() == dns.rcode.NOERROR, "the DS record is the parent's"


def test_one_broken_record_set_leaves_the_others_be() -> None:
    assert said("one-rrset=d.example/MX", "d.example", "SOA").rcode() == dns.rcode.NOERROR
    assert said("broken-denial", "d.example", "MX").rcode() == dns.rcode.NOERROR


def test_a_wish_that_nobody_knows_is_a_fault_of_the_world(tmp_path: Path) -> None:
    path = tmp_path / "bad.zone"
    path.write_text(f"; domain: d.example\n; signed: d.example backwards\n{ZONE}")
    with pytest.raises(BadWorld, match="signed: 'backwards' is none of") as caught:
        worlds.load(path.with_suffix(""))
    assert WISHES[0] in str(caught.value)


def test_worlds_without_signatures_do_not_load_the_signer() -> None:
    assert worlds.packaged("healthy").dns.signer is None
