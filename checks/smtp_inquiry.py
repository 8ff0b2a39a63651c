"""What mail hosts tell strangers about mailboxes: tried only where the user asks for it."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    Certainty,
    Finding,
    InboundInquiry,
    InboundReturn,
    InboundStrangers,
    Rfc,
    Severity,
    Trait,
    check,
    rule,
)

from .smtp_settings import settings

KNOWN_MAILBOXES = {
    "Postfix": "relay_recipient_maps (or local_recipient_maps, virtual_mailbox_maps) with all mailboxes; "
    "no catch-all @domain in virtual_alias_maps",
    "Exim": "in acl_check_rcpt: require verify = recipient",
    "Exchange": "on an Edge Transport server: Set-RecipientFilterConfig -RecipientValidationEnabled $true; "
    "Set-AcceptedDomain <domain> -AddressBookEnabled $true",
}
"""Where a host learns which mailboxes there are."""


@rule("smtp/vrfy-discloses", Severity.NOTICE, Rfc(5321, "3.5.3"), Rfc(5321, "7.3"), since="1.0")
class VrfyDiscloses(Finding):
    """A mail host tells everybody which mailboxes exist.

    ## Why it matters
    Spammers, and those who guess passwords, gather addresses so. They need not send anything for it.

    ## How to fix
    Let the server answer VRFY with 252 whatever it is asked for. Postfix, where the command is switched off, answers
    502: the standard wants 252, but strangers learn nothing either way.
    """

    message = '{subject} tells by VRFY that a mailbox does not exist: "{line}".'
    line: str


@rule("smtp/expn-discloses", Severity.WARNING, Rfc(5321, "7.3"), since="1.0")
class ExpnDiscloses(Finding):
    """A mail host tells everybody who reads a mailbox.

    ## Why it matters
    Names and addresses of your people are there for the asking. They are what a forger of mail looks for.

    ## How to fix
    Switch EXPN off, or keep it for people who have logged in.
    """

    message = '{subject} tells by EXPN who is behind a mailbox: "{line}".'
    line: str


@rule("smtp/unknown-command-fatal", Severity.NOTICE, Rfc(5321, "3.8"), Rfc(5321, "4.2.4"), since="1.0")
class UnknownCommandFatal(Finding):
    """A mail host hangs up on the first command that it does not like.

    ## Why it matters
    Senders try what a host may not know, and go on without it. Here they must begin anew, and some give up.

    ## How to fix
    Let the server answer 500 or 502 and wait for the next command; hang up only after several errors.
    """

    message = "{subject} hangs up at the first command that it does not like."


@rule("smtp/accepts-bare-lf-command", Severity.INFO, Rfc(5321, "2.3.8"), since="1.0")
class AcceptsBareLfCommand(Finding):
    """A mail host takes a command that does not end as the standard has it.

    ## Why it matters
    Lines end in CR LF, and in nothing else. Servers that disagree on where a line ends are what mail smuggling
    is made of. Postfix and Exim are lenient with commands unless told otherwise; what counts is that no message ends
    so, which `--mailbox` shows.

    ## How to fix
    Let the server refuse it. The standard allows no exception; if old programs of your own send so, make one for
    their addresses only.
    """

    message = '{subject} takes a command that ends in LF alone: "{line}".'
    line: str


@check
def strangers_are_told_nothing_and_borne_with(inquiry: InboundInquiry) -> Iterator[Finding]:
    """Strangers learn nothing of mailboxes, and are not hung up on for a command that is not known."""
    subject, look = str(inquiry.endpoint), inquiry.look
    for trait, line, cite in inquiry.shown:
        match trait:
            case Trait.VRFY:
                fix = settings(look, Postfix="disable_vrfy_command = yes", Exim="acl_smtp_vrfy unset")
                yield VrfyDiscloses(subject=subject, line=line, evidence=(cite,), fix=fix)
            case Trait.EXPN:
                fix = settings(look, Exim="acl_smtp_expn unset")
                yield ExpnDiscloses(subject=subject, line=line, evidence=(cite,), fix=fix)
            case Trait.FATAL:
                yield UnknownCommandFatal(subject=subject, evidence=(cite,), certainty=Certainty.LIKELY)
            case Trait.BARE_LF:
                fix = settings(
                    look,
                    Postfix="# refuses messages with a bare LF as well\nsmtpd_forbid_bare_newline = reject",
                )
                yield AcceptsBareLfCommand(subject=subject, line=line, evidence=(cite,), fix=fix)


@rule("smtp/accepts-unknown-recipient", Severity.NOTICE, Rfc(5321, "3.3"), Rfc(5321, "6.1"), since="1.0")
class AcceptsUnknownRecipient(Finding):
    """A mail host takes mail for mailboxes that nobody has.

    ## Why it matters
    Either somebody reads what comes for every name there is, most of it spam. Or the host finds out later, and
    returns the message to a sender that is forged more often than not: its bounces hit strangers, and the host is
    listed for it.

    ## How to fix
    Let the host know the mailboxes of the domain, and refuse others at once. If it is one mailbox for every name, and
    you want that, nothing need be done.
    """

    message = "{subject} takes mail for {mailboxes}, which nobody can have."
    mailboxes: str


@check
def mail_for_nobody_is_refused_at_once(strangers: InboundStrangers) -> Iterator[Finding]:
    """A mail host refuses recipients that nobody has."""
    if strangers.taken:
        yield AcceptsUnknownRecipient(
            subject=str(strangers.endpoint),
            mailboxes=" and ".join(strangers.mailboxes),
            evidence=strangers.cites,
            certainty=Certainty.LIKELY,
            fix=settings(strangers.look, **KNOWN_MAILBOXES),
        )


@rule("smtp/backscatter", Severity.WARNING, Rfc(5321, "6.1"), Rfc(5321, "3.3"), Rfc(3464), since="1.0")
class Backscatter(Finding):
    """A mail host takes mail for mailboxes that nobody has, and returns it later.

    ## Why it matters
    The sender of such mail is forged more often than not, so what is returned hits strangers. Hosts that do this are
    put on blocklists, and then their own mail is refused.

    ## How to fix
    Let the host that takes the mail know which mailboxes there are, and refuse others at RCPT: the sender's own host
    returns it then, to whoever really sent it.
    """

    message = (
        "{subject} took a message for {mailbox}, which nobody has, and {reporter} returned it to its sender."
    )
    mailbox: str
    reporter: str


@check
def mail_for_nobody_is_not_returned(returned: InboundReturn) -> Iterator[Finding]:
    """What was taken is not returned because there is no such mailbox."""
    yield Backscatter(
        subject=str(returned.endpoint),
        mailbox=returned.mailbox,
        reporter=returned.reporter,
        evidence=returned.cites,
        fix=settings(returned.look, **KNOWN_MAILBOXES),
    )
