"""Certificates that were revoked, as the server's own stapled OCSP response says, or its issuer's list."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import Cause, CertificateRevocation, Rfc, Role, Severity, check, rule

from .certificates import RefusedAtGuessedHost
from .certificates_reasons import CertificateFinding, cure


@rule("certificates/revoked", Severity.ERROR, Rfc(5280, "6.3"), Rfc(6960), since="1.0")
class Revoked(CertificateFinding):
    """The certificate of a server for mail programs has been revoked.

    ## Why it matters
    Programs that look refuse to connect. A certificate is often revoked because its key is in the wrong
    hands.

    ## How to fix
    Make a new key, have a new certificate issued, and reload the server. Then find out why the old one was
    revoked.
    """


@rule("certificates/revoked-on-25", Severity.WARNING, Rfc(5280, "6.3"), Rfc(6960), since="1.0")
class RevokedOn25(CertificateFinding):
    """The certificate of an MX host has been revoked.

    ## Why it matters
    Few senders look. But a certificate is often revoked because its key is in the wrong hands: whoever has
    it can read along.

    ## How to fix
    Make a new key, have a new certificate issued, and reload the server. Then find out why the old one was
    revoked.
    """


@check
def the_certificate_is_not_revoked(seen: CertificateRevocation) -> Iterator[CertificateFinding]:
    """The certificate has not been revoked, as far as its issuer tells."""
    served, revoked = seen.served, seen.revoked
    if revoked is None:
        return
    verb = "was put on hold on" if revoked.reason == "certificate_hold" else "was revoked on"
    told = revoked.reason.replace("_", " ")
    reason = f" ({told})" if told not in ("", "unspecified", "certificate hold") else ""
    kind = {Role.INBOUND: RevokedOn25, Role.GUESSED: RefusedAtGuessedHost}.get(served.role, Revoked)
    yield kind(
        subject=served.subject,
        what=f"{verb} {revoked.at:%Y-%m-%d}{reason}, says {seen.source}",
        evidence=seen.cites,
        fix=cure(served, Cause.WEAK_KEY),
    )
