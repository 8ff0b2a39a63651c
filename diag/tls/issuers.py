"""Certificates out of what an authority serves where a certificate says its issuer is (RFC 5280 section 4.2.2.1)."""

from __future__ import annotations

import enum
import re

from .certificate import parsed
from .library import pkcs7, serialization
from .pem import decoded

SIZE_LIMIT = 64 * 1024
"""Octets that are read: one certificate, or a handful."""
MOST = 16
"""Certificates taken from one document."""
_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)
_BUNDLE = re.compile(rb"-----BEGIN PKCS7-----(.*?)-----END PKCS7-----", re.DOTALL)


class Form(enum.StrEnum):
    """How it is served."""

    DER = "DER"
    PEM = "PEM"
    """Against RFC 5280, and met all the same."""
    PKCS7 = "PKCS7"
    """A "certs-only" message (RFC 2797), which may hold several."""


def certificates_in(octets: bytes) -> tuple[tuple[bytes, ...], Form]:
    """The certificates in DER, and how they came; none where nothing can be read. Never raises."""
    if len(octets) > SIZE_LIMIT:
        return (), Form.DER
    if parsed(octets) is not None:
        return (octets,), Form.DER
    blocks = tuple(der for der, _ in zip(decoded(_BLOCK, octets), range(MOST), strict=False))
    if blocks:
        return tuple(der for der in blocks if parsed(der) is not None), Form.PEM
    bundle = next(decoded(_BUNDLE, octets), octets)
    try:
        found = pkcs7.load_der_pkcs7_certificates(bundle)
        ders = tuple(each.public_bytes(serialization.Encoding.DER) for each in found[:MOST])
    except Exception:  # whatever the library minds: see diag.tls.certificate.parsed
        return (), Form.PKCS7
    return ders, Form.PKCS7
