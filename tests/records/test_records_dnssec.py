"""Signatures over RRsets: each fault is told apart, and nobody can make them cost much."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import dns.dnssec
import dns.message
import dns.name
import dns.rdata
import dns.rrset
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given, settings, strategies as st

from diag.records import dnssec
from diag.records.dnssec import Signature, Standing, Work, fits, key_tag, rsa_bits, sections, verified

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
ZONE = "d.example"
APEX = dns.name.from_text(ZONE)
DAY = timedelta(days=1)
MX = dns.rrset.from_text("d.example.", 3600, "IN", "MX", "10 mx.d.example.")


def pair(seed: int, flags: int = 257) -> tuple[Any, Any]:
    private = ed25519.Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
    return private, dns.dnssec.make_dnskey(private.public_key(), 15, flags=flags)


OURS, OTHERS = pair(1), pair(2)


def rrsig(
    rrset: dns.rrset.RRset = MX,
    by: tuple[Any, Any] = OURS,
    start: timedelta = -DAY,
    end: timedelta = DAY,
    signer: dns.name.Name = APEX,
) -> Any:
    return dns.dnssec.sign(rrset, by[0], signer, by[1], inception=AT + start, expiration=AT + end)


def judged(
    *rrsigs: Any, rrset: dns.rrset.RRset = MX, keys: Any = None, work: Work | None = None
) -> tuple[Signature, ...]:
    beside = [dns.rrset.from_rdata(rrset.name, 3600, *rrsigs)] if rrsigs else []
    return verified(rrset, beside, ZONE, keys or [OURS[1]], AT, work or Work())


CHANGED = dns.rrset.from_text("d.example.", 3600, "IN", "MX", "10 mx.evil.example.")


@pytest.mark.parametrize(
    ("made", "rrset", "standing"),
    [
        (rrsig(), MX, Standing.GOOD),
        (rrsig(end=-DAY / 2), MX, Standing.EXPIRED),
        (rrsig(start=DAY / 2), MX, Standing.NOT_YET),
        (rrsig(), CHANGED, Standing.WRONG),
        (rrsig(by=OTHERS), MX, Standing.NO_KEY),
        (rrsig(signer=dns.name.from_text("example")), MX, Standing.NO_KEY),
        (rrsig().replace(algorithm=200), MX, Standing.UNSUPPORTED),
        (rrsig(end=-DAY / 2), CHANGED, Standing.WRONG),
    ],
)
def test_what_becomes_of_a_signature(made: Any, rrset: dns.rrset.RRset, standing: Standing) -> None:
    (seen,) = judged(made, rrset=rrset)
    assert seen.standing is standing
    assert seen.ttl == 3600


def test_no_signature_is_none() -> None:
    assert judged() == ()
    assert judged(rrsig(dns.rrset.from_text("d.example.", 60, "IN", "A", "192.0.2.1"))) == ()


@pytest.mark.parametrize("flags", [257 | dnssec.REVOKED, 1, 0])
def test_revoked_keys_and_keys_of_no_zone_sign_nothing(flags: int) -> None:
    by = pair(1, flags)
    made = rrsig().replace(key_tag=key_tag(by[1]))
    assert judged(made, keys=[by[1]])[0].standing is Standing.NO_KEY


def test_an_answer_from_a_wildcard_is_verified_as_the_wildcard() -> None:
    star = dns.rrset.from_text("*.d.example.", 3600, "IN", "A", "192.0.2.1")
    made = rrsig(star)
    synthesised = dns.rrset.from_text("any.d.example.", 3600, "IN", "A", "192.0.2.1")
    assert judged(made, rrset=synthesised)[0].standing is Standing.GOOD


def same_tag(count: int) -> list[Any]:
    """Keys that share one tag: its sum does not mind the order of the octet pairs (RFC 4034 appendix B)."""
    octets = OURS[1].key
    words = [octets[at : at + 2] for at in range(0, 32, 2)]
    return [OURS[1].replace(key=b"".join((*words[at:], *words[:at]))) for at in range(1, count + 1)]


def test_keys_of_one_tag_are_tried_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = same_tag(12)
    assert {key_tag(key) for key in keys} == {key_tag(OURS[1])}
    tries = []
    really = dnssec._tried

    def counted(*args: Any) -> Standing:
        tries.append(args)
        return really(*args)

    monkeypatch.setattr(dnssec, "_tried", counted)
    rrsigs = [rrsig(end=DAY * days) for days in range(1, 9)]
    seen = judged(*rrsigs, keys=keys)
    assert len(tries) == dnssec.MOST_TRIES
    assert Standing.NOT_TRIED in {each.standing for each in seen}
    assert Standing.GOOD not in {each.standing for each in seen}


def test_a_zone_is_given_so_much_work_and_no_more() -> None:
    work = Work(1)
    assert judged(rrsig(), work=work)[0].standing is Standing.GOOD
    assert judged(rrsig(), work=work)[0].standing is Standing.NOT_TRIED


def test_signatures_by_the_hundred_are_not_all_looked_at() -> None:
    assert (
        len(judged(*(rrsig(end=DAY + timedelta(seconds=each)) for each in range(60)))) == dnssec.MOST_RECORDS
    )


@pytest.mark.parametrize("digest", ["SHA1", "SHA256", "SHA384"])
def test_a_ds_record_fits_its_key_only(digest: str) -> None:
    ds = dns.dnssec.make_ds(APEX, OURS[1], digest, policy=dns.dnssec.allow_all_policy)
    assert fits(ZONE, ds, OURS[1])
    assert not fits(ZONE, ds, OTHERS[1])
    assert not fits("e.example", ds, OURS[1])
    unknown = dns.rdata.from_text("IN", "DS", f"{ds.key_tag} 15 3 {'ab' * 32}")
    assert not fits(ZONE, unknown, OURS[1])
    assert not any(fits(ZONE, ds, key) for key in same_tag(3))


def test_the_length_of_an_rsa_key() -> None:
    def made(bits: int) -> Any:
        return dns.dnssec.make_dnskey(rsa.generate_private_key(65537, bits).public_key(), 8)

    assert rsa_bits(made(1024)) == 1024
    assert rsa_bits(OURS[1]) == 0
    curve = ec.generate_private_key(ec.SECP256R1()).public_key()
    assert rsa_bits(dns.dnssec.make_dnskey(curve, 13)) == 0
    whole = made(1024)
    long_exponent = b"\0\0\x03" + whole.key[1:4] + whole.key[4:]
    assert rsa_bits(whole.replace(key=long_exponent)) == 1024
    for cut in (b"", b"\x03", b"\x03\x01", b"\xff\x01\x02"):
        assert rsa_bits(whole.replace(key=cut)) == 0


def test_keys_that_are_none_are_wrong_and_raise_nothing() -> None:
    for algorithm, key in ((13, b"\x01" * 64), (15, b"x"), (8, b"\x03\x01"), (8, b""), (14, b"")):
        bad = OURS[1].replace(algorithm=algorithm, key=key)
        made = rrsig().replace(algorithm=algorithm, key_tag=key_tag(bad))
        (seen,) = judged(made, keys=[bad])
        assert seen.standing in (Standing.WRONG, Standing.UNSUPPORTED)


def test_what_is_no_message_or_too_large_has_no_sections() -> None:
    message = dns.message.make_response(dns.message.make_query("d.example", "MX"))
    message.answer.append(MX)
    wire = message.to_wire()
    read = sections(wire)
    assert read is not None
    assert read.find("D.Example", "MX") == MX
    assert read.find("d.example", "A") is None
    assert (read.denying, read.signed) == ("", False)
    assert sections(wire[:-3]) is None
    assert sections(b"\0" * (dnssec.LARGEST_MESSAGE + 1)) is None


def test_an_update_is_no_answer() -> None:
    """What it deletes is an RRset without records, which no question brings (RFC 2136 section 2.5.2)."""
    update = dns.message.make_response(dns.message.make_query("d.example", "SOA")).to_wire()
    deleted = b"\0\0\x2f\0\xff" + bytes(6)
    counted = update[:6] + b"\0\0\0\1" + update[10:] + deleted
    assert sections(counted) is None, "an NSEC record without data"
    assert sections(counted[:2] + bytes([counted[2] | 5 << 3]) + counted[3:]) is None


def test_the_tag_of_a_key_is_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Large keys and many signatures would make it the square of the message."""
    asked: list[Any] = []

    def noted(key: Any) -> int:
        asked.append(key)
        return key_tag(key)

    monkeypatch.setattr(dnssec, "key_tag", noted)
    made = [rrsig().replace(key_tag=tag) for tag in range(20)]
    assert {seen.standing for seen in judged(*made, keys=[OURS[1], OTHERS[1]])} == {Standing.NO_KEY}
    assert asked == [OURS[1], OTHERS[1]]
    assert not judged(keys=[OURS[1]])
    assert len(asked) == 2, "what is not signed needs none"


@given(st.binary(max_size=200), st.sampled_from([5, 7, 8, 10, 13, 14, 15, 16]))
@settings(max_examples=60, deadline=None)
def test_whatever_octets_make_key_and_signature_nothing_raises(octets: bytes, algorithm: int) -> None:
    key = OURS[1].replace(algorithm=algorithm, key=octets)
    made = rrsig().replace(algorithm=algorithm, key_tag=key_tag(key), signature=octets)
    (seen,) = judged(made, keys=[key])
    assert seen.standing is not Standing.GOOD
    assert rsa_bits(key) >= 0
