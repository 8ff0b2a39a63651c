"""Our reading of DNS messages beside dnspython's: the same header, answers and options, and the same garbage."""

from __future__ import annotations

import contextlib
import struct

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest
from dns.rdtypes.ANY.CNAME import CNAME
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.TXT import TXT
from hypothesis import example, given, settings, strategies as st

from diag.probes.dns_message import Garbage, Message, RecordSet, read, read_denial, read_referral

ALIASED = (
    "Www.Example.ORG. 300 IN CNAME host.example.org.",
    "host.example.org. 60 IN A 192.0.2.1",
    "host.example.org. 60 IN A 192.0.2.2",
)
MIXED = (
    'example.org. 300 IN TXT "v=spf1 -all" "x"',
    "example.org. 300 IN MX 10 mx1.example.org.",
    "example.org. 300 IN MX 20 mx2.example.org.",
    "example.org. 300 IN TYPE65400 \\# 3 010203",
    r"a\.b\255.example.org. 300 IN TXT hidden",
)
SOA = "example.org. 60 IN SOA ns.example.org. hostmaster.example.org. 1 2 3 4 5"


def written(
    *answer: str, authority: tuple[str, ...] = (), rcode: str = "NOERROR", edns: bool = True
) -> bytes:
    message = dns.message.QueryMessage(id=0)
    message.flags = dns.flags.QR | dns.flags.RA | dns.flags.AD
    message.question.append(dns.rrset.RRset(dns.name.from_text("www.example.org"), 1, 1))
    for section, lines in ((message.answer, answer), (message.authority, authority)):
        section.extend(dns.rrset.from_text(*line.split(None, 4)) for line in lines)
    if edns:
        message.use_edns(options=[dns.edns.EDEOption(9, "no DS"), dns.edns.GenericOption(3, b"nsid")])
    message.set_rcode(dns.rcode.from_text(rcode))
    return message.to_wire(max_size=65535, want_shuffle=False)


def shown(message: Message) -> list[str]:
    return [line.lower() for found in message.answer for line in found.lines()]


@pytest.mark.parametrize(
    "wire",
    [
        written(*ALIASED),
        written(*MIXED),
        written(authority=(SOA,), rcode="NXDOMAIN"),
        written(authority=(SOA,), rcode="BADVERS"),
        written(edns=False),
        written(*ALIASED) + b"what follows is ignored",
    ],
)
def test_header_answers_and_options_are_those_that_dnspython_reads(wire: bytes) -> None:
    ours, theirs = read(wire), dns.message.from_wire(wire, ignore_trailing=True)
    assert (ours.flags & 0x8FF0, ours.rcode) == (theirs.flags & 0x8FF0, theirs.rcode())
    assert shown(ours) == [line.lower() for rrset in theirs.answer for line in rrset.to_text().splitlines()]
    assert ours.extended_errors == tuple((int(o.code), o.text) for o in theirs.options if o.otype == 15)


def test_a_set_has_each_record_once_and_the_smallest_of_its_ttls() -> None:
    twice = written(
        "a.example. 300 IN A 192.0.2.1", "a.example. 60 IN A 192.0.2.1", "a.example. 90 IN A 192.0.2.2"
    )
    (found,) = read(twice).answer
    assert (found.ttl, [str(rdata) for rdata in found.rdatas]) == (60, ["192.0.2.1", "192.0.2.2"])


@pytest.mark.parametrize(
    ("records", "left"),
    [
        (
            ("MX 10 mx.example.", "MX 10 mz.example.", "MX 20 mx.example."),
            ["10 mx.example.", "20 mx.example."],
        ),
        (("MX 65 a.", "MX 97 a."), ["65 a.", "97 a."]),  # which are "A" and "a", and no letters
        (("NS mx.example.", "NS mz.Example.", r"NS m\.x.example."), ["mx.example.", r"m\.x.example."]),
        (('TXT "a" "b"', 'TXT "ab"', 'TXT "A" "b"', 'TXT "a" "b"'), ['"a" "b"', '"ab"', '"A" "b"']),
        (("SRV 1 2 3 mx.example.", "SRV 1 2 3 mz.example."), ["1 2 3 mx.example."]),
    ],
)
def test_records_are_one_where_they_differ_in_the_case_of_a_name_alone(
    records: tuple[str, ...], left: list[str]
) -> None:
    # Where only the case differs a writer would point to the name before.
    wire = written(*(f"a.example. 60 IN {each}" for each in records)).replace(b"\2mz", b"\2MX")
    (found,) = read(wire).answer
    assert [line.split(None, 4)[4] for line in found.lines()] == left


def test_a_ttl_with_its_top_bit_set_counts_as_zero() -> None:
    wire = written("a.example. 7 IN A 192.0.2.1").replace(struct.pack("!I", 7), b"\xff\xff\xff\xff")
    assert read(wire).answer[0].ttl == 0


def test_an_explanation_that_is_no_utf_8_does_not_cost_the_answer() -> None:
    assert read(written(*ALIASED).replace(b"no DS", b"no \xffS")).extended_errors == ((9, "no \ufffdS"),)


@pytest.mark.parametrize(
    "rdata",
    [
        b"\xc0\x40",  # forward
        b"\xc0\x2d",  # to itself
        b"\x80x",
        b"\x3f" + b"a" * 63 + b"\x3f" + b"a" * 63 + b"\x3f" + b"a" * 63 + b"\x3f" + b"a" * 63 + b"\0",
    ],
)
def test_names_that_lead_nowhere_are_garbage(rdata: bytes) -> None:
    head = struct.pack("!6H", 0, 0x8180, 1, 1, 0, 0) + b"\3www\7example\3org\0\0\1\0\1"
    with pytest.raises(Garbage):
        read(head + rdata + struct.pack("!2HIH", 1, 1, 60, 4) + bytes(4))
    cname = head + b"\xc0\x0c" + struct.pack("!2HIH", 5, 1, 60, len(rdata)) + rdata
    with pytest.raises(Garbage):
        read(cname)


