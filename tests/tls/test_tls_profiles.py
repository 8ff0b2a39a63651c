"""What the profiles say of configurations of mail servers, each by each, and that their tables are sound."""

from __future__ import annotations

from datetime import date

import pytest

from diag.tls import groups, schemes, suites
from diag.tls.offer import SSL2, SSL3, TLS10, TLS11, TLS12, TLS13
from diag.tls.primes import named_prime, prime
from diag.tls.profiles import PROFILES, Deviation, Level, Spoken, profile

DAY = date(2026, 11, 21)
GCM, GCM_EC, CHACHA = 0xC02F, 0xC02B, 0xCCA8
T13, T13_256, T13_CHACHA = 0x1301, 0x1302, 0x1303


def octets(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8)


CONFIGURATIONS = {
    "modern and post-quantum": Spoken(
        versions=(TLS13,),
        refused=(TLS12,),
        suites=(T13_256, T13_CHACHA),
        groups=(0x11EC,),
        schemes=(0x0403,),
        keys=(("EC", 256, "secp256r1"),),
        hashes=("sha256",),
    ),
    "today's usual": Spoken(
        versions=(TLS12, TLS13),
        suites=(T13, T13_256, GCM, CHACHA),
        groups=(29, 23),
        schemes=(0x0804,),
        keys=(("RSA", 2048, ""),),
        hashes=("sha256",),
    ),
    "without TLS 1.3": Spoken(versions=(TLS12,), refused=(TLS13,), suites=(GCM_EC,), groups=(24,)),
    "old versions": Spoken(versions=(TLS10, TLS11, TLS12)),
    "SSL": Spoken(versions=(SSL2, SSL3), suites=(0x010080, 0x0004)),
    "CBC": Spoken(versions=(TLS12,), suites=(0xC027, 0xC013)),
    "RSA key exchange": Spoken(versions=(TLS12,), suites=(0x009C, 0x002F)),
    "DHE, 2048 bits of its own": Spoken(suites=(0x009E,), primes=(octets(2**2047 + 1),)),
    "DHE, ffdhe3072": Spoken(suites=(0x009F,), primes=(octets(prime(3072)),), groups=(0x0101,)),
    "DHE, 1024 bits": Spoken(suites=(0x0033,), primes=(octets(2**1023 + 1),)),
    "broken ciphers": Spoken(suites=(0xC012, 0xC011, 0x0003, 0xC010, 0xC018)),
    "odd groups": Spoken(groups=(21, 22, 9, 26, 30)),
    "SHA-1": Spoken(schemes=(0x0201, 0x0401), hashes=("sha1", "sha384")),
    "odd keys": Spoken(
        keys=(("RSA", 1024, ""), ("RSA", 4096, ""), ("EC", 224, "secp224r1"), ("Ed25519", 0, ""))
    ),
    "CCM, Camellia and ARIA": Spoken(suites=(0xC0AC, 0xC0AE, 0xC076, 0xC061)),
}

MISSING, OLD, OFF, NEITHER = Level.MISSING, Level.INSUFFICIENT, Level.PHASE_OUT, Level.UNLISTED
CBC_NAMES = ("ECDHE-RSA-AES128-SHA256", "ECDHE-RSA-AES128-SHA")
RSA_NAMES = ("AES128-GCM-SHA256", "AES128-SHA")
BROKEN = (
    "ECDHE-RSA-DES-CBC3-SHA",
    "ECDHE-RSA-RC4-SHA",
    "EXP-RC4-MD5",
    "ECDHE-RSA-NULL-SHA",
    "AECDH-AES128-SHA",
)
RARE = (
    "ECDHE-ECDSA-AES128-CCM",
    "ECDHE-ECDSA-AES128-CCM8",
    "ECDHE-RSA-CAMELLIA128-SHA256",
    "ECDHE-ARIA256-GCM-SHA384",
)
DH2048, DH3072, DH1024 = "DHE-RSA-AES128-GCM-SHA256", "DHE-RSA-AES256-GCM-SHA384", "DHE-RSA-AES128-SHA"
SSL_NAMES = ("SSL 2.0", "SSL 3.0", "SSL_CK_RC4_128_WITH_MD5", "RC4-MD5")
SIGNED = "signature rsa_pkcs1_sha1", "signature rsa_pkcs1_sha256", "certificate signed with SHA1"


