"""Proofs of absence: those of a well-kept zone hold for what was asked, and for nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from diag.lab.zone import Zone
from diag.records.denial import Proof, denied, is_gone
from diag.records.dnssec import MOST_RECORDS, Sections, Work, sections
from diag.sandbox.signed import Signer

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
ZONE = """
d.example. SOA ns.d.example. h.d.example. 1 7200 3600 1209600 300
d.example. NS ns.d.example.
d.example. MX 10 mx.d.example.
mx.d.example. A 192.0.2.1
www.d.example. CNAME mx.d.example.
*.wild.d.example. TXT "w"
a.b.c.d.example. TXT "deep"
sub.d.example. SOA ns.sub.d.example. h.d.example. 1 7200 3600 1209600 300
sub.d.example. NS ns.sub.d.example.
zz.d.example. A 192.0.2.2
"""
WAYS = ("", "nsec3", "nsec3-iterations=7", "compact")


def answered(name: str, rdtype: str, way: str) -> tuple[Sections, list[object]]:
    """What a server of the zone says, and the keys of the zone."""
    zone = Zone.parse(ZONE, ".")
    signer = Signer(zone, {"d.example": way}, AT)
    response = dns.message.make_response(dns.message.make_query(name, rdtype, want_dnssec=True))
    said = zone.ask(dns.name.from_text(name), dns.rdatatype.from_text(rdtype))
    response.set_rcode(dns.rcode.from_text(said.rcode))
    response.answer += [each for each in (said.rrset, said.alias) if each is not None]
    if not response.answer:
        response.authority.append(zone.rrsets[dns.name.from_text("d.example")][dns.rdatatype.SOA])
    signer.complete(response)
    read = sections(response.to_wire())
    assert read is not None
    keys = zone.rrsets[dns.name.from_text("d.example")][dns.rdatatype.DNSKEY]
    return read, list(keys)


def proof(name: str, rdtype: str, way: str, of: tuple[str, str] | None = None) -> Proof:
    """What the answer to one question proves of another, or of itself."""
    said, keys = answered(*(of or (name, rdtype)), way)
    return denied(said, name, rdtype, "d.example", keys, AT, Work())[0]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("name", "rdtype"),
    [
        ("mx.d.example", "AAAA"),
        ("d.example", "TXT"),
        ("_mta-sts.d.example", "TXT"),
        ("_25._tcp.mx.d.example", "TLSA"),
        ("zzz.d.example", "A"),
        ("0.d.example", "A"),
        ("b.c.d.example", "TXT"),
        ("x.b.c.d.example", "TXT"),
        ("any.wild.d.example", "A"),
        ("sub.d.example", "DS"),
    ],
)
def test_what_does_not_exist_is_proved(name: str, rdtype: str, way: str) -> None:
    assert proof(name, rdtype, way) is Proof.SHOWN


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("name", "rdtype", "of"),
    [
        ("mx.d.example", "A", ("mx.d.example", "AAAA")),
        ("www.d.example", "TXT", ("mx.d.example", "TXT")),
        ("zz.d.example", "A", ("0.d.example", "A")),
        ("any.wild.d.example", "TXT", ("any.wild.d.example", "A")),
        ("d.example", "MX", ("d.example", "TXT")),
    ],
)
def test_a_proof_for_one_question_is_none_for_another(
    name: str, rdtype: str, of: tuple[str, str], way: str
) -> None:
    assert proof(name, rdtype, way, of) is Proof.BROKEN


@pytest.mark.parametrize("way", WAYS)
def test_a_name_below_a_delegation_is_not_ours_to_judge(way: str) -> None:
    said, keys = answered("sub.d.example", "DS", way)
    for name, rdtype in (("sub.d.example", "A"), ("mx.sub.d.example", "TLSA")):
        assert denied(said, name, rdtype, "d.example", keys, AT, Work())[0] is not Proof.SHOWN


def test_what_says_nothing_or_is_unsigned_proves_nothing() -> None:
    said, keys = answered("zzz.d.example", "A", "")
    bare = Sections(said.rcode, (), tuple(r for r in said.authority if r.rdtype == dns.rdatatype.SOA))
    unsigned = Sections(said.rcode, (), tuple(r for r in said.authority if r.rdtype != dns.rdatatype.RRSIG))
    for each, why in ((bare, "neither NSEC nor NSEC3"), (unsigned, "missing")):
        shown, amiss = denied(each, "zzz.d.example", "A", "d.example", keys, AT, Work())
        assert shown is Proof.BROKEN
        assert why in amiss
    assert denied(said, "zzz.d.example", "A", "example", keys, AT, Work())[0] is Proof.NOT_JUDGED


def test_no_more_work_is_done_than_is_worth_it() -> None:
    said, keys = answered("zzz.d.example", "A", "")
    assert denied(said, "zzz.d.example", "A", "d.example", keys, AT, Work(0))[0] is Proof.NOT_JUDGED
    assert proof("zzz.d.example", "A", "nsec3-iterations=60") is Proof.NOT_JUDGED
    deep = ".".join("x" * 20) + ".d.example"
    assert proof(deep, "A", "nsec3") is Proof.NOT_JUDGED


def test_nodata_in_place_of_nxdomain_is_no_proof_that_the_name_is_gone() -> None:
    said, keys = answered("mx.d.example", "AAAA", "")
    gone = Sections(dns.rcode.NXDOMAIN, said.answer, said.authority)
    assert denied(gone, "mx.d.example", "AAAA", "d.example", keys, AT, Work())[0] is Proof.BROKEN


def test_an_alias_in_its_place_is_no_proof_that_there_is_no_record() -> None:
    said, keys = answered("wxx.d.example", "A", "")  # the gap begins at www, which is an alias
    nodata = Sections(dns.rcode.NOERROR, (), said.authority)
    assert denied(nodata, "www.d.example", "TXT", "d.example", keys, AT, Work()) == (
        Proof.BROKEN,
        "its NSEC record says that there is CNAME",
    )


def test_a_span_that_leaves_names_out_on_purpose_proves_nothing_and_breaks_nothing() -> None:
    said, keys = answered("zzz.d.example", "A", "nsec3")
    apex = dns.name.from_text("d.example")
    signer = Signer(Zone.parse(ZONE, "."), {"d.example": "nsec3"}, AT)
    opted: list[dns.rrset.RRset] = []
    for each in said.authority:
        if each.rdtype == dns.rdatatype.NSEC3:
            out = dns.rrset.from_rdata(each.name, each.ttl, each[0].replace(flags=1))
            opted += [out, signer._signed(out, apex, old=False)]
        elif each.rdtype == dns.rdatatype.SOA:
            opted.append(each)
    left_out = Sections(said.rcode, (), tuple(opted))
    assert denied(left_out, "zzz.d.example", "A", "d.example", keys, AT, Work())[0] is Proof.NOT_JUDGED


@pytest.mark.parametrize("gone", [False, True])
def test_a_zone_that_does_not_show_its_own_name_proves_nothing_of_it(gone: bool) -> None:
    """Its owner signs what he likes: here a gap that is not about the zone's own name, the last above which to look."""
    said, keys = answered("mx.d.example", "AAAA", "nsec3")
    own = [r for r in said.authority if r.rdtype in (dns.rdatatype.NSEC3, dns.rdatatype.RRSIG)]
    assert len(own) == 3, "of the SOA record, and one NSEC3 with its own"
    said = Sections(dns.rcode.NXDOMAIN if gone else dns.rcode.NOERROR, (), said.authority)
    for name in ("d.example", "example", "d.test"):
        shown, amiss = denied(said, name, "TXT", "d.example", keys, AT, Work())
        assert shown is Proof.BROKEN
        assert "the zone itself" in amiss


