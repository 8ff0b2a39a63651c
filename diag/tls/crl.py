"""What a list of revoked certificates says of one certificate (RFC 5280 sections 5 and 6.3). Never raises."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from datetime import datetime
from functools import cache

from diag.model.frozen import frozen

from .certificate import parsed, read
from .library import x509
from .staple import Revocation

MOST_POINTS = 8
"""Distribution points of a certificate that are looked at; one is usual."""
MOST_URLS = 4
"""Places of one list that are looked at."""
_PROCESSED = frozenset({"2.5.29.28", "2.5.29.20"})
"""Extensions of lists that are processed here where they are critical: issuingDistributionPoint, cRLNumber."""
_PROCESSED_OF_ENTRIES = frozenset({"2.5.29.21", "2.5.29.24", "2.5.29.29"})
"""reasonCode, invalidityDate, certificateIssuer."""


@cache
def every_reason() -> frozenset[x509.ReasonFlags]:
    """What a list may be limited to (RFC 5280 section 5.2.5); a certificate is good if no reason is left out."""
    return frozenset(
        {
            x509.ReasonFlags.key_compromise,
            x509.ReasonFlags.ca_compromise,
            x509.ReasonFlags.affiliation_changed,
            x509.ReasonFlags.superseded,
            x509.ReasonFlags.cessation_of_operation,
            x509.ReasonFlags.certificate_hold,
            x509.ReasonFlags.privilege_withdrawn,
            x509.ReasonFlags.aa_compromise,
        }
    )


@frozen
class Point:
    """One place, or several equal ones, where a certificate says that a list is (RFC 5280 section 4.2.1.13)."""

    urls: tuple[str, ...]
    """Those that begin with http://; a list is signed, and so needs no TLS."""
    names: tuple[x509.GeneralName, ...] = ()
    """All names of the place, of which a list limited to one place must bear one."""
    reasons: frozenset[x509.ReasonFlags] = field(default_factory=every_reason)
    indirect: bool = False
    """Somebody else than the certificate's issuer keeps the list."""


@frozen
class CrlReading:
    """What one list says of one certificate."""

    revocation: Revocation | None = None
    reasons: frozenset[x509.ReasonFlags] = frozenset()
    """For which reasons it would have been listed; none where nothing can be concluded."""
    trouble: str = ""
    """Why nothing can be concluded; empty where it can."""


def distribution_points(certificate: bytes) -> tuple[Point, ...]:
    """Where the lists are on which a certificate would stand; empty where it names none."""
    return tuple(point for point, _ in zip(_points(certificate), range(MOST_POINTS), strict=False))


def _points(certificate: bytes) -> Iterator[Point]:
    found = parsed(certificate)
    try:
        extension = found.extensions.get_extension_for_class(x509.CRLDistributionPoints) if found else None
    except Exception:  # none is there, or the extensions cannot be read: see diag.tls.certificate
        return
    for point in extension.value if extension else ():
        names = tuple(point.full_name or ())
        urls = (name.value for name in names if isinstance(name, x509.UniformResourceIdentifier))
        usable = dict.fromkeys(url for url in urls if url[:7].lower() == "http://")
        yield Point(
            tuple(usable)[:MOST_URLS],
            names,
            point.reasons or every_reason(),
            indirect=point.crl_issuer is not None,
        )


def read_crl(octets: bytes, point: Point, leaf: bytes, issuer: bytes, moment: datetime) -> CrlReading:
    """What a list fetched from `point` says of `leaf`, if it is the one meant and `issuer` signed it.

    A certificate that is revoked later than `moment` is not yet.
    """
    try:
        crl = _loaded(octets)
    except Exception:
        # Whatever the library minds: nothing was understood. See diag.tls.certificate.
        return CrlReading(trouble="what is served there is no list that can be read")
    try:
        scope, trouble = _scope(crl, point, leaf)
        trouble = trouble or _dated(crl, moment) or _unsigned(crl, leaf, issuer)
        if trouble:
            return CrlReading(trouble=trouble)
        return _looked_up(crl, leaf, scope & point.reasons, moment)
    except Exception as error:  # extensions are read late, and a peer can send whatever raises
        return CrlReading(trouble=f"the list cannot be read in full ({type(error).__name__})")


