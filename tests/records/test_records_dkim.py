"""DKIM key records: their form, the key inside, and weak keys (RFC 6376 section 3.6.1, RFC 8463)."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given, settings, strategies as st

from diag.records.dkim import SYNTAX, UNREADABLE, DkimKey, KeyProblem, looks_like_key
from diag.records.dkim_keys import (
    MOST_BITS,
    Ed25519Key,
    NotDer,
    PrivateKey,
    RsaKey,
    is_roca,
    read_key,
    shared_factor,
)

RSA = rsa.generate_private_key(public_exponent=65537, key_size=1024)
RSA_PUBLIC = RSA.public_key()
SPKI = RSA_PUBLIC.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
BARE = RSA_PUBLIC.public_bytes(Encoding.DER, PublicFormat.PKCS1)
ED = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32))).public_key()
ED_RAW = ED.public_bytes(Encoding.Raw, PublicFormat.Raw)
ED_SPKI = ED.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
EC_SPKI = ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(
    Encoding.DER, PublicFormat.SubjectPublicKeyInfo
)  # fmt: skip


def b64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    size = len(body)
    return bytes([tag]) + (bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")) + body


def integer(number: int) -> bytes:
    return der(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def found(text: str) -> list[KeyProblem]:
    return [defect.problem for defect in DkimKey.parse(text).defects]


@pytest.mark.parametrize(
    "text",
    [
        f"v=DKIM1; k=rsa; p={b64(SPKI)}",
        f"p={b64(SPKI)}",
        f"v=DKIM1;p={b64(BARE)};",
        f"v = DKIM1 ; h = sha256 : sha1 ; s=email:x ; t = y : s ; n=note ; x=unknown ; p = {b64(SPKI)} ;;",
        f"v=DKIM1; p={' '.join(b64(SPKI)[at : at + 7] for at in range(0, 300, 7))}",
        f"v=DKIM1; p={b64(SPKI).rstrip('=')}",
        f"v=DKIM1; g=; s=*; p={b64(SPKI)}",
    ],
)
def test_usable_rsa_records(text: str) -> None:
    key = DkimKey.parse(text)
    assert key.defects == ()
    assert key.key == RsaKey(RSA_PUBLIC.public_numbers().n, 65537)
    assert (key.bits, key.exponent, key.key_type) == (1024, 65537, "rsa")
    assert not key.is_revoked
    assert looks_like_key(text)


def test_ed25519() -> None:
    key = DkimKey.parse(f"v=DKIM1; k=ed25519; p={b64(ED_RAW)}")
    assert (key.key, key.bits, key.exponent, key.defects) == (Ed25519Key(ED_RAW), 256, None, ())


def test_flags_and_limits() -> None:
    key = DkimKey.parse("v=DKIM1; t=y:s; h=sha256; s=email : tls; g=*; n=hello; p=")
    assert key.is_testing
    assert key.is_strict
    assert key.is_revoked
    assert (key.hashes, key.services, key.granularity, key.note) == (
        ("sha256",),
        ("email", "tls"),
        "*",
        "hello",
    )
    plain = DkimKey.parse("p=")
    assert not plain.is_testing
    assert not plain.is_strict
    assert (plain.hashes, plain.services, plain.granularity, plain.note) == (None, ("*",), None, None)
    assert plain.defects == ()


P = KeyProblem


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", [P.MALFORMED, P.KEY_MISSING]),
        ("v=DKIM1; k=rsa", [P.KEY_MISSING]),
        ("just words; p=", [P.MALFORMED]),
        ("p=; p=", [P.TAG_TWICE]),
        ("k=rsa; v=DKIM1; p=", [P.VERSION_NOT_FIRST]),
        ("v=dkim1; p=", [P.VERSION_UNKNOWN]),
        ("k=RSA; p=AAAA", [P.KEY_TYPE_UNKNOWN]),
        ("p=not*base64", [P.KEY_NOT_BASE64]),
        ("p=AAAAA", [P.KEY_NOT_BASE64]),
        ("p=AAAA", [P.KEY_NOT_DER]),
        (f"p={b64(SPKI[:-1])}", [P.KEY_NOT_DER]),
        (f"p={b64(SPKI + b'x')}", [P.KEY_NOT_DER]),
        (f"p={b64(ED_RAW)}", [P.KEY_OF_OTHER_TYPE]),
        (f"k=ed25519; p={b64(SPKI)}", [P.KEY_OF_OTHER_TYPE]),
        (f"k=ed25519; p={b64(ED_RAW[1:])}", [P.KEY_OF_OTHER_TYPE]),
        (f"k=ed25519; p={b64(ED_SPKI)}", [P.KEY_OF_OTHER_TYPE]),
        (f"p={b64(EC_SPKI)}", [P.KEY_OF_OTHER_TYPE]),
        (f"h=sha1; p={b64(SPKI)}", [P.SHA1_ONLY]),
        (f"h=md5; p={b64(SPKI)}", [P.HASH_UNKNOWN]),
        (f"s=tls; p={b64(SPKI)}", [P.SERVICE_NOT_EMAIL]),
        (f"p={b64(der(0x30, integer(1 << 1023 | 1), integer(4)))}", [P.EXPONENT]),
        (f"p={b64(der(0x30, integer(1 << 1023 | 1), integer(1)))}", [P.EXPONENT]),
        (f"p={b64(der(0x30, integer(pow(65537, 40)), integer(3)))}", [P.ROCA]),
    ],
)
def test_problems(text: str, problems: list[KeyProblem]) -> None:
    assert found(text) == problems
    key = DkimKey.parse(text)
    if key.has(*UNREADABLE):
        assert key.key is None
    assert all(0 <= defect.position <= len(text) for defect in key.defects)


@pytest.mark.parametrize("format_", [PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8])
def test_a_private_key_is_recognised(format_: PrivateFormat) -> None:
    octets = RSA.private_bytes(Encoding.DER, format_, NoEncryption())
    assert found(f"v=DKIM1; p={b64(octets)}") == [P.PRIVATE_KEY]
    pem = RSA.private_bytes(Encoding.PEM, format_, NoEncryption()).decode()
    assert P.PRIVATE_KEY in found(f"v=DKIM1; p={pem}")
    assert P.PRIVATE_KEY in found(pem)
    assert looks_like_key(pem)


def test_a_zero_modulus_is_no_private_key() -> None:
    assert read_key(der(0x30, integer(0), integer(3))) == RsaKey(0, 3)
    assert read_key(der(0x30, integer(0), integer(3), integer(5))) == PrivateKey()


def test_a_public_pem_is_not_taken_for_a_private_one() -> None:
    pem = RSA_PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    assert found(f"v=DKIM1; p={pem}") == [P.KEY_NOT_BASE64]


@pytest.mark.parametrize("text", ["v=spf1 -all", "o=~", "dkim=all", ""])
def test_other_records_are_no_keys(text: str) -> None:
    assert not looks_like_key(text)


def test_roca_fingerprint() -> None:
    assert is_roca(pow(65537, 1234) * pow(65537, 77))
    assert not is_roca(RSA_PUBLIC.public_numbers().n)
    assert not is_roca(0)
    assert not is_roca(1)


@pytest.mark.parametrize(
    ("a", "b", "factor"), [(15, 21, 3), (15, 15, None), (15, 14, None), (0, 5, None), (5, 1, None)]
)
def test_shared_factor(a: int, b: int, factor: int | None) -> None:
    assert shared_factor(a, b) == factor


def test_moduli_longer_than_any_verifier_takes_are_not_compared() -> None:
    """Those of a TXT record of 64 KiB would take half a second a pair."""
    long = 3 << MOST_BITS - 2
    assert shared_factor(long, 9) == 3
    assert shared_factor(long << 1, 9) is None
    assert shared_factor(9, long << 1) is None


@settings(max_examples=100)
@given(st.binary() | st.tuples(st.integers(0, 200), st.binary(max_size=3)))
def test_der_reading_raises_one_thing_only(junk: bytes | tuple[int, bytes]) -> None:
    octets = junk if isinstance(junk, bytes) else SPKI[: junk[0]] + junk[1] + SPKI[junk[0] + len(junk[1]) :]
    try:
        key: object = read_key(octets)
    except NotDer:
        key = None
    assert key != SPKI


@settings(max_examples=100)
@given(st.text() | st.text("vDKIM1=;p kst: \tA/+-\n"))
def test_nothing_raises(text: str) -> None:
    key = DkimKey.parse(text)
    looks_like_key(text)
    assert all(0 <= defect.position <= len(text) for defect in key.defects)


@pytest.mark.parametrize("unit", ["A", "p=", ";", "p=A;", " ", "=", "-----BEGIN ", "h=:"])
def test_very_long_records(unit: str) -> None:
    text = "v=DKIM1; p=" + unit * (65536 // len(unit))
    assert DkimKey.parse(text).text == text
    looks_like_key(text)


def test_a_very_long_key() -> None:
    octets = der(0x30, der(2, b"\x01" * 60000), integer(3))
    assert DkimKey.parse(f"p={b64(octets)}").bits == 59999 * 8 + 1


def corpus_keys(conformance: Path) -> Iterator[tuple[str, str]]:
    lines = (conformance / "dkim-mail-dkim" / "FAKE_DNS.dat").read_text(encoding="utf-8").splitlines()
    for line in lines:
        name, _, value = line.strip().partition(" ")
        if name and not name.startswith("#"):
            yield name, value.strip()
    keys = json.loads((conformance / "dkim-verifier" / "keys.json").read_text(encoding="utf-8"))
    yield from keys.items()


# Names whose record is not a clean key of the given length, and what is the matter with it.
NOT_CLEAN: dict[str, set[KeyProblem]] = {
    "test2._domainkey.messiah.edu": {P.SHA1_ONLY},
    "testbad1._domainkey.messiah.edu": {P.VERSION_UNKNOWN},
    "testbad2._domainkey.messiah.edu": {P.MALFORMED},
    "testbad3._domainkey.messiah.edu": {P.KEY_TYPE_UNKNOWN},
    "testbad4._domainkey.messiah.edu": {P.SERVICE_NOT_EMAIL},
    "testbad7._domainkey.messiah.edu": {P.HASH_UNKNOWN},
    "2023-05-ed25519-empty._domainkey.wander.science": {P.MALFORMED, P.KEY_MISSING},
    "invalid._domainkey.wander.science": {P.KEY_OF_OTHER_TYPE},
    "_dmarc.paypal.com": {P.VERSION_UNKNOWN, P.KEY_NOT_DER},  # a policy record among the keys
}
NO_RECORD = {
    "nonexistent._domainkey.messiah.edu": "NXDOMAIN",
    "test3._domainkey.blackhole.messiah.edu": "a failing look-up",
    "test3._domainkey.blackhole2.messiah.edu": "a failing look-up",
}


def test_the_published_key_collections(conformance: Path) -> None:
    seen = set()
    for name, value in corpus_keys(conformance):
        seen.add(name)
        if name in NO_RECORD:
            assert value == "NXDOMAIN" or value.startswith("~~"), name
            continue
        key = DkimKey.parse(value)
        assert {defect.problem for defect in key.defects} == NOT_CLEAN.get(name, set()), name
        assert key.is_revoked == (name == "testrevoked._domainkey.messiah.edu"), name
        readable = not key.has(*UNREADABLE, P.KEY_TYPE_UNKNOWN) and not key.is_revoked
        assert (key.bits in (256, 512, 768, 1024, 2048)) == readable, name
    assert len(seen) > 30
    assert seen >= NOT_CLEAN.keys() | NO_RECORD.keys()


def test_syntax_problems_leave_the_key_readable() -> None:
    key = DkimKey.parse(f"k=rsa; v=DKIM1; what; p={b64(SPKI)}")
    assert key.has(*SYNTAX)
    assert key.bits == 1024