def chained(pointers: int) -> bytes:
    """An answer whose second record has a name of so many pointers, each leading to the one before it."""
    head = struct.pack("!6H", 0, 0x8180, 1, 2, 0, 0) + b"\3www\7example\3org\0\0\1\0\1"
    held = head + b"\xc0\x0c" + struct.pack("!2HIH", 65280, 1, 60, 2 * (pointers - 1))
    targets = [12, *(len(held) + 2 * at for at in range(pointers - 1))]
    links = b"".join(struct.pack("!H", 0xC000 | target) for target in targets)
    return held + links + struct.pack("!2HIH", 65281, 1, 60, 0)


def test_a_name_has_no_chain_of_pointers_without_end() -> None:
    assert [found.owner[:1] for found in read(chained(128)).answer] == [(b"www",), (b"www",)]
    with pytest.raises(Garbage, match="from pointer to pointer"):
        read(chained(129))


@pytest.mark.parametrize("wire", [written(*MIXED), written(authority=(SOA,), rcode="NXDOMAIN")])
def test_a_message_that_breaks_off_is_garbage_wherever_it_does(wire: bytes) -> None:
    for length in range(len(wire)):
        with pytest.raises(Garbage):
            read(wire[:length])


@settings(max_examples=100)
@given(st.integers(0, 400), st.binary(min_size=1, max_size=6))
@example(0, b"")
def test_what_dnspython_reads_of_a_damaged_message_we_read_alike(at: int, damage: bytes) -> None:
    whole = written(*ALIASED, *MIXED)
    wire = whole[:at] + damage + whole[at + len(damage) :]
    try:
        ours = read(wire)
    except Garbage:
        with pytest.raises((dns.exception.DNSException, ValueError)):
            dns.message.from_wire(wire, ignore_trailing=True)
        return
    try:
        theirs = dns.message.from_wire(wire, ignore_trailing=True)
    except (dns.exception.DNSException, ValueError):
        return  # a section that nobody looks at may be damaged
    if theirs.opcode() == 0:
        answers = sorted(line.lower() for rrset in theirs.answer for line in rrset.to_text().splitlines())
        assert sorted(shown(ours)) == answers


NS = ("example.org. 300 IN NS ns1.example.org.", "example.org. 60 IN NS ns2.elsewhere.test.")


def referral() -> bytes:
    message = dns.message.from_wire(written(*ALIASED, authority=NS))
    message.additional.append(dns.rrset.from_text("ns1.example.org.", 300, "IN", "A", "192.0.2.1"))
    return message.to_wire(want_shuffle=False)


def test_a_referral_has_its_servers_and_their_addresses() -> None:
    authority, additional = read_referral(referral())
    assert [line for found in authority for line in found.lines()] == [
        "example.org. 60 IN NS ns1.example.org.",
        "example.org. 60 IN NS ns2.elsewhere.test.",
    ]
    assert [line for found in additional for line in found.lines()] == ["ns1.example.org. 300 IN A 192.0.2.1"]
    assert len(read(referral()).answer) == 2


@settings(max_examples=100)
@given(st.integers(0, 250), st.binary(min_size=1, max_size=6))
def test_a_damaged_referral_is_read_or_is_garbage(at: int, damage: bytes) -> None:
    wire = bytearray(referral())
    wire[at : at + len(damage)] = damage
    with contextlib.suppress(Garbage):  # any other exception fails the test
        read_referral(bytes(wire))


def test_a_denial_has_owners_and_types_whatever_the_records_hold() -> None:
    wire = written(*ALIASED, authority=(SOA, *NS), rcode="NXDOMAIN")
    zone = (b"example", b"org")
    assert read_denial(wire) == ((zone, 6), (zone, 2), (zone, 2))
    assert read_denial(written(*ALIASED)) == ()


@settings(max_examples=100)
@given(st.integers(0, 250), st.binary(min_size=1, max_size=6))
def test_a_damaged_denial_is_read_or_is_garbage(at: int, damage: bytes) -> None:
    wire = bytearray(written(authority=(SOA,), rcode="NXDOMAIN"))
    wire[at : at + len(damage)] = damage
    with contextlib.suppress(Garbage):  # any other exception fails the test
        read_denial(bytes(wire))


@settings(max_examples=200)
@given(
    st.lists(
        st.binary(max_size=12) | st.text(st.characters(codec="ascii"), max_size=12).map(str.encode),
        min_size=1,
    ),
    st.lists(
        st.from_regex(rb"[a-z0-9_-]{1,9}", fullmatch=True) | st.binary(min_size=1, max_size=9), max_size=4
    ),
)
@example([b'a "quoted" word', b"a\\b", b"", b"~ !", b"\x7f"], [b"a.b", b"_dmarc"])
def test_a_record_is_shown_as_dnspython_shows_it(strings: list[bytes], owner: list[bytes]) -> None:
    text = TXT(dns.rdataclass.IN, dns.rdatatype.TXT, strings)
    name = dns.name.Name((*owner, b"")).to_text()
    assert list(RecordSet(tuple(owner), 1, 16, 60, (text,)).lines()) == [f"{name} 60 IN TXT {text.to_text()}"]
    host = dns.name.Name((*owner, b""))
    for data in (
        MX(dns.rdataclass.IN, dns.rdatatype.MX, 5, host),
        CNAME(dns.rdataclass.IN, dns.rdatatype.NS, host),
    ):
        (line,) = RecordSet((), 1, data.rdtype, 60, (data,)).lines()
        assert line.split(None, 4)[4] == data.to_text()
