"""Submission: where mail programs hand in mail (RFC 6409, RFC 8314)."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    ClientContact,
    Configure,
    Endpoint,
    Finding,
    Many,
    Rfc,
    Service,
    ServiceRecords,
    Severity,
    SubmissionHeld,
    SubmissionSurvey,
    Target,
    Verdict,
    check,
    rule,
)

from .client_access import (
    LeftoverFinding,
    PlaintextFinding,
    TlsFailsFinding,
    TlsFirstFinding,
    UnreachableFinding,
    dead_hosts,
    misspoken,
    redirected,
)
from .smtp_settings import submission_services

LABELS = {465: "_submissions", 587: "_submission"}
"""Service names by port, the better one first (RFC 8314 section 3.3)."""


@rule("submission/unreachable", Severity.ERROR, Rfc(6409, "3.1"), Rfc(6186, "3.1"), since="1.0")
class Unreachable(UnreachableFinding):
    """A host that mail programs are told to hand mail to cannot be reached.

    ## Why it matters
    Mail programs that follow the domain's own directions cannot send. People see "cannot connect to
    server" when they set up an account, and blame their password.

    ## How to fix
    Start the submission service and open its port in the firewall, or publish the host and port that
    do answer.
    """

    message = "{subject} is published for submission and cannot be reached on {ports}."


@check
def published_submission_host_answers(
    contacts: Many[ClientContact], records: Many[ServiceRecords], target: Target
) -> Iterator[Verdict]:
    """A host published for submission answers on a port that is published."""
    for dead in dead_hosts(contacts, Service.SUBMISSION):
        elsewhere = redirected(dead, contacts, records, target, LABELS)
        yield Unreachable.told_of(dead, (*elsewhere, *_both_services(dead.contacts[0].endpoint)))


@rule("submission/465-speaks-plaintext", Severity.ERROR, Rfc(8314, "3.3"), Rfc(8314, "7.3"), since="1.0")
class Port465SpeaksPlaintext(PlaintextFinding):
    """Port 465 answers in plain text, where TLS must come first.

    ## Why it matters
    On this port mail programs begin with TLS. They take the plain greeting for a broken server and
    cannot send.

    ## How to fix
    Turn on TLS from the first octet for the service on this port ("wrapper mode").
    """


@rule("submission/587-speaks-tls", Severity.ERROR, Rfc(6409, "3.1"), Rfc(8314, "3.3"), since="1.0")
class Port587SpeaksTls(TlsFirstFinding):
    """A port for submission with STARTTLS waits for TLS from the first octet.

    ## Why it matters
    Mail programs wait there for a greeting in plain text, which never comes, and give up after minutes.

    ## How to fix
    Turn off wrapper mode for the service on this port; TLS from the first octet belongs on port 465.
    """


@check
def submission_port_speaks_its_protocol(survey: SubmissionSurvey) -> Iterator[Verdict]:
    """A submission port speaks TLS or plain text first, as its number says."""
    return misspoken(survey, Port465SpeaksPlaintext, Port587SpeaksTls, _wrapper_mode)


@rule("submission/tls-fails", Severity.ERROR, Rfc(8314, "3.3"), Rfc(3207, "4"), since="1.0")
class TlsFails(TlsFailsFinding):
    """TLS cannot be set up on a submission port that promises it.

    ## Why it matters
    Mail programs refuse to send a password without TLS, so nobody can hand in mail here.

    ## How to fix
    Look into the server's log for the handshake that failed. Usually the certificate or its key cannot
    be read, do not belong together, or all TLS versions in common use are switched off.
    """


@check
def submission_port_sets_up_tls(survey: SubmissionSurvey) -> Iterator[Verdict]:
    """TLS can be set up on a submission port that promises it."""
    yield from TlsFails.told_of(survey, _tls_settings(survey.endpoint))


@rule("submission/starttls-leftover", Severity.WARNING, Rfc(3207, "4.2"), since="1.0")
class StarttlsLeftover(LeftoverFinding):
    """A submission server sends plain text after its go-ahead for TLS.

    ## Why it matters
    Whoever can put text there can make a mail program believe it came under TLS. Careful programs
    break the connection off.

    ## How to fix
    Update the mail server, and look for a proxy or a filter in front of it that answers in its place.
    """


@check
def submission_server_is_silent_before_the_handshake(held: SubmissionHeld) -> Iterator[Finding]:
    """A submission server says nothing between its go-ahead for TLS and the handshake."""
    return StarttlsLeftover.told_of(held.survey)


def _both_services(endpoint: Endpoint) -> tuple[Configure, ...]:
    return (
        *submission_services(endpoint, False, True),
        Configure(endpoint.host, "daemon_smtp_ports = 25 : 465 : 587\ntls_on_connect_ports = 465", "Exim"),
    )


def _wrapper_mode(endpoint: Endpoint, implicit: bool) -> tuple[Configure, ...]:
    ports = str(endpoint.port) if implicit else "465"
    return (
        *submission_services(endpoint, implicit),
        Configure(endpoint.host, f"tls_on_connect_ports = {ports}", "Exim"),
    )


def _tls_settings(endpoint: Endpoint) -> tuple[Configure, ...]:
    return (
        Configure(
            endpoint.host,
            "smtpd_tls_chain_files = /etc/ssl/mail/privkey.pem, /etc/ssl/mail/fullchain.pem\n"
            "smtpd_tls_mandatory_protocols = !SSLv2, !SSLv3, !TLSv1, !TLSv1.1",
            "Postfix main.cf",
        ),
        Configure(
            endpoint.host,
            "tls_certificate = /etc/ssl/mail/fullchain.pem\ntls_privatekey = /etc/ssl/mail/privkey.pem",
            "Exim",
        ),
    )
