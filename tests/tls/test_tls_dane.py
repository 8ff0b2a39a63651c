"""TLSA matching: OpenSSL's cases, and our own over the sandbox's authority."""

import base64
import os
import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256, sha512
from pathlib import Path
from typing import Any

import pytest

from diag.sandbox.authority import Authority, key_of
from diag.tls.certificate import public_key_info
from diag.tls.tlsa import Association, TlsaOutcome, match, match_all

DATA = Path(os.environ.get("MAILDIAG_DATA", Path(__file__).parents[3] / "shared/data"))
CASES = DATA / "dane-openssl" / "danetest.in"
MOMENT = datetime(2026, 11, 1, tzinfo=UTC)
HOST = "mx.example.org"
CA = Authority(MOMENT)

PKIX = "usages 0 and 1 are unusable for SMTP (RFC 7672 section 3.1.3)"
NOT_LIKE_OPENSSL = {
    "54": "OpenSSL may check names under DANE-EE(3); SMTP clients do not (RFC 7672 section 3.1.1)",
    **dict.fromkeys(("24", "26", "28", "30", "32", "34", "36", "38"), PKIX),
}


def blocks() -> list[object]:
    if not CASES.exists():
        return [pytest.param("", "", marks=pytest.mark.skip(reason=f"{CASES} is absent (MAILDIAG_DATA)"))]
    text = CASES.read_text()
    found = re.findall(r"^# (\d+)\n(.*?)(?=^# \d+\n|\Z)", text, re.MULTILINE | re.DOTALL)
    assert len(found) == 27
    return [pytest.param(number, body, id=number) for number, body in found]


@pytest.mark.parametrize(("number", "block"), blocks())
def test_openssl(number: str, block: str) -> None:
    lines = [line for line in block.splitlines() if line and not line.startswith("#")]
    records_count, _, _, result, depth = map(int, lines[0].split())
    records = []
    for line in lines[1 : 1 + records_count]:
        usage, selector, matching, data = line.split()
        records.append(Association(int(usage), int(selector), int(matching), bytes.fromhex(data)))
    chain = tuple(
        base64.b64decode(pem)
        for pem in re.findall(r"-----BEGIN CERTIFICATE-----(.*?)-----END", block, re.DOTALL)
    )
    results = match_all(records, chain, ("example.com",), MOMENT)
    matched = [one.depth for one in results if one.outcome is TlsaOutcome.MATCHED]
    if NOT_LIKE_OPENSSL.get(number) == PKIX:
        assert {one.outcome for one in results} == {TlsaOutcome.UNUSABLE}
    elif number in NOT_LIKE_OPENSSL:
        assert matched == [depth]
    elif result == 0:
        assert min(matched) == depth
    else:
        assert matched == []


def record(usage: int, selector: int, matching: int, der: bytes) -> Association:
    octets = public_key_info(der) if selector else der
    digest = {0: octets, 1: sha256(octets).digest(), 2: sha512(octets).digest()}[matching]
    return Association(usage, selector, matching, digest)


@pytest.mark.parametrize("kind", ["valid", "expired", "wrong_name", "self_signed", "not_yet_valid"])
@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize("matching", [0, 1, 2])
def test_the_servers_own_certificate_needs_no_name_and_no_date(
    kind: str, selector: int, matching: int
) -> None:
    chain = CA.kinds()[kind](HOST).chain
    found = match(record(3, selector, matching, chain[0]), chain, (HOST,), MOMENT)
    assert (found.outcome, found.depth) == (TlsaOutcome.MATCHED, 0)


def test_usage_3_describes_the_first_certificate_only() -> None:
    chain = CA.valid(HOST).chain
    found = match(record(3, 1, 1, chain[1]), chain, (HOST,), MOMENT)
    assert (found.outcome, found.depth) == (TlsaOutcome.NO_MATCH, -1)
    assert "certificate 1" in found.detail


@pytest.mark.parametrize(
    ("kind", "at", "outcome", "depth"),
    [
        ("valid", 1, TlsaOutcome.MATCHED, 1),
        ("with_root", 2, TlsaOutcome.MATCHED, 2),
        ("long_chain", 4, TlsaOutcome.MATCHED, 4),
        ("wrong_order", 1, TlsaOutcome.MATCHED, 4),
        ("untrusted_root", 2, TlsaOutcome.MATCHED, 2),
        ("expired", 1, TlsaOutcome.PATH_FLAWED, 1),
        ("wrong_name", 1, TlsaOutcome.NAME_MISMATCH, 1),
        ("self_signed", 0, TlsaOutcome.MATCHED, 0),
    ],
)
def test_a_trust_anchor_needs_path_and_name(kind: str, at: int, outcome: TlsaOutcome, depth: int) -> None:
    chain = CA.kinds()[kind](HOST).chain
    found = match(record(2, 1, 1, chain[at]), chain, (HOST,), MOMENT)
    assert (found.outcome, found.depth) == (outcome, depth)


