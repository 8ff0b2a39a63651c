"""What mail to the operator's own mailbox meets: its name, the end of a message, and dots within it."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    Certainty,
    Document,
    Finding,
    InboundDots,
    InboundEndOfData,
    InboundInternational,
    Rfc,
    Severity,
    check,
    rule,
)

from .smtp_settings import settings


@rule("smtp/eai-undeliverable", Severity.ERROR, Rfc(6531, "3.2"), since="1.0")
class EaiUndeliverable(Finding):
    """A mail host cannot be told of a mailbox whose name has letters beyond ASCII.

    ## Why it matters
    Such a name can only be said to hosts that offer SMTPUTF8. Where one does not, senders give up and
    return the mail: whoever writes to this address gets it back.

    ## How to fix
    Switch SMTPUTF8 on at every mail host of the domain, and give the mailbox a second name in plain ASCII
    for senders that cannot say the first.
    """

    message = "{subject} does not offer SMTPUTF8, without which nobody can send mail to {mailbox}."
    mailbox: str


@check
def hosts_can_be_told_of_the_mailbox(host: InboundInternational) -> Iterator[Finding]:
    """A mail host can be told of a mailbox whose name has letters beyond ASCII."""
    if not host.offered:
        yield EaiUndeliverable(
            subject=str(host.endpoint),
            mailbox=host.mailbox,
            evidence=host.cites,
            certainty=host.certainty,
            fix=settings(
                host.look,
                Postfix="smtputf8_enable = yes",
                Exim="smtputf8_advertise_hosts = *",
            ),
        )


@rule(
    "smtp/accepts-nonstandard-eod",
    Severity.ERROR,
    Rfc(5321, "4.1.1.4"),
    Rfc(5321, "2.3.8"),
    Document("SMTP smuggling, CVE-2023-51764", "https://www.postfix.org/smtp-smuggling.html"),
    since="1.0",
)
class AcceptsNonstandardEod(Finding):
    """A mail host takes something else than CRLF.CRLF for the end of a message.

    ## Why it matters
    Another mail server may pass the same octets on as plain text. Then whoever may send one message
    through that server can write a second one into it, under any name of its users: with this host, forged
    mail arrives with SPF and DMARC passed (SMTP smuggling).

    ## How to fix
    Update the mail server, and have it refuse or repair bare line feeds and carriage returns. Test messages
    of maildiag that arrived meanwhile may be deleted.
    """

    message = "{subject} takes {sequence} for the end of a message: a stranger's text can go on as commands."
    sequence: str


@check
def messages_end_where_they_should(host: InboundEndOfData) -> Iterator[Finding]:
    """A mail host takes nothing but CRLF.CRLF for the end of a message."""
    if host.accepts:
        yield AcceptsNonstandardEod(
            subject=str(host.endpoint),
            sequence=host.accepts,
            evidence=host.cites,
            certainty=Certainty.CERTAIN,
            fix=settings(
                host.look,
                Postfix="smtpd_forbid_bare_newline = normalize",
                Exchange="Set-ReceiveConnector <name> -BareLinefeedRejectionEnabled $true",
            ),
        )


@rule("smtp/no-dot-unstuffing", Severity.ERROR, Rfc(5321, "4.5.2"), since="1.0")
class NoDotUnstuffing(Finding):
    """Mail arrives with a second dot where a line began with one.

    ## Why it matters
    For the way, senders put a dot before every line that begins with one; the receiver takes it off. Where
    it stays, texts, patches and attachments are damaged, and signatures (DKIM) no longer fit.

    ## How to fix
    Look for the program between the mail host and the mailbox that handles the text of messages itself: a
    filter, a proxy, or a delivery script. Update or replace it. The test message may be deleted.
    """

    message = 'A line that begins with one dot arrives through {subject} with two: "{line}".'
    line: str


@check
def dots_arrive_as_they_were_written(host: InboundDots) -> Iterator[Finding]:
    """A dot at the beginning of a line arrives as it was written."""
    if host.doubled:
        yield NoDotUnstuffing(
            subject=str(host.endpoint),
            line=host.line,
            evidence=host.cites,
            certainty=Certainty.LIKELY,
        )
