"""Commands in plain text that IMAP, POP3 and ManageSieve servers obey under TLS (CVE-2011-0411 and its kin)."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    Configure,
    Document,
    Finding,
    ImapInjection,
    Pop3Injection,
    Rfc,
    Severity,
    SieveInjection,
    check,
    rule,
)


@rule(
    "imap/starttls-command-injection",
    Severity.ERROR,
    Rfc(9051, "6.2.1"),
    Document("CVE-2011-1926", "https://nvd.nist.gov/vuln/detail/CVE-2011-1926"),
    since="1.0",
)
class ImapCommandInjection(Finding):
    """An IMAP server obeys, under TLS, commands that came in plain text before it.

    ## Why it matters
    Somebody on the way can put commands of his own before the encryption begins; the server takes them
    for the mail program's. Passwords and mail can be led astray although TLS is in use.

    ## How to fix
    Update the IMAP server, or the proxy that takes TLS for it. Until then, offer port 993 alone: there is
    no plain text before TLS.
    """

    message = '{subject} obeyed a command under TLS that was sent in plain text before: "{line}".'
    line: str


@check
def imap_server_forgets_what_came_before_tls(injection: ImapInjection) -> Iterator[Finding]:
    """An IMAP server does not obey under TLS what was sent in plain text."""
    if injection.obeyed:
        yield ImapCommandInjection(
            subject=str(injection.endpoint),
            line=injection.line,
            evidence=(injection.cite,),
            fix=_cures(injection.endpoint.host, "imap-login", "imap"),
        )


@rule(
    "managesieve/starttls-command-injection",
    Severity.ERROR,
    Rfc(5804, "2.2"),
    Document("CVE-2011-1926", "https://nvd.nist.gov/vuln/detail/CVE-2011-1926"),
    since="1.0",
)
class SieveCommandInjection(Finding):
    """A ManageSieve server obeys, under TLS, commands that came in plain text before it.

    ## Why it matters
    Somebody on the way can put commands of his own before the encryption begins; the server takes them
    for the program's. Filters can be changed so that mail goes astray, although TLS is in use.

    ## How to fix
    Update the ManageSieve server, or the proxy that takes TLS for it. Until then, close the port to strangers.
    """

    message = '{subject} obeyed a command under TLS that was sent in plain text before: "{line}".'
    line: str


@check
def managesieve_server_forgets_what_came_before_tls(injection: SieveInjection) -> Iterator[Finding]:
    """A ManageSieve server does not obey under TLS what was sent in plain text."""
    if injection.obeyed:
        yield SieveCommandInjection(
            subject=str(injection.endpoint),
            line=injection.line,
            evidence=(injection.cite,),
            fix=_cures(injection.endpoint.host, "managesieve-login", "sieve"),
        )


@rule(
    "pop3/stls-command-injection",
    Severity.ERROR,
    Rfc(2595, "4"),
    Document("CVE-2021-38084", "https://nvd.nist.gov/vuln/detail/CVE-2021-38084"),
    since="1.0",
)
class Pop3CommandInjection(Finding):
    """A POP3 server obeys, under TLS, commands that came in plain text before it.

    ## Why it matters
    Somebody on the way can put commands of his own before the encryption begins; the server takes them
    for the mail program's. Passwords and mail can be led astray although TLS is in use.

    ## How to fix
    Update the POP3 server, or the proxy that takes TLS for it. Until then, offer port 995 alone: there is
    no plain text before TLS.
    """

    message = "{subject} answered a command under TLS that was sent in plain text before."


@check
def pop3_server_forgets_what_came_before_tls(injection: Pop3Injection) -> Iterator[Finding]:
    """A POP3 server does not obey under TLS what was sent in plain text."""
    if injection.obeyed:
        host = injection.endpoint.host
        yield Pop3CommandInjection(
            subject=str(injection.endpoint),
            evidence=(injection.cite,),
            fix=(
                Configure(host, "Courier Mail Server 1.1.5 or any later release", "Courier"),
                _closed(host, "pop3-login", "pop3"),
            ),
        )


def _cures(host: str, service: str, listener: str) -> tuple[Configure, ...]:
    return (
        Configure(host, "Cyrus IMAP 2.4.7 or any later release", "Cyrus IMAP"),
        _closed(host, service, listener),
    )


def _closed(host: str, service: str, listener: str) -> Configure:
    """The port without TLS, closed in Dovecot."""
    text = f"service {service} {{\n  inet_listener {listener} {{\n    port = 0\n  }}\n}}"
    return Configure(host, text, "Dovecot")