def test_records_whose_signatures_are_not_looked_at_prove_nothing() -> None:
    said, keys = answered("zzz.d.example", "A", "")
    link = next(r for r in said.authority if r.rdtype == dns.rdatatype.NSEC)
    forged = dns.rrset.from_text("yyy.d.example.", 60, "IN", "NSEC", "d.example. A")
    signed = [r for r in said.authority if r.rdtype != dns.rdatatype.NSEC]
    many = Sections(dns.rcode.NOERROR, (), (*signed, *[link] * MOST_RECORDS, forged))
    assert denied(many, "yyy.d.example", "TXT", "d.example", keys, AT, Work(99))[0] is Proof.BROKEN
    assert denied(said, "zzz.d.example", "TXT", "d.example", keys, AT, Work(99))[0] is Proof.SHOWN


@pytest.mark.parametrize("way", [*WAYS, "compact-restored"])
@pytest.mark.parametrize(
    ("name", "rdtype", "gone"),
    [
        ("zzz.d.example", "A", True),
        ("x.b.c.d.example", "TXT", True),
        ("b.c.d.example", "TXT", False),
        ("mx.d.example", "AAAA", False),
        ("mx.d.example", "A", False),
        ("any.wild.d.example", "A", False),
    ],
)
def test_compact_denial_is_told_from_nodata(name: str, rdtype: str, gone: bool, way: str) -> None:
    said, _ = answered(name, rdtype, way)
    assert is_gone(said, name) is gone
    assert (said.rcode == dns.rcode.NXDOMAIN) is (gone and not way.startswith("compact"))


def test_nxname_counts_at_the_name_itself_alone() -> None:
    said, _ = answered("zzz.d.example", "A", "compact")
    assert is_gone(said, "ZZZ.d.example")
    assert not is_gone(said, "zz.d.example")
    assert not is_gone(Sections(dns.rcode.SERVFAIL, (), said.authority), "zzz.d.example")


@pytest.mark.parametrize(("bitmap", "gone"), [("TYPE128", True), ("", False)])
def test_nxname_may_stand_in_an_nsec3_record(bitmap: str, gone: bool) -> None:
    hashed = dns.dnssec.nsec3_hash("zzz.d.example", None, 0, 1)
    record = dns.rrset.from_text(
        f"{hashed}.d.example.", 60, "IN", "NSEC3", f"1 0 0 - {hashed[:-1]}V {bitmap}".strip()
    )
    said = Sections(dns.rcode.NOERROR, (), (record,))
    assert is_gone(said, "zzz.d.example") is gone
    assert not is_gone(said, "zz.d.example")


def test_a_restored_nxdomain_holds_where_nxname_bears_it_out() -> None:
    said, keys = answered("zzz.d.example", "A", "compact")
    restored = Sections(dns.rcode.NXDOMAIN, said.answer, said.authority)
    assert denied(restored, "zzz.d.example", "A", "d.example", keys, AT, Work())[0] is Proof.SHOWN
