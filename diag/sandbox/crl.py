"""Lists of revoked certificates for the sandbox and the tests: right ones and wrong ones (RFC 5280 section 5)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from .authority import DAY, Authority, Key, key_of

Extensions = tuple[tuple[x509.ExtensionType, bool], ...]
"""Each with its criticality."""


def revocation_list(
    authority: Authority,
    revoked: Iterable[bytes],
    *,
    began: timedelta = DAY,
    holds: timedelta = 7 * DAY,
    by: Key | None = None,
    issuer: str = "",
    reason: x509.ReasonFlags = x509.ReasonFlags.key_compromise,
    extensions: Extensions = (),
    of_entries: Extensions = (),
) -> bytes:
    """The intermediate's list in DER, of yesterday; these certificates were revoked a week ago."""
    since = authority.moment - began
    name = x509.NameAttribute(NameOID.COMMON_NAME, issuer or f"{authority.name} Intermediate")
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(x509.Name([name]))
        .last_update(since)
        .next_update(since + holds)
        .add_extension(x509.CRLNumber(1), critical=False)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    for der in revoked:
        entry = (
            x509.RevokedCertificateBuilder()
            .serial_number(x509.load_der_x509_certificate(der).serial_number)
            .revocation_date(authority.moment - 7 * DAY)
            .add_extension(x509.CRLReason(reason), critical=False)
        )
        for extension, critical in of_entries:
            entry = entry.add_extension(extension, critical=critical)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(by or authority.intermediate_key, hashes.SHA256()).public_bytes(Encoding.DER)


FAULTS: dict[str, dict[str, Any]] = {
    "": {},
    "stale": {"began": 30 * DAY},
    "forged": {"by": key_of("an impostor")},
}
"""What may be wrong with a list, by the word for it in a world."""


def limited(**given: Any) -> x509.IssuingDistributionPoint:
    """The limits of a list: none but those given (RFC 5280 section 5.2.5)."""
    limits: dict[str, Any] = {
        "full_name": None,
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    return x509.IssuingDistributionPoint(**{**limits, **given})
