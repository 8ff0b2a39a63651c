"""What a server's answers say of it beside versions and suites: compression, renegotiation, extensions."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    SSL3,
    TLS12,
    VERSION_NAMES,
    Document,
    Finding,
    Rfc,
    Severity,
    WeakTls,
    check,
    rule,
)

from .tls_settings import EXIM_OPENSSL, tls_settings

HEARTBLEED = Document("CVE-2014-0160 (Heartbleed)", "https://nvd.nist.gov/vuln/detail/CVE-2014-0160")


@rule("tls/compression", Severity.WARNING, Rfc(9325, "3.3"), since="1.0")
class Compression(Finding):
    """A server compresses what it encrypts.

    ## Why it matters
    How well something can be compressed gives away what is in it: with patience, passwords can be worked out
    (CRIME).

    ## How to fix
    Switch the compression of TLS off; that of IMAP (COMPRESS) is another thing.
    """

    message = "{subject} agrees to compression under {version}."
    version: str


@check
def nothing_is_compressed(asked: WeakTls) -> Iterator[Finding]:
    """Compression is refused."""
    for tried, answer in asked.survey.taken:
        if answer.compression:
            fix = tls_settings(
                asked.survey.endpoint,
                Postfix="tls_ssl_options = NO_COMPRESSION",
                Dovecot="ssl_options =",
                **{EXIM_OPENSSL: "openssl_options = +no_compression"},
            )
            version = VERSION_NAMES[answer.version]
            yield Compression(subject=asked.subject, version=version, evidence=(tried.cite,), fix=fix)
            return


@rule("tls/insecure-renegotiation", Severity.WARNING, Rfc(5746, "3.6"), Rfc(9325, "3.5"), since="1.0")
class InsecureRenegotiation(Finding):
    """A server does not know how to negotiate anew without being deceived.

    ## Why it matters
    Somebody on the way can put words of his own before a client's, and the server takes them for the client's.
    This has been mended since 2010, and clients of today refuse servers that do not know it.

    ## How to fix
    Update the TLS library, or the device that takes TLS for the server.
    """

    message = "{subject} does not acknowledge secure renegotiation under {version}."
    version: str


@check
def renegotiation_is_secure(asked: WeakTls) -> Iterator[Finding]:
    """Secure renegotiation is acknowledged."""
    for tried, answer in asked.survey.taken:
        # A server of TLS 1.3 does not renegotiate; one of SSL 3.0 may not know extensions.
        asked_for = tried.offer.renegotiation_info and SSL3 < answer.version <= TLS12
        if asked_for and not answer.secure_renegotiation:
            version = VERSION_NAMES[answer.version]
            yield InsecureRenegotiation(subject=asked.subject, version=version, evidence=(tried.cite,))
            return


@rule("tls/no-extended-master-secret", Severity.NOTICE, Rfc(7627), since="1.0")
class NoExtendedMasterSecret(Finding):
    """Under TLS 1.2, a server does not tie keys to the handshake that they came from.

    ## Why it matters
    A client that connects to a deceiver can be made to share keys between two connections; what rests on that
    (channel binding, resumption) can then be deceived too. Systems with FIPS rules refuse such servers.

    ## How to fix
    Update the TLS library (OpenSSL 1.1.0 of 2016 brought it).
    """

    message = "{subject} does not know the extended master secret."


@check
def master_secrets_are_extended(asked: WeakTls) -> Iterator[Finding]:
    """Under TLS 1.2 the extended master secret is agreed to."""
    for tried in asked.answers(
        lambda offer, answer: (
            offer.extended_master_secret and answer.version == TLS12 and not answer.extended_master_secret
        )
    )[:1]:
        yield NoExtendedMasterSecret(subject=asked.subject, evidence=(tried.cite,))


@rule("tls/heartbeat-offered", Severity.INFO, Rfc(6520), HEARTBLEED, since="1.0")
class HeartbeatOffered(Finding):
    """A server offers to answer heartbeats.

    ## Why it matters
    Mail has no use for them, and OpenSSL before 1.0.1g gave away its memory, keys and passwords with them
    (Heartbleed). Whether this one does was not tried: that would be a break-in. OpenSSL left them out in 2018.

    ## How to fix
    Update OpenSSL. Where it was older than 1.0.1g, make new keys and passwords, too.
    """

    message = "{subject} offers to answer heartbeats."


@check
def heartbeats_are_not_offered(asked: WeakTls) -> Iterator[Finding]:
    """Heartbeats are not offered."""
    for tried in asked.answers(lambda offer, answer: offer.heartbeat and answer.heartbeat)[:1]:
        yield HeartbeatOffered(subject=asked.subject, evidence=(tried.cite,))


@rule("tls/client-certificate-requested", Severity.INFO, Rfc(5246, "7.4.4"), Rfc(8446, "4.3.2"), since="1.0")
class ClientCertificateRequested(Finding):
    """A server asks every client for a certificate.

    ## Why it matters
    Clients without one go on, as most servers do not insist. Some programs ask their user to choose one, though,
    and a long list of authorities makes every handshake longer.

    ## How to fix
    Ask for certificates only where they are used: for relaying by certificate, on a port of its own.
    """

    message = (
        "{subject} asks clients for a certificate, and names {authorities} authorities in {octets} octets."
    )
    authorities: int
    octets: int


@check
def no_certificate_is_asked_of_clients(asked: WeakTls) -> Iterator[Finding]:
    """Clients are not asked for a certificate."""
    for tried, answer in asked.survey.taken:
        if wanted := answer.asks_certificate:
            yield ClientCertificateRequested(
                subject=asked.subject,
                authorities=wanted.authorities,
                octets=wanted.octets,
                evidence=(tried.cite,),
                fix=tls_settings(
                    asked.survey.endpoint,
                    Postfix="smtpd_tls_ask_ccert = no",
                    Exim="tls_try_verify_hosts =",
                    **{
                        "Dovecot 2.4": "ssl_server_request_client_cert = no",
                        "Dovecot 2.3": "ssl_verify_client_cert = no",
                    },
                ),
            )
            return
