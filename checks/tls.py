"""What a server's TLS comes to where nothing is offered but what everybody offers."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    TLS12,
    TLS13,
    VERSION_NAMES,
    Certainty,
    Configure,
    Finding,
    InboundCertificate,
    Rfc,
    Role,
    ServedCertificate,
    Severity,
    SpokenTls,
    check,
    rule,
)

from .tls_settings import MODERN, tls_settings


@rule("tls/nothing-modern", Severity.ERROR, Rfc(9325, "3.1.1"), Rfc(8996), since="1.0")
class NothingModern(Finding):
    """A server speaks neither TLS 1.2 nor TLS 1.3.

    ## Why it matters
    Today's mail programs and many mail servers have switched the older versions off: they cannot
    connect, or fall back to clear text.

    ## How to fix
    Update the TLS library (OpenSSL 1.0.1 of 2012 brought TLS 1.2), and allow TLS 1.2 and 1.3.
    """

    message = "{subject} chooses {version} although TLS 1.2 and 1.3 were offered."
    version: str


@check
def server_speaks_a_modern_tls_version(spoken: SpokenTls) -> Iterator[Finding]:
    """The server speaks TLS 1.2 or 1.3."""
    survey = spoken.survey
    older = tuple(number for number in survey.versions if number < TLS12)
    modern = tuple(map(survey.version, (TLS12, TLS13)))
    # Where our library breaks off by itself, hellos of our own have shown what the server does.
    if older and all(verdict.no for verdict in modern):
        yield NothingModern(
            subject=str(survey.endpoint),
            version=VERSION_NAMES[older[-1]],
            evidence=tuple(dict.fromkeys(cite for verdict in modern for cite in verdict.cites)),
            fix=tls_settings(survey.endpoint, **MODERN),
        )


@rule("tls/must-staple-unstapled", Severity.ERROR, Rfc(7633), Rfc(6066, "8"), since="1.0")
class MustStapleUnstapled(Finding):
    """A certificate demands a stapled OCSP response, and the server for mail programs sends none.

    ## Why it matters
    The certificate says that it must not be taken without. Programs that heed that refuse to connect.

    ## How to fix
    Have the certificate issued again without this demand: hardly any mail server can staple, and many
    CAs no longer offer OCSP.
    """

    message = "The certificate at {subject} demands a stapled OCSP response, and none was sent."


@rule("tls/must-staple-unstapled-on-25", Severity.NOTICE, Rfc(7633), Rfc(7435), since="1.0")
class MustStapleUnstapledOn25(Finding):
    """A certificate demands a stapled OCSP response, and the MX host sends none.

    ## Why it matters
    No sender is known to refuse for that; it is a demand that the server itself does not meet.

    ## How to fix
    Have the certificate issued again without this demand: hardly any mail server can staple, and many
    CAs no longer offer OCSP.
    """

    message = "The certificate at {subject} demands a stapled OCSP response, and none was sent."


@check
def certificate_that_demands_a_staple_has_one(served: ServedCertificate) -> Iterator[Finding]:
    """A certificate that demands a stapled OCSP response comes with one."""
    if not served.leaf.must_staple or served.handshake.staple or served.role is Role.GUESSED:
        return
    inbound = isinstance(served, InboundCertificate)
    kind = MustStapleUnstapledOn25 if inbound else MustStapleUnstapled
    host = served.endpoint.host
    reissue = f"certbot certonly --standalone --cert-name {host} --force-renewal -d {host}    # without --must-staple"
    yield kind(
        subject=served.subject,
        evidence=served.cites,
        # A server that staples may have had no response yet when it was asked (it fetches one then).
        certainty=Certainty.LIKELY,
        fix=(Configure(host, reissue, "certbot"),),
    )
