"""IMAP: whether mail programs reach the mailboxes, on the right port and under TLS (RFC 9051, RFC 8314)."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from diag.api import (
    ClientContact,
    Configure,
    Finding,
    ImapHeld,
    ImapSurvey,
    Many,
    Reached,
    Rfc,
    Service,
    ServiceRecords,
    Severity,
    Target,
    Undecided,
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
    certificate_settings,
    dead_hosts,
    listener,
    misspoken,
    redirected,
)

LABELS = {993: "_imaps", 143: "_imap"}
"""Service names by port, the better one first (RFC 8314 section 3.2)."""


@rule("imap/unreachable", Severity.ERROR, Rfc(6186, "3.2"), Rfc(8314, "3.2"), since="1.0")
class Unreachable(UnreachableFinding):
    """A host that mail programs are told to fetch mail from by IMAP cannot be reached.

    ## Why it matters
    Mail programs that follow the domain's own directions show no mail. People see "cannot connect to
    server" when they set up an account.

    ## How to fix
    Start the IMAP service and open its port in the firewall, or publish the host and port that do answer.
    """

    message = "{subject} is published for IMAP and cannot be reached on {ports}."


@check
def published_imap_host_answers(
    contacts: Many[ClientContact], records: Many[ServiceRecords], target: Target
) -> Iterator[Verdict]:
    """A host published for IMAP answers on a port that is published."""
    for dead in dead_hosts(contacts, Service.IMAP):
        first = dead.contacts[0]
        elsewhere = redirected(dead, contacts, records, target, LABELS)
        here = listener("imap", first.endpoint, first.tls == "implicit")
        yield Unreachable.told_of(dead, (*elsewhere, *here))


@rule("imap/plaintext-on-993", Severity.ERROR, Rfc(8314, "3.2"), since="1.0")
class PlaintextOn993(PlaintextFinding):
    """The IMAP port for TLS answers in plain text.

    ## Why it matters
    On this port mail programs begin with TLS. They take the plain greeting for a broken server and
    show no mail.

    ## How to fix
    Turn on TLS for the listener on this port.
    """


@rule("imap/tls-on-143", Severity.ERROR, Rfc(9051, "6.2.1"), Rfc(8314, "3.2"), since="1.0")
class TlsOn143(TlsFirstFinding):
    """The IMAP port for STARTTLS waits for TLS from the first octet.

    ## Why it matters
    Mail programs wait there for a greeting in plain text, which never comes, and give up after minutes.

    ## How to fix
    Turn TLS from the first octet off for the listener on this port; it belongs on port 993.
    """


@check
def imap_port_speaks_its_protocol(survey: ImapSurvey) -> Iterator[Verdict]:
    """An IMAP port speaks TLS or plain text first, as its number says."""
    return misspoken(survey, PlaintextOn993, TlsOn143, functools.partial(listener, "imap"))


@rule("imap/tls-fails", Severity.ERROR, Rfc(8314, "3.2"), Rfc(9051, "6.2.1"), since="1.0")
class TlsFails(TlsFailsFinding):
    """TLS cannot be set up on an IMAP port that promises it.

    ## Why it matters
    Mail programs refuse to send a password without TLS, so nobody reads mail here.

    ## How to fix
    Look into the server's log for the handshake that failed. Usually the certificate or its key cannot
    be read, do not belong together, or all TLS versions in common use are switched off.
    """


@check
def imap_port_sets_up_tls(survey: ImapSurvey) -> Iterator[Verdict]:
    """TLS can be set up on an IMAP port that promises it."""
    return TlsFails.told_of(survey, certificate_settings(survey.endpoint))


@rule("imap/starttls-leftover", Severity.WARNING, Rfc(9051, "6.2.1"), since="1.0")
class StarttlsLeftover(LeftoverFinding):
    """An IMAP server sends plain text after its go-ahead for TLS.

    ## Why it matters
    Whoever can put text there can make a mail program believe it came under TLS. Careful programs
    break the connection off.

    ## How to fix
    Update the IMAP server, and look for a proxy in front of it that answers in its place.
    """


@check
def imap_server_is_silent_before_the_handshake(held: ImapHeld) -> Iterator[Finding]:
    """An IMAP server says nothing between its go-ahead for TLS and the handshake."""
    return StarttlsLeftover.told_of(held.survey)


@rule("imap/greeting-malformed", Severity.ERROR, Rfc(9051, "7.1"), Rfc(9051, "2.2"), since="1.0")
class GreetingMalformed(Finding):
    """What comes first from the IMAP port is no IMAP greeting.

    ## Why it matters
    Mail programs hang up at once: either another service listens there or the server is broken.

    ## How to fix
    Look at what listens on this port; an IMAP server begins with `* OK`.
    """

    message = "{subject} does not begin with an IMAP greeting."


@rule("imap/preauth", Severity.CRITICAL, Rfc(9051, "7.1.4"), Rfc(9051, "11.3"), since="1.0")
class Preauth(Finding):
    """The IMAP server lets strangers in without a login.

    ## Why it matters
    Anyone who connects is taken for a user already known: the mailbox is open. The same greeting also
    keeps mail programs from turning TLS on.

    ## How to fix
    Take the pre-authenticated service off the network at once; put the server's login process on this
    port.
    """

    message = "{subject} greets strangers as logged in (PREAUTH)."


@check
def imap_greeting_asks_for_a_login(survey: ImapSurvey) -> Iterator[Verdict]:
    """An IMAP server greets with `* OK` and asks for a login."""
    session = survey.session
    greeted = session.greeting.cited if session.greeting else session.because
    if session.state is Reached.MALFORMED and not session.greeting_word:
        fix = listener("imap", survey.endpoint, survey.tls == "implicit")
        yield GreetingMalformed(subject=survey.subject, evidence=survey.cite(greeted), fix=fix)
    elif session.preauth:
        advice = Configure(
            survey.endpoint.host,
            "service imap-login {\n  inet_listener imap {\n    port = 143\n  }\n}",
            "Dovecot",
        )
        yield Preauth(subject=survey.subject, evidence=survey.cite(greeted), fix=(advice,))
    elif session.state is not Reached.OPEN:
        yield Undecided(session.inconclusive, survey.cite(greeted), survey.subject)
