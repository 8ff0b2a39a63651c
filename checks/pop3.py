"""POP3: whether mail programs reach the mailboxes, on the right port and under TLS (RFC 1939, RFC 8314)."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from diag.api import (
    ClientContact,
    Finding,
    Many,
    Pop3Held,
    Pop3Survey,
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
    UnreachableFinding,
    certificate_settings,
    dead_hosts,
    listener,
    misspoken,
    redirected,
)

LABELS = {995: "_pop3s", 110: "_pop3"}
"""Service names by port, the better one first (RFC 8314 section 3.1)."""


@rule("pop3/unreachable", Severity.ERROR, Rfc(6186, "3.3"), Rfc(6186, "3.4"), since="1.0")
class Unreachable(UnreachableFinding):
    """A host that mail programs are told to fetch mail from by POP3 cannot be reached.

    ## Why it matters
    Mail programs that follow the domain's own directions fetch no mail. People see "cannot connect to
    server" when they set up an account.

    ## How to fix
    Start the POP3 service and open its port in the firewall, or publish that there is none.
    """

    message = "{subject} is published for POP3 and cannot be reached on {ports}."


@check
def published_pop3_host_answers(
    contacts: Many[ClientContact], records: Many[ServiceRecords], target: Target
) -> Iterator[Verdict]:
    """A host published for POP3 answers on a port that is published."""
    for dead in dead_hosts(contacts, Service.POP3):
        first = dead.contacts[0]
        elsewhere = redirected(dead, contacts, records, target, LABELS)
        here = listener("pop3", first.endpoint, first.tls == "implicit")
        yield Unreachable.told_of(dead, (*elsewhere, *here))


@rule("pop3/plaintext-on-995", Severity.ERROR, Rfc(8314, "3.1"), since="1.0")
class PlaintextOn995(PlaintextFinding):
    """The POP3 port for TLS answers in plain text.

    ## Why it matters
    On this port mail programs begin with TLS. They take the plain greeting for a broken server and
    fetch no mail.

    ## How to fix
    Turn on TLS for the listener on this port.
    """


@rule("pop3/tls-on-110", Severity.ERROR, Rfc(2595, "4"), Rfc(8314, "3.1"), since="1.0")
class TlsOn110(Finding):
    """The POP3 port for STLS waits for TLS from the first octet.

    ## Why it matters
    Mail programs wait there for a greeting in plain text, which never comes, and give up after minutes.

    ## How to fix
    Turn TLS from the first octet off for the listener on this port; it belongs on port 995.
    """

    message = "{subject} waits for TLS instead of greeting; mail programs expect STLS on this port."


@check
def pop3_port_speaks_its_protocol(survey: Pop3Survey) -> Iterator[Verdict]:
    """A POP3 port speaks TLS or plain text first, as its number says."""
    return misspoken(survey, PlaintextOn995, TlsOn110, functools.partial(listener, "pop3"))


@rule("pop3/tls-fails", Severity.ERROR, Rfc(8314, "3.1"), Rfc(2595, "4"), since="1.0")
class TlsFails(TlsFailsFinding):
    """TLS cannot be set up on a POP3 port that promises it.

    ## Why it matters
    Mail programs refuse to send a password without TLS, so nobody fetches mail here.

    ## How to fix
    Look into the server's log for the handshake that failed. Usually the certificate or its key cannot
    be read, do not belong together, or all TLS versions in common use are switched off.
    """


@check
def pop3_port_sets_up_tls(survey: Pop3Survey) -> Iterator[Verdict]:
    """TLS can be set up on a POP3 port that promises it."""
    return TlsFails.told_of(survey, certificate_settings(survey.endpoint))


@rule("pop3/stls-leftover", Severity.WARNING, Rfc(2595, "4"), since="1.0")
class StlsLeftover(LeftoverFinding):
    """A POP3 server sends plain text after its go-ahead for TLS.

    ## Why it matters
    Whoever can put text there can make a mail program believe it came under TLS. Careful programs
    break the connection off.

    ## How to fix
    Update the POP3 server, and look for a proxy in front of it that answers in its place.
    """


@check
def pop3_server_is_silent_before_the_handshake(held: Pop3Held) -> Iterator[Finding]:
    """A POP3 server says nothing between its go-ahead for TLS and the handshake."""
    return StlsLeftover.told_of(held.survey)


@rule("pop3/greeting-malformed", Severity.ERROR, Rfc(1939, "4"), Rfc(1939, "3"), since="1.0")
class GreetingMalformed(Finding):
    """What comes first from the POP3 port is no POP3 greeting.

    ## Why it matters
    Mail programs hang up at once: either another service listens there or the server is broken.

    ## How to fix
    Look at what listens on this port; a POP3 server begins with `+OK`.
    """

    message = "{subject} does not begin with a POP3 greeting."


@check
def pop3_greeting_is_one(survey: Pop3Survey) -> Iterator[Verdict]:
    """A POP3 server greets with `+OK`."""
    session = survey.session
    greeted = session.greeting.cited if session.greeting else session.because
    if session.state is Reached.MALFORMED:
        fix = listener("pop3", survey.endpoint, survey.tls == "implicit")
        yield GreetingMalformed(subject=survey.subject, evidence=survey.cite(greeted), fix=fix)
    elif session.state is not Reached.OPEN:
        yield Undecided(session.inconclusive, survey.cite(greeted), survey.subject)