def all_are(level: Level, *items: str) -> dict[str, Level]:
    return dict.fromkeys(items, level)


MOZILLA_ODD = all_are(NEITHER, "secp224r1", "secp256k1", "sect283k1", "brainpoolP256r1", "x448")
MOZILLA_DH = {
    "DHE, 2048 bits of its own": all_are(NEITHER, DH2048, "DH 2048"),
    "DHE, ffdhe3072": all_are(NEITHER, DH3072, "DH ffdhe3072", "ffdhe3072"),
    "DHE, 1024 bits": all_are(NEITHER, DH1024, "DH 1024"),
}

EXPECTED: dict[str, dict[str, dict[str, Level]]] = {
    "ietf-2026": {
        "old versions": all_are(OLD, "TLS 1.0", "TLS 1.1"),
        "SSL": all_are(OLD, *SSL_NAMES),
        "RSA key exchange": all_are(OLD, *RSA_NAMES),
        "DHE, 2048 bits of its own": all_are(OLD, DH2048, "DH 2048"),
        "DHE, ffdhe3072": all_are(OLD, DH3072, "DH ffdhe3072"),
        "DHE, 1024 bits": all_are(OLD, DH1024, "DH 1024"),
        "broken ciphers": all_are(OLD, *BROKEN),
        "odd groups": all_are(OLD, "sect283k1"),
        "SHA-1": all_are(OLD, SIGNED[0], SIGNED[2]),
        "odd keys": all_are(OLD, "RSA key of 1024 bits"),
    },
    "ncsc-nl-2025": {
        "today's usual": all_are(OFF, "RSA key of 2048 bits"),
        "old versions": all_are(OLD, "TLS 1.0", "TLS 1.1"),
        "SSL": all_are(OLD, *SSL_NAMES),
        "CBC": all_are(OFF, CBC_NAMES[0]) | all_are(OLD, CBC_NAMES[1]),
        "RSA key exchange": all_are(OLD, *RSA_NAMES),
        "DHE, 2048 bits of its own": all_are(OFF, DH2048) | all_are(OLD, "DH 2048"),
        "DHE, ffdhe3072": all_are(OFF, DH3072, "DH ffdhe3072", "ffdhe3072"),
        "DHE, 1024 bits": all_are(OLD, DH1024, "DH 1024"),
        "broken ciphers": all_are(OLD, *BROKEN),
        "odd groups": all_are(OFF, "secp224r1") | all_are(OLD, "secp256k1", "sect283k1"),
        "SHA-1": all_are(OLD, SIGNED[0], SIGNED[2]),
        "odd keys": all_are(OLD, "RSA key of 1024 bits") | all_are(OFF, "EC key on secp224r1"),
        "CCM, Camellia and ARIA": all_are(OLD, RARE[1]) | all_are(OFF, RARE[2], RARE[3]),
    },
    "bsi-2026": {
        "modern and post-quantum": all_are(NEITHER, "TLS_CHACHA20_POLY1305_SHA256"),
        "today's usual": all_are(NEITHER, "ECDHE-RSA-CHACHA20-POLY1305", "x25519")
        | all_are(OLD, "RSA key of 2048 bits"),
        "old versions": all_are(OLD, "TLS 1.0", "TLS 1.1"),
        "SSL": all_are(OLD, *SSL_NAMES),
        "CBC": all_are(NEITHER, CBC_NAMES[1]),
        "RSA key exchange": all_are(NEITHER, *RSA_NAMES),
        "DHE, 2048 bits of its own": all_are(OFF, DH2048) | all_are(OLD, "DH 2048"),
        "DHE, ffdhe3072": all_are(OFF, DH3072, "DH ffdhe3072", "ffdhe3072"),
        "DHE, 1024 bits": all_are(NEITHER, DH1024) | all_are(OLD, "DH 1024"),
        "broken ciphers": all_are(OLD, *BROKEN[:4]) | all_are(NEITHER, BROKEN[4]),
        "odd groups": all_are(NEITHER, "secp224r1", "secp256k1", "sect283k1", "x448"),
        "SHA-1": all_are(OLD, SIGNED[0], SIGNED[2]) | all_are(OFF, SIGNED[1]),
        "odd keys": all_are(OLD, "RSA key of 1024 bits", "EC key on secp224r1")
        | all_are(NEITHER, "Ed25519 key"),
        "CCM, Camellia and ARIA": all_are(NEITHER, RARE[1], RARE[2], RARE[3]),
    },
    "nist-800-52r2": {
        "modern and post-quantum": all_are(OLD, "TLS_CHACHA20_POLY1305_SHA256")
        | all_are(NEITHER, "X25519MLKEM768"),
        "today's usual": all_are(OLD, "ECDHE-RSA-CHACHA20-POLY1305") | all_are(NEITHER, "x25519"),
        "without TLS 1.3": all_are(MISSING, "TLS 1.3"),
        "old versions": all_are(OFF, "TLS 1.0", "TLS 1.1"),
        "SSL": all_are(OLD, *SSL_NAMES),
        "RSA key exchange": all_are(OLD, *RSA_NAMES),
        "DHE, 1024 bits": all_are(OLD, "DH 1024"),
        "broken ciphers": all_are(OLD, *BROKEN),
        "odd groups": all_are(NEITHER, "secp224r1", "secp256k1", "sect283k1", "brainpoolP256r1", "x448"),
        "SHA-1": all_are(OLD, SIGNED[0], SIGNED[2]),
        "odd keys": all_are(OLD, "RSA key of 1024 bits", "Ed25519 key"),
        "CCM, Camellia and ARIA": all_are(OLD, RARE[2], RARE[3]),
    },
    "mozilla-modern": {
        "today's usual": all_are(
            NEITHER,
            "TLS 1.2",
            "ECDHE-RSA-AES128-GCM-SHA256",
            "ECDHE-RSA-CHACHA20-POLY1305",
            "RSA key of 2048 bits",
        ),
        "without TLS 1.3": all_are(NEITHER, "TLS 1.2", "ECDHE-ECDSA-AES128-GCM-SHA256"),
        "old versions": all_are(NEITHER, "TLS 1.0", "TLS 1.1", "TLS 1.2"),
        "SSL": all_are(NEITHER, *SSL_NAMES),
        "CBC": all_are(NEITHER, "TLS 1.2", *CBC_NAMES),
        "RSA key exchange": all_are(NEITHER, "TLS 1.2", *RSA_NAMES),
        **MOZILLA_DH,
        "broken ciphers": all_are(NEITHER, *BROKEN),
        "odd groups": MOZILLA_ODD,
        "SHA-1": all_are(NEITHER, SIGNED[0], SIGNED[2]),
        "odd keys": all_are(
            NEITHER, "RSA key of 1024 bits", "RSA key of 4096 bits", "EC key on secp224r1", "Ed25519 key"
        ),
        "CCM, Camellia and ARIA": all_are(NEITHER, *RARE),
    },
    "mozilla-intermediate": {
        "old versions": all_are(NEITHER, "TLS 1.0", "TLS 1.1"),
        "SSL": all_are(NEITHER, *SSL_NAMES),
        "CBC": all_are(NEITHER, *CBC_NAMES),
        "RSA key exchange": all_are(NEITHER, *RSA_NAMES),
        **MOZILLA_DH,
        "broken ciphers": all_are(NEITHER, *BROKEN),
        "odd groups": MOZILLA_ODD,
        "SHA-1": all_are(NEITHER, SIGNED[0], SIGNED[2]),
        "odd keys": all_are(NEITHER, "RSA key of 1024 bits", "EC key on secp224r1", "Ed25519 key"),
        "CCM, Camellia and ARIA": all_are(NEITHER, *RARE),
    },
    "mozilla-old": {
        "modern and post-quantum": all_are(NEITHER, "EC key on secp256r1"),
        "SSL": all_are(NEITHER, *SSL_NAMES),
        **MOZILLA_DH,
        "broken ciphers": all_are(NEITHER, *BROKEN),
        "odd groups": MOZILLA_ODD,
        "SHA-1": all_are(NEITHER, SIGNED[2]),
        "odd keys": all_are(NEITHER, "RSA key of 1024 bits", "EC key on secp224r1", "Ed25519 key"),
        "CCM, Camellia and ARIA": all_are(NEITHER, *RARE),
    },
}
"""By profile and configuration: what departs, and how. What is not here conforms."""


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_what_departs_from_a_profile(name: str, configuration: str) -> None:
    found = profile(name).deviations(CONFIGURATIONS[configuration], DAY)
    assert {each.item: each.level for each in found} == EXPECTED[name].get(configuration, {})
    assert all(each.section for each in found)


