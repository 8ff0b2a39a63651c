"""Certificates that were revoked, as the server's own stapled OCSP response says; no CRL is fetched."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import Rfc, Role, ServedCertificate, Severity, check, revocation, rule

from .certificates import RefusedAtGuessedHost
from .certificates_reasons import Cause, CertificateFinding, cure


@rule("certificates/revoked", Severity.ERROR, Rfc(5280, "6.3"), Rfc(6960), since="1.0")
class Revoked(CertificateFinding):
    """The certificate of a server for mail programs has been revoked.

    ## Why it matters
    Programs that look refuse to connect, and this server itself hands them the proof. A certificate is
    often revoked because its key is in the wrong hands.

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
def the_certificate_is_not_revoked(served: ServedCertificate) -> Iterator[CertificateFinding]:
    """The certificate has not been revoked, as far as the server's own staple tells."""
    path = served.verdict.path
    if len(path) < 2:
        return  # without the issuer's certificate nobody can tell who signed the response
    found = revocation(served.handshake.staple, served.leaf.der, path[1].der)
    if found is None or found.at > served.verdict.moment:
        return
    reason = f" ({found.reason.replace('_', ' ')})" if found.reason not in ("", "unspecified") else ""
    kind = {Role.INBOUND: RevokedOn25, Role.GUESSED: RefusedAtGuessedHost}.get(served.role, Revoked)
    yield kind(
        subject=served.subject,
        what=f"was revoked on {found.at:%Y-%m-%d}{reason}, says the OCSP response that comes with it",
        evidence=served.cites,
        fix=cure(served, Cause.WEAK_KEY),
    )