def test_the_mail_domain_is_a_reference_identifier_too() -> None:
    chain = CA.valid("example.org").chain
    anchor = record(2, 0, 1, chain[1])
    assert match(anchor, chain, (HOST, "example.org"), MOMENT).outcome is TlsaOutcome.MATCHED
    assert match(anchor, chain, (HOST,), MOMENT).outcome is TlsaOutcome.NAME_MISMATCH


def test_an_anchor_that_issued_nothing_here() -> None:
    stranger = Authority(MOMENT, "Stranger").root
    chain = (*CA.valid(HOST).chain, stranger)
    assert match(record(2, 0, 1, stranger), chain, (HOST,), MOMENT).outcome is TlsaOutcome.NOT_ISSUER


def test_an_anchor_that_was_not_sent() -> None:
    chain = CA.valid(HOST).chain
    assert match(record(2, 0, 1, CA.root), chain, (HOST,), MOMENT).outcome is TlsaOutcome.NO_MATCH
    whole = match(record(2, 0, 0, CA.root), chain, (HOST,), MOMENT)
    assert (whole.outcome, whole.depth) == (TlsaOutcome.MATCHED, 2)
    bare = match(record(2, 1, 0, CA.root), chain, (HOST,), MOMENT)
    assert (bare.outcome, bare.depth) == (TlsaOutcome.MATCHED, 1)


@pytest.mark.parametrize(
    ("usage", "selector", "matching", "data"),
    [
        (0, 1, 1, bytes(32)),
        (1, 1, 1, bytes(32)),
        (4, 1, 1, bytes(32)),
        (3, 2, 1, bytes(32)),
        (3, 1, 3, bytes(32)),
        (3, 1, 1, bytes(31)),
        (3, 1, 2, bytes(32)),
        (3, 1, 0, b""),
    ],
)
def test_unusable(usage: int, selector: int, matching: int, data: bytes) -> None:
    found = match(Association(usage, selector, matching, data), CA.valid(HOST).chain, (HOST,), MOMENT)
    assert found.outcome is TlsaOutcome.UNUSABLE
    assert found.detail


def test_nothing_sent() -> None:
    assert match(Association(3, 1, 1, bytes(32)), (), (HOST,), MOMENT).outcome is TlsaOutcome.NO_MATCH


def test_garbage_sent() -> None:
    for usage in (2, 3):
        for matching in (0, 1):
            found = match(Association(usage, 1, matching, bytes(32)), (b"\x30\x03abc", b""), (HOST,), MOMENT)
            assert found.outcome is TlsaOutcome.NO_MATCH


def test_a_digest_counts_only_where_no_stronger_one_stands_beside_it() -> None:
    chain = CA.valid(HOST).chain
    fits, old = record(3, 1, 1, chain[0]), record(3, 1, 2, chain[1])
    assert [each.outcome for each in match_all((fits, old), chain, (HOST,), MOMENT)] == [
        TlsaOutcome.UNUSABLE,
        TlsaOutcome.NO_MATCH,
    ]
    whole, other = record(3, 1, 0, chain[0]), record(3, 0, 2, chain[1])
    assert match_all((whole, old), chain, (HOST,), MOMENT)[0].outcome is TlsaOutcome.MATCHED
    assert match_all((fits, other), chain, (HOST,), MOMENT)[0].outcome is TlsaOutcome.MATCHED


def test_the_common_name_counts_where_there_is_no_dns_name() -> None:
    leaf = CA.issue(HOST, key_of(HOST))
    anchor = record(2, 0, 1, CA.root)
    assert match(anchor, (leaf, CA.root), (HOST,), MOMENT).outcome is TlsaOutcome.MATCHED
    assert match(anchor, (leaf, CA.root), ("x.example",), MOMENT).outcome is TlsaOutcome.NAME_MISMATCH
    named = CA.issue(HOST, key_of(HOST), names=("other.example",))
    assert match(anchor, (named, CA.root), (HOST,), MOMENT).outcome is TlsaOutcome.NAME_MISMATCH


@pytest.mark.parametrize(
    ("anchor", "outcome"),
    [
        ({"ca": True}, TlsaOutcome.MATCHED),
        ({"ca": False}, TlsaOutcome.PATH_FLAWED),
        # By the root, which vouches for it no longer; the DNS does.
        ({"ca": True, "since": timedelta(days=90), "lasts": timedelta(days=60)}, TlsaOutcome.MATCHED),
    ],
)
def test_an_authority_keeps_to_what_it_may_do(anchor: dict[str, Any], outcome: TlsaOutcome) -> None:
    mine = key_of("Mine")
    issuer = CA.issue("Mine", mine, **anchor)
    leaf = CA.issue(HOST, key_of(HOST), issuer="Mine", by=mine, names=(HOST,))
    assert match(record(2, 0, 1, issuer), (leaf, issuer), (HOST,), MOMENT).outcome is outcome
    bare = match(record(2, 1, 0, CA.root), (leaf, issuer), (HOST,), MOMENT)
    alone = anchor == {"ca": True}
    assert (bare.outcome is TlsaOutcome.MATCHED) is alone, "its dates count below a key of the DNS"