def _loaded(octets: bytes) -> x509.CertificateRevocationList:
    if octets.lstrip()[:10] == b"-----BEGIN":  # against RFC 5280 section 4.2.1.13, and met all the same
        return x509.load_pem_x509_crl(octets)
    return x509.load_der_x509_crl(octets)


def _scope(
    crl: x509.CertificateRevocationList, point: Point, leaf: bytes
) -> tuple[frozenset[x509.ReasonFlags], str]:
    """For which reasons the list would name this certificate, and why it would not (section 6.3.3 (b))."""
    if point.indirect:
        return frozenset(), "the list is kept by somebody else than the issuer"
    reasons = every_reason()
    for extension in crl.extensions:
        value = extension.value
        if isinstance(value, x509.DeltaCRLIndicator):
            return frozenset(), "the list holds only what changed since another one"
        if extension.critical and extension.oid.dotted_string not in _PROCESSED:
            return frozenset(), f"the list demands something unknown ({extension.oid.dotted_string})"
        if isinstance(value, x509.IssuingDistributionPoint):
            if trouble := _elsewhere(value, point, leaf):
                return frozenset(), trouble
            reasons = value.only_some_reasons or every_reason()
    return reasons, ""


def _elsewhere(limits: x509.IssuingDistributionPoint, point: Point, leaf: bytes) -> str:
    """Why a list with these limits is about other certificates; empty where it is about this one."""
    is_ca = bool(read(leaf).ca)
    if limits.indirect_crl:
        return "the list is one for several issuers"
    if limits.relative_name is not None:
        return "the list names its place in a way that is not followed"
    if limits.full_name is not None and not set(limits.full_name) & set(point.names):
        return "the list is one for another place"
    if limits.only_contains_attribute_certs or (limits.only_contains_ca_certs and not is_ca):
        return "the list is not about certificates of servers"
    if limits.only_contains_user_certs and is_ca:
        return "the list is not about certificates of CAs"
    return ""


def _dated(crl: x509.CertificateRevocationList, moment: datetime) -> str:
    until = crl.next_update_utc
    if crl.last_update_utc > moment:
        return f"the list is from the future ({crl.last_update_utc:%Y-%m-%d})"
    if until is None:
        return "the list does not say how long it holds"
    return f"the list held until {until:%Y-%m-%d} only" if until < moment else ""


def _unsigned(crl: x509.CertificateRevocationList, leaf: bytes, issuer: bytes) -> str:
    """Why the list is not the issuer's; empty where it is (section 6.3.3 (f) and (g))."""
    child, parent = parsed(leaf), parsed(issuer)
    if child is None or parent is None or crl.issuer != child.issuer or crl.issuer != parent.subject:
        return "the list is another issuer's"
    usage = read(issuer).key_usage
    if usage is not None and "cRLSign" not in usage:
        return "the issuer may not sign lists"
    key = parent.public_key()
    # A key of a kind that signs nothing raises; the caller takes that for what it is.
    return "" if crl.is_signature_valid(key) else "the list is not signed by the issuer"  # type: ignore[arg-type]


def _looked_up(
    crl: x509.CertificateRevocationList, leaf: bytes, reasons: frozenset[x509.ReasonFlags], moment: datetime
) -> CrlReading:
    entry = crl.get_revoked_certificate_by_serial_number(read(leaf).serial)
    if entry is None or entry.revocation_date_utc > moment:
        return CrlReading(reasons=reasons)
    said = x509.ReasonFlags.unspecified
    for extension in entry.extensions:
        if extension.critical and extension.oid.dotted_string not in _PROCESSED_OF_ENTRIES:
            return CrlReading(trouble="the list says something unknown of the certificate")
        if isinstance(extension.value, x509.CRLReason):
            said = extension.value.reason
    if said is x509.ReasonFlags.remove_from_crl:
        return CrlReading(reasons=reasons)
    return CrlReading(Revocation(entry.revocation_date_utc, said.name), reasons)