@pytest.mark.parametrize(
    ("spoken", "expected"),
    [
        (Spoken(suites=(0xC02D,)), all_are(OFF, "ECDH-ECDSA-AES128-GCM-SHA256")),
        (Spoken(groups=(4587, 4588, 4589)), {}),
        (
            Spoken(groups=(25497, 25498, 4590, 512)),
            all_are(OLD, "X25519Kyber768Draft00", "SecP256r1Kyber768Draft00")
            | all_are(NEITHER, "curveSM2MLKEM768", "MLKEM512"),
        ),
    ],
)
def test_what_the_standards_of_2026_say_of_key_exchange(spoken: Spoken, expected: dict[str, Level]) -> None:
    """RFC 10015 section 2, RFC 10024 section 7."""
    found = profile("ietf-2026").deviations(spoken, DAY)
    assert {each.item: each.level for each in found} == expected


def test_every_profile_is_tried_with_configurations_that_depart_and_one_that_conforms() -> None:
    assert set(EXPECTED) == set(PROFILES)
    for expected in EXPECTED.values():
        assert set(expected) < set(CONFIGURATIONS)


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_has_a_verdict_on_everything(name: str) -> None:
    everything = Spoken(
        versions=(SSL2, SSL3, TLS10, TLS11, TLS12, TLS13),
        suites=(*suites.every(), 0xABCD),
        groups=(*groups.every(), 0x1A1A),
        schemes=(*schemes.every(), 0x9999),
        primes=(b"", octets(prime(2048))),
        keys=(("", 0, ""), ("DSA", 1024, "")),
        hashes=("md5", "ed25519"),
    )
    found = profile(name)
    assert found.deviations(everything, DAY)
    assert found.title
    assert found.source
    assert found.url.startswith("https://")
    assert date.fromisoformat(f"{found.edition}-01") < DAY


