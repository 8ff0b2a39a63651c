"""Readers of what comes with TLS: certificates, lists of revoked ones, staples, keys."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from fuzz_target import Target

from diag.records.dkim_keys import NotDer, read_key
from diag.sandbox.authority import Authority, key_of, pem
from diag.sandbox.crl import revocation_list
from diag.sandbox.marks import logotype, mark_certificate
from diag.sandbox.tls_script import TlsScript, answer
from diag.tls import certificate, chain, crl, der, issuers, key_number, mark, names, offers, staple, tlsa
from diag.tls.answer_reader import Ended, read_answer, told
from diag.tls.client_hello import client_hello
from diag.tls.offer import SSL2, TLS10, TLS12, TLS13

MOMENT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@cache
def _authority() -> tuple[Authority, bytes, bytes, bytes]:
    made = Authority(MOMENT)
    leaf = made.listed("mail.orchard.example").chain[0]
    return made, leaf, made.intermediate, revocation_list(made, (leaf,))


def _certificate(octets: bytes) -> object:
    _, leaf, issuer, _ = _authority()
    der.names_of(octets), der.same_algorithm(octets), key_number.key_number(octets)
    certificate.signed(octets, issuer), certificate.public_key_info(octets), crl.distribution_points(octets)
    chain.judge((octets, issuer), ("mail.orchard.example",), (issuer,), MOMENT)
    record = tlsa.Association(2, 0, 1, b"a" * 32)
    tlsa.match_all((record,), (leaf, octets), ("mail.orchard.example",), MOMENT)
    return certificate.read(octets)


def _revoked(octets: bytes) -> object:
    _, leaf, issuer, _ = _authority()
    (point,) = crl.distribution_points(leaf)
    return crl.read_crl(octets, point, leaf, issuer, MOMENT)


def _stapled(octets: bytes) -> object:
    _, leaf, issuer, _ = _authority()
    return staple.revocation(octets, leaf, issuer), staple.vouches(octets, leaf, issuer, MOMENT)


def _mark(octets: bytes) -> object:
    made, *_ = _authority()
    chain = mark.certificates_in(octets)
    return [
        mark.judge_mark(each, ("orchard.example",), (made.root,), MOMENT)
        for each in (chain, (octets, *chain))
        if each
    ]


def _logotype(octets: bytes) -> object:
    """The extension alone, in a certificate that is well otherwise."""
    made, *_ = _authority()
    extension = x509.UnrecognizedExtension(x509.ObjectIdentifier(mark.LOGOTYPE), octets)
    leaf = made.issue("mark", key_of("mark"), names=("orchard.example",), extensions=((extension, False),))
    return mark.judge_mark((leaf,), ("orchard.example",), (made.root,), MOMENT)


def _reference(octets: bytes) -> object:
    text = octets.decode("utf-8", "replace")
    names.address_matches(text, "192.0.2.1"), names.misused_wildcard(text), names.well_formed(text)
    return names.matches(text, "mail.orchard.example"), names.matches("*.orchard.example", text)


def _flight(octets: bytes) -> object:
    seen = [read_answer(octets, ended) for ended in Ended]
    return seen, [told(each) for each in seen]


def _flights() -> tuple[bytes, ...]:
    script = TlsScript(
        versions=(SSL2, TLS10, TLS12, TLS13), suites=(0xC030, 0x9E, 5, 0x010080, 0x1301), authorities=2
    )
    asked = (offers.usual_12(), offers.weak(), offers.old(), offers.usual_13(), offers.ssl2())
    return tuple(
        answer(script, client_hello(offer, "mx.orchard.example"), (b"a leaf",), ()) for offer in asked
    )


DER_WORDS = (
    b"\x30",
    b"\x30\x82\xff\xff",
    b"\x30\x80",
    b"\x02\x01\x05",
    b"\x06\x03\x55\x04\x03",
    b"\xa0\x03\x02\x01\x02",
    b"\x17\x0d",
    b"\0\0",
    b"\x03\x02\0\1",
)
ED25519 = bytes.fromhex("302a300506032b6570032100") + bytes(range(32))


def tls_targets() -> tuple[Target, ...]:
    """Those whose whole inputs must be signed first."""
    made, leaf, issuer, listed = _authority()
    return (
        Target(
            "tls-answer",
            _flight,
            (
                b"\x16\x03\x03\0\x04",
                b"\x16\x03\x01\x40\0",
                b"\x02\0\0\x26\x03\x03" + bytes(32) + b"\0\x13\x01\0",
                b"\x0b\0\0\x07\0\0\x04\0\0\x01a",
                b"\x0c\0\xff\xff\x03\0\x1d",
                b"\x0e\0\0\0",
                b"\x15\x03\x01\0\x02\x01\x70",
                b"\x15\x03\x01\0\x02\x02\x28",
                b"\x80\x2e\x04\0\x01\0\x02",
                b"\0\x2b\0\x02\x03\x04",
                b"\0",
            ),
            _flights(),
        ),
        Target("certificate", _certificate, DER_WORDS, (leaf, issuer)),
        Target("issuers", issuers.certificates_in, DER_WORDS, (issuer, pem(issuer))),
        Target("crl", _revoked, DER_WORDS, (listed,)),
        Target("ocsp", _stapled, DER_WORDS, (made.intermediate,)),
        Target(
            "mark-certificate",
            _mark,
            (
                b"-----BEGIN CERTIFICATE-----",
                b"-----END CERTIFICATE-----",
                b"\n",
                b"MIIB",
                b"AAAA",
                b"=",
                pem(issuer),
                *DER_WORDS[:3],
            ),
            (mark_certificate(made, "valid", ("orchard.example",), b"<svg/>"), leaf, issuer),
        ),
        Target(
            "mark-logo",
            _logotype,
            (
                *DER_WORDS,
                b"\x30\x03\x30\x01\x16",
                b"\x16\x1edata:image/svg+xml;base64,AAAA",
                b"\xa2\x84\0\0\0\x10",
                b"data:image/svg+xml;base64,",
                b"A",
            ),
            (logotype(b"<svg/>"),),
        ),
        Target("key", read_key, DER_WORDS, (ED25519, certificate.public_key_info(leaf)), refuses=(NotDer,)),
        Target(
            "reference-name",
            _reference,
            (b"*", b".", b"a", b"xn--", b"[", b"]", b"::", b"1"),
            (b"*.orchard.example",),
        ),
    )
