"""What authorities serve where a certificate says that of its issuer is."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import serialize_certificates
from hypothesis import given, settings, strategies as st

from diag.sandbox.authority import Authority, pem
from diag.tls.issuers import MOST, SIZE_LIMIT, Form, certificates_in

CA = Authority(datetime(2026, 11, 21, 9, tzinfo=UTC))
BOTH = [x509.load_der_x509_certificate(der) for der in (CA.intermediate, CA.root)]
BUNDLE = serialize_certificates(BOTH, Encoding.DER)
WRAPPED = b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(CA.root) + b"-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    ("octets", "certificates", "form"),
    [
        (CA.intermediate, (CA.intermediate,), Form.DER),
        (pem(CA.intermediate), (CA.intermediate,), Form.PEM),
        (b"Issuer: \xff\r\n" + WRAPPED + pem(CA.intermediate), (CA.root, CA.intermediate), Form.PEM),
        (serialize_certificates(BOTH, Encoding.PEM), (CA.root, CA.intermediate), Form.PKCS7),
        (BUNDLE, (CA.root, CA.intermediate), Form.PKCS7),
        (pem(CA.root) * (MOST + 3), (CA.root,) * MOST, Form.PEM),
        (b"", (), Form.PKCS7),
        (b"<html>not found</html>", (), Form.PKCS7),
        (BUNDLE[:-9], (), Form.PKCS7),
        (CA.intermediate + b"\0", (), Form.PKCS7),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", (), Form.PEM),
        (b"\0" * (SIZE_LIMIT + 1), (), Form.DER),
        (pem(CA.root) + b" " * SIZE_LIMIT, (), Form.DER),
    ],
)
def test_der_pem_and_bundles_are_read(octets: bytes, certificates: tuple[bytes, ...], form: Form) -> None:
    found, came = certificates_in(octets)
    assert sorted(found) == sorted(certificates)
    assert came is form or not found


@settings(max_examples=80)
@given(at=st.integers(0, len(BUNDLE) - 1), octet=st.integers(0, 255), cut=st.integers(0, len(BUNDLE)))
def test_nothing_raises(at: int, octet: int, cut: int) -> None:
    changed = BUNDLE[:at] + bytes([octet]) + BUNDLE[at + 1 :]
    for octets in (changed, changed[:cut], CA.intermediate[:at] + bytes([octet]) + CA.intermediate[at + 1 :]):
        found, _ = certificates_in(octets)
        assert len(found) <= 2
