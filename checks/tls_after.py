"""What becomes of a TLS connection after its handshake: what is kept of it, and how it ends."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    LONGEST_TICKET,
    Document,
    Finding,
    FullTls,
    Rfc,
    Severity,
    TlsParting,
    TlsTickets,
    Undecided,
    Verdict,
    check,
    doubt,
    rule,
)

from .tls_settings import EXIM_OPENSSL, tls_settings

NCSC_NL = Document(
    "NCSC-NL, ICT security guidelines for TLS, section 3.4.2",
    "https://www.ncsc.nl/transport-layer-security-tls/ict-beveiligingsrichtlijnen-transport-layer-security-2025-05",
)


@rule("tls/ticket-lifetime", Severity.NOTICE, Rfc(8446, "4.6.1"), Rfc(9325, "3.4"), since="1.0")
class TicketLifetime(Finding):
    """A server gives out session tickets for longer than a week.

    ## Why it matters
    Whoever gets hold of the key that tickets are sealed with can read sessions that were resumed by one (under TLS 1.3
    only where no new keys were agreed on), and impersonate the server for as long as they are good. TLS 1.3 forbids
    more than seven days; clients cut it short.

    ## How to fix
    Set the lifetime of sessions to hours, and see that the key for tickets changes at least as often.
    """

    message = "{subject} gives out session tickets for {days} days, which is more than {limit}."
    days: int
    limit: int = LONGEST_TICKET // 86_400


@check
def session_tickets_are_good_for_a_week_at_most(given: TlsTickets) -> Iterator[Finding]:
    """Session tickets are good for seven days at most."""
    longest = max((ticket.lifetime for ticket in given.tickets if ticket.lasting), default=0)
    if longest:
        yield TicketLifetime(subject=str(given.endpoint), days=-(-longest // 86_400), evidence=(given.cite,))


@rule("tls/early-data", Severity.NOTICE, Rfc(8446, "8"), Rfc(8446, "E.5"), since="1.0")
class EarlyData(Finding):
    """A server lets clients speak before the handshake is done (0-RTT).

    ## Why it matters
    What is said so early can be recorded and said again by anybody, and only a server that keeps a record of it can
    tell. A protocol has to say which of its commands stand that; neither SMTP nor IMAP nor POP3 does. No mail program
    gains anything by it, as the server greets first.

    ## How to fix
    Switch early data (0-RTT) off where TLS is done for the mail server: mostly in a proxy before it.
    """

    message = "{subject} takes up to {octets} octets of early data with its session tickets."
    octets: int


@check
def nothing_is_heard_before_the_handshake_is_done(given: TlsTickets) -> Iterator[Finding]:
    """Session tickets are not for early data."""
    most = max((ticket.early_data for ticket in given.tickets), default=0)
    if most:
        yield EarlyData(subject=str(given.endpoint), octets=most, evidence=(given.cite,))


@rule("tls/truncation", Severity.INFO, Rfc(8446, "6.1"), since="1.0")
class Truncation(Finding):
    """A server closes its TLS connections without saying so under TLS.

    ## Why it matters
    Anybody on the way can cut a connection off. A client that was told `close_notify` knows that it heard everything;
    here it cannot tell. After QUIT or LOGOUT nothing is lost by that, but strict TLS libraries log an error.

    ## How to fix
    Nothing in the mail server's settings decides this: update it, or the proxy that does TLS before it.
    """

    message = "{subject} closes without close_notify once it has said goodbye."


@check
def connections_end_with_close_notify(parting: TlsParting) -> Iterator[Finding]:
    """After the goodbye the TLS connection is closed by close_notify."""
    if parting.truncated:
        yield Truncation(subject=str(parting.endpoint), evidence=(parting.cite,))


@rule("tls/client-renegotiation", Severity.NOTICE, Rfc(9325, "3.5"), NCSC_NL, since="1.0")
class ClientRenegotiation(Finding):
    """A server negotiates TLS anew whenever a client asks for it.

    ## Why it matters
    A handshake costs the server many times what it costs the client. Over one connection a client can ask for
    one after the other, and no limit on connections sees it. No mail program needs this, and TLS 1.3 has it no more.

    ## How to fix
    Switch renegotiation that clients begin off. OpenSSL refuses it by itself since 3.0; older versions have to be told.
    """

    message = "{subject} negotiates TLS anew when a client asks for it."


@check
def clients_cannot_ask_to_negotiate_anew(asked: FullTls) -> Iterator[Verdict]:
    """Under TLS 1.2 and older, the server refuses to negotiate anew for a client."""
    seen = asked.survey.renegotiation
    if seen.yes:
        yield ClientRenegotiation(
            subject=asked.subject,
            evidence=seen.cites,
            fix=tls_settings(
                asked.survey.endpoint,
                Postfix="tls_ssl_options = NO_RENEGOTIATION",
                **{EXIM_OPENSSL: "openssl_options = +no_renegotiation"},
            ),
        )
    elif because := doubt(seen):
        yield Undecided(f"whether clients may negotiate anew: {because}", seen.cites)
