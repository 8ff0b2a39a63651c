"""What a stapled OCSP response proves, and what it does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings, strategies as st

from diag.sandbox.authority import Authority, key_of
from diag.tls.staple import SIZE_LIMIT, Revocation, revocation, staple_fault

MOMENT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
CA = Authority(MOMENT)
LEAF = CA.valid("mail.example").chain[0]
OTHER = CA.valid("other.example").chain[0]
ISSUER = CA.intermediate
REVOKED = CA.staple(LEAF, "revoked")
IMPOSTOR = key_of("somebody else")
NAMESAKE = CA.issue("Sandbox Intermediate", IMPOSTOR, ca=True)
FOUND = Revocation(MOMENT - 7 * DAY, "key_compromise")


def responder(usage: x509.ObjectIdentifier, *, by: Any = CA.intermediate_key) -> bytes:
    """A certificate of the intermediate's for somebody who answers in its place."""
    return CA.issue(
        "Responder", key_of("Responder"), issuer="Sandbox Intermediate", by=by, names=("r",), usage=usage
    )


def answered(key: Any, issuer: bytes = ISSUER, *, certificate: bytes | None = None, **given: Any) -> bytes:
    values: dict[str, Any] = {
        "cert": x509.load_der_x509_certificate(LEAF),
        "issuer": x509.load_der_x509_certificate(issuer),
        "algorithm": hashes.SHA256(),
        "cert_status": ocsp.OCSPCertStatus.REVOKED,
        "this_update": MOMENT - 400 * DAY,
        "next_update": MOMENT - 390 * DAY,
        "revocation_time": MOMENT - 7 * DAY,
        "revocation_reason": x509.ReasonFlags.key_compromise,
    }
    signer = x509.load_der_x509_certificate(certificate or issuer)
    builder = (
        ocsp.OCSPResponseBuilder()
        .add_response(**{**values, **given})
        .responder_id(ocsp.OCSPResponderEncoding.HASH, signer)
    )
    if certificate is not None:
        builder = builder.certificates([signer])
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


SIGNING = ExtendedKeyUsageOID.OCSP_SIGNING
STAPLES: dict[str, tuple[bytes, Revocation | None]] = {
    "revoked": (REVOKED, FOUND),
    "revoked, by a response that is out of date": (answered(CA.intermediate_key), FOUND),
    "without a reason": (
        answered(CA.intermediate_key, revocation_reason=None),
        Revocation(MOMENT - 7 * DAY, ""),
    ),
    "good": (CA.staple(LEAF), None),
    "unknown": (
        answered(
            CA.intermediate_key,
            cert_status=ocsp.OCSPCertStatus.UNKNOWN,
            revocation_time=None,
            revocation_reason=None,
        ),
        None,
    ),
    "about another certificate": (CA.staple(OTHER, "revoked"), None),
    "about the same number of another issuer": (answered(CA.root_key, CA.root), None),
    "signed by somebody else of that name": (answered(IMPOSTOR, NAMESAKE), None),
    "signed by a responder": (
        answered(key_of("Responder"), certificate=responder(SIGNING)),
        FOUND,
    ),
    "signed by a certificate that may not": (
        answered(key_of("Responder"), certificate=responder(ExtendedKeyUsageOID.SERVER_AUTH)),
        None,
    ),
    "signed by a responder of another authority": (
        answered(key_of("Responder"), certificate=responder(SIGNING, by=CA.root_key)),
        None,
    ),
    "not now": (
        ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER).public_bytes(
            Encoding.DER
        ),
        None,
    ),
    "none": (b"", None),
    "cut": (REVOKED[:-9], None),
    "too large": (REVOKED + bytes(SIZE_LIMIT), None),
}


@pytest.mark.parametrize(("staple", "found"), STAPLES.values(), ids=STAPLES)
def test_only_a_signed_word_on_this_certificate_counts(staple: bytes, found: Revocation | None) -> None:
    assert revocation(staple, LEAF, ISSUER) == found


def test_an_issuer_that_cannot_be_read_proves_nothing() -> None:
    assert revocation(REVOKED, LEAF, b"no certificate") is None


@settings(max_examples=100)
@given(st.integers(0, len(REVOKED) - 1), st.integers(1, 255))
def test_a_response_with_one_octet_changed_never_raises(at: int, change: int) -> None:
    broken = bytearray(REVOKED)
    broken[at] ^= change
    assert revocation(bytes(broken), LEAF, ISSUER) in (None, FOUND)


@pytest.mark.parametrize(
    ("staple", "what", "by_time"),
    [
        (CA.staple(LEAF), "", False),
        (REVOKED, "", False),
        (answered(CA.intermediate_key), "", False),  # revoked long ago: that does not run out
        (CA.staple(LEAF, "stale"), "held until 2026-11-20 09:00 UTC", True),
        (CA.staple(LEAF, "early"), "does not hold before 2026-11-22 09:00 UTC", True),
        (CA.staple(LEAF, "other"), "is about another certificate", False),
        (CA.staple(LEAF, "forged"), "is not signed by the issuer of the certificate", False),
        (
            answered(
                CA.intermediate_key,
                cert_status=ocsp.OCSPCertStatus.UNKNOWN,
                revocation_time=None,
                revocation_reason=None,
            ),
            "says that the issuer does not know the certificate",
            False,
        ),
        (
            ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER).public_bytes(
                Encoding.DER
            ),
            "holds no answer (try later)",
            False,
        ),
        (b"\x30\x00", "cannot be read", False),
        (b"\0" * (SIZE_LIMIT + 1), "is larger than 65536 octets", False),
    ],
)
def test_what_is_wrong_with_a_staple(staple: bytes, what: str, by_time: bool) -> None:
    found = staple_fault(staple, LEAF, ISSUER, MOMENT)
    assert (found.what, found.by_time) == (what, by_time) if found is not None else what == ""
