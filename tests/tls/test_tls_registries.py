"""What the numbers of cipher suites, groups and signature schemes stand for."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from diag.tls import groups, schemes, suites
from diag.tls.groups import Kind, group
from diag.tls.schemes import scheme
from diag.tls.suites import by_openssl, suite


@pytest.mark.parametrize(
    ("number", "openssl", "kx", "auth", "cipher", "mode", "bits", "digest"),
    [
        (0x0003, "EXP-RC4-MD5", "RSA", "RSA", "RC4", "stream", 40, "MD5"),
        (0x0001, "NULL-MD5", "RSA", "RSA", "NULL", "", 0, "MD5"),
        (0x0009, "DES-CBC-SHA", "RSA", "RSA", "DES", "CBC", 56, "SHA"),
        (0x000A, "DES-CBC3-SHA", "RSA", "RSA", "3DES", "CBC", 112, "SHA"),
        (0x0014, "EXP-EDH-RSA-DES-CBC-SHA", "DHE", "RSA", "DES40", "CBC", 40, "SHA"),
        (0x0018, "ADH-RC4-MD5", "DHE", "anon", "RC4", "stream", 128, "MD5"),
        (0x0026, "EXP-KRB5-DES-CBC-SHA", "KRB5", "KRB5", "DES", "CBC", 40, "SHA"),
        (0x002F, "AES128-SHA", "RSA", "RSA", "AES", "CBC", 128, "SHA"),
        (0x0062, "EXP1024-DES-CBC-SHA", "RSA", "RSA", "DES", "CBC", 56, "SHA"),
        (0x0064, "EXP1024-RC4-SHA", "RSA", "RSA", "RC4", "stream", 56, "SHA"),
        (0x009F, "DHE-RSA-AES256-GCM-SHA384", "DHE", "RSA", "AES", "GCM", 256, "SHA384"),
        (0x00AA, "DHE-PSK-AES128-GCM-SHA256", "DHE_PSK", "PSK", "AES", "GCM", 128, "SHA256"),
        (0x00AD, "RSA-PSK-AES256-GCM-SHA384", "RSA_PSK", "RSA", "AES", "GCM", 256, "SHA384"),
        (0x1301, "TLS_AES_128_GCM_SHA256", "", "", "AES", "GCM", 128, "SHA256"),
        (0x1303, "TLS_CHACHA20_POLY1305_SHA256", "", "", "CHACHA20", "POLY1305", 256, "SHA256"),
        (0x1305, "TLS_AES_128_CCM_8_SHA256", "", "", "AES", "CCM_8", 128, "SHA256"),
        (0x1307, "", "", "", "AEGIS", "AEGIS", 128, "SHA256"),
        (0xC00E, "ECDH-RSA-AES128-SHA", "ECDH", "RSA", "AES", "CBC", 128, "SHA"),
        (0xC019, "AECDH-AES256-SHA", "ECDHE", "anon", "AES", "CBC", 256, "SHA"),
        (0xC01E, "SRP-RSA-AES-128-CBC-SHA", "SRP", "RSA", "AES", "CBC", 128, "SHA"),
        (0xC02F, "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE", "RSA", "AES", "GCM", 128, "SHA256"),
        (0xC073, "ECDHE-ECDSA-CAMELLIA256-SHA384", "ECDHE", "ECDSA", "CAMELLIA", "CBC", 256, "SHA384"),
        (0xC09E, "DHE-RSA-AES128-CCM", "DHE", "RSA", "AES", "CCM", 128, "SHA256"),
        (0xC0AB, "DHE-PSK-AES256-CCM8", "DHE_PSK", "PSK", "AES", "CCM_8", 256, "SHA256"),
        (0xC0B4, "", "", "", "NULL", "", 0, "SHA256"),
        (0xC100, "", "GOST", "GOST", "KUZNYECHIK", "CTR_OMAC", 256, "GOST"),
        (0xC103, "", "", "", "KUZNYECHIK", "MGM_L", 256, "GOST"),
        (0xCCA9, "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE", "ECDSA", "CHACHA20", "POLY1305", 256, "SHA256"),
        (0x020080, "EXP-RC4-MD5", "RSA", "RSA", "RC4", "stream", 40, "MD5"),
        (0x0700C0, "DES-CBC3-MD5", "RSA", "RSA", "3DES", "CBC", 112, "MD5"),
        (0xABCD, "", "?", "?", "?", "?", 0, "?"),
    ],
)
def test_a_suite_is_taken_apart(
    number: int, openssl: str, kx: str, auth: str, cipher: str, mode: str, bits: int, digest: str
) -> None:
    each = suite(number)
    assert (each.openssl, *each.made) == (openssl, kx, auth, cipher, mode, bits, digest)


def test_what_suites_are_good_for() -> None:
    known = suites.every().values()

    def names(numbers: set[int]) -> set[str]:
        return {suite(number).name for number in numbers}

    assert {each.name for each in known if each.tls13} == names(
        {0xC6, 0xC7, *range(0x1301, 0x1308), 0xC0B4, 0xC0B5, *range(0xC103, 0xC107)}
    )
    assert {each.made.auth for each in known if each.anonymous} == {"anon"}
    assert sum(each.anonymous for each in known) == 27
    assert all(each.made.bits <= 56 for each in known if each.export)
    assert all(each.made.bits == 56 for each in known if each.single_des and not each.export)
    assert not any(
        each.forward_secret for each in known if each.made.kx in ("RSA", "DH", "ECDH", "PSK") or each.ssl2
    )
    assert suite(0xC02F).forward_secret
    assert suite(0x1301).forward_secret
    assert not suite(0x1301).finite_field
    assert suite(0x9E).finite_field
    assert suite(0x9E).aead
    assert not suite(0x33).aead
    assert all(each.made.mode or each.null for each in known)


def test_every_suite_has_a_name_of_its_own() -> None:
    known = suites.every()
    registered = [each for number, each in known.items() if number not in (0xCC13, 0xCC14, 0xCC15)]
    assert len({each.name for each in registered}) == len(registered) > 350
    assert by_openssl("ECDHE-RSA-AES128-GCM-SHA256") == suite(0xC02F)
    assert by_openssl("RC4-MD5") == suite(0x0004)
    assert by_openssl("no such thing") is None


@pytest.mark.skipif(shutil.which("openssl") is None, reason="compares with the openssl program")
def test_names_and_strength_are_those_of_openssl() -> None:
    said = subprocess.run(
        ("openssl", "ciphers", "-V", "-stdname", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"),
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    rows = [line.split() for line in said.splitlines()]
    assert len(rows) > 50
    for row in rows:
        each = suite(int(row[0].replace("0x", "").replace(",", ""), 16))
        assert (each.name, each.openssl) == (row[2], row[4])
        strength = row[8].rpartition("(")[2].rstrip(")") if "(" in row[8] else "0"
        assert each.made.bits == (112 if each.made.cipher == "3DES" else int(strength))
        assert each.aead == (row[9] == "Mac=AEAD")


def test_groups() -> None:
    assert group(23).name == "secp256r1"
    assert group(23).openssl == "prime256v1"
    assert group(groups.X25519MLKEM768).post_quantum
    assert not group(groups.X25519MLKEM768).curve
    assert {each.number for each in groups.every().values() if each.kind is Kind.BINARY} == set(range(1, 15))
    assert {each.number for each in groups.every().values() if each.kind is Kind.FINITE} == set(
        range(256, 261)
    )
    assert group(29).curve
    assert not group(256).curve
    assert group(256).bits == 2048
    unknown = group(0x1A1A)
    assert (unknown.name, unknown.kind, unknown.post_quantum) == ("0x1A1A", Kind.UNKNOWN, False)


def test_schemes() -> None:
    assert {each.number for each in schemes.every().values() if each.weak_hash} == {
        0x0101, 0x0102, 0x0103, 0x0201, 0x0202, 0x0203,
    }  # fmt: skip
    assert scheme(0x0804).pss
    assert scheme(0x0809).pss
    assert not scheme(0x0401).pss
    assert (scheme(0x0403).key, scheme(0x0403).hash, scheme(0x0807).hash) == ("ECDSA", "SHA256", "")
    assert scheme(0x9999).name == "0x9999"
    assert not scheme(0x9999).weak_hash