def test_what_is_allowed_for_a_time_is_insufficient_afterwards() -> None:
    spoken = Spoken(versions=(TLS12, TLS13), groups=(23,))
    found = profile("bsi-2026")
    assert found.deviations(spoken, date(2031, 12, 31)) == ()
    assert [str(each) for each in found.deviations(spoken, date(2032, 1, 1))] == [
        "TLS 1.2 is insufficient (3.2)",
        "secp256r1 is insufficient (3.3.2, 3.4.2)",
    ]


def test_what_is_demanded_from_a_day_on_is_not_missing_before() -> None:
    spoken = Spoken(versions=(TLS12,), refused=(TLS13,))
    found = profile("nist-800-52r2")
    assert found.deviations(spoken, date(2023, 12, 31)) == ()
    assert found.deviations(spoken, date(2024, 1, 1)) == (Deviation("TLS 1.3", Level.MISSING, "3.1"),)


def test_what_is_demanded_unless_something_better_is_there_is_not_missing_then() -> None:
    """SP 800-52r2 section 3.1: TLS 1.2 may be disabled on servers that support TLS 1.3."""
    found = profile("nist-800-52r2")
    assert found.deviations(Spoken(versions=(TLS13,), refused=(TLS12,)), DAY) == ()
    assert Deviation("TLS 1.2", Level.MISSING, "3.1") in found.deviations(
        Spoken(versions=(TLS11,), refused=(TLS12, TLS13)), DAY
    )


def test_each_thing_is_listed_once() -> None:
    spoken = Spoken(groups=(9, 9), schemes=(0x0201, 0x0201))
    assert len(profile("ietf-2026").deviations(spoken, DAY)) == 2


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(KeyError):
        profile("../suites")


@pytest.mark.parametrize("bits", [2048, 3072, 4096, 6144, 8192])
def test_named_primes(bits: int) -> None:
    number = prime(bits)
    assert number.bit_length() == bits
    if bits < 6000:  # by Fermat's test, which takes seconds for the larger ones
        assert pow(3, number - 1, number) == 1
    assert named_prime(octets(number)) == f"ffdhe{bits}"
    assert named_prime(octets(number - 2)) == ""
