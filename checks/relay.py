"""Hosts that take mail for elsewhere from strangers: tried only where the user asks for it."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    Certainty,
    Configure,
    Finding,
    InboundRelay,
    Rfc,
    Severity,
    SubmissionRelay,
    Taken,
    check,
    rule,
)

from .smtp_settings import settings, submission_services


@rule("smtp/open-relay", Severity.CRITICAL, Rfc(5321, "7.9"), Rfc(2505, "2.1"), since="1.0")
class OpenRelay(Finding):
    """A mail host takes mail from strangers for domains that are not its own.

    ## Why it matters
    Spammers look for such hosts all day and send through them within hours. The host ends up on
    blocklists, and then the domain's own mail is refused.

    ## How to fix
    Let the host take mail only for its own domains, and for elsewhere only from those who have logged in.
    If this machine is one that it trusts by its address, that is meant: try from another network. We
    stopped at the recipient and sent nothing; some appliances refuse only when the mail itself comes.
    """

    message = 'A stranger may send through {subject}: it took mail from "{sender}" to "{recipient}".'
    sender: str
    recipient: str


@rule("smtp/takes-routed-recipient", Severity.WARNING, Rfc(5321, "3.6.1"), Rfc(2505, "2.1"), since="1.0")
class TakesRoutedRecipient(Finding):
    """A mail host takes mail for a mailbox whose name leads elsewhere.

    ## Why it matters
    Hosts of old passed mail on that was addressed so, and some still do. Whoever finds one can send through it in
    its name. We stopped at the recipient: the host may also keep the message, or return it later.

    ## How to fix
    Let the host refuse recipients with `%`, `!` or a second `@` in them, or refuse all mailboxes that do not exist.
    """

    message = 'A stranger may be able to send through {subject}: it took mail to "{recipient}".'
    recipient: str


@check
def mail_hosts_do_not_relay_for_strangers(relay: InboundRelay) -> Iterator[Finding]:
    """A mail host does not take mail for elsewhere from strangers."""
    if relay.taken is Taken.YES:
        yield OpenRelay(
            subject=str(relay.endpoint),
            sender=f"<{relay.sender}>",
            recipient=f"<{relay.recipient}>",
            evidence=(relay.cite,),
            certainty=Certainty.LIKELY,
            fix=settings(
                relay.look,
                Postfix="# with the networks of your own senders, and no wider\nmynetworks = 127.0.0.0/8 [::1]/128\n"
                "smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, "
                "reject_unauth_destination",
                Exim="in acl_check_rcpt, behind those who may relay (+relay_from_hosts, authenticated = *):\n"
                "require message = relay not permitted\n"
                "  domains = +local_domains : +relay_to_domains",
                Exchange="Get-ReceiveConnector <name> | Remove-ADPermission -User 'NT AUTHORITY\\ANONYMOUS "
                "LOGON' -ExtendedRights ms-Exch-SMTP-Accept-Any-Recipient",
            ),
        )

    elif relay.taken is Taken.ROUTED:
        yield TakesRoutedRecipient(
            subject=str(relay.endpoint),
            recipient=f"<{relay.recipient}>",
            evidence=(relay.cite,),
            certainty=Certainty.LIKELY,
            fix=settings(
                relay.look,
                Postfix="allow_percent_hack = no\nswap_bangpath = no\nallow_untrusted_routing = no",
                Exim="in acl_check_rcpt: deny domains = +local_domains\n  local_parts = ^.*[@%!/|]",
            ),
        )


@rule("submission/accepts-without-auth", Severity.CRITICAL, Rfc(6409, "4.3"), Rfc(4954, "6"), since="1.0")
class AcceptsWithoutAuth(Finding):
    """A submission server takes mail for elsewhere from strangers who have not logged in.

    ## Why it matters
    Spammers look for such servers all day and send through them within hours. The server ends up on
    blocklists, and then the domain's own mail is refused.

    ## How to fix
    Demand a login on this port from everybody. If this machine is one that the server trusts by its
    address, that is meant: try from another network. We stopped at the recipient and sent nothing; some
    appliances refuse only when the mail itself comes.
    """

    message = 'A stranger may send through {subject}: it took mail from "{sender}" to "{recipient}".'
    sender: str
    recipient: str


@rule("submission/unauthenticated-local", Severity.WARNING, Rfc(6409, "4.3"), since="1.0")
class UnauthenticatedLocal(Finding):
    """A submission server takes mail for the domain itself from strangers who have not logged in.

    ## Why it matters
    What comes in this way misses the checks that mail on port 25 goes through: spam filters, SPF, DMARC.
    Forged mail to colleagues looks like their own.

    ## How to fix
    Demand a login on this port from everybody, whoever the mail is for.
    """

    message = "Without a login {subject} took mail for {recipient}."
    recipient: str


@check
def submission_wants_a_login(relay: SubmissionRelay) -> Iterator[Finding]:
    """A submission server takes no mail from those who have not logged in."""
    if relay.taken is Taken.YES:
        yield AcceptsWithoutAuth(
            subject=str(relay.endpoint),
            sender=f"<{relay.sender}>",
            recipient=f"<{relay.recipient}>",
            evidence=(relay.cite,),
            certainty=Certainty.LIKELY,
            fix=_login(relay),
        )
    elif relay.taken in (Taken.LOCAL, Taken.ROUTED):
        yield UnauthenticatedLocal(
            subject=str(relay.endpoint),
            recipient=relay.recipient,
            evidence=(relay.cite,),
            certainty=Certainty.LIKELY,
            fix=_login(relay),
        )


def _login(relay: SubmissionRelay) -> tuple[Configure, ...]:
    host = relay.endpoint.host
    return (
        *submission_services(relay.endpoint, relay.survey.tls == "implicit"),
        Configure(
            host,
            "in acl_check_rcpt: deny message = please log in\n"
            f"  condition = ${{if eq{{$received_port}}{{{relay.endpoint.port}}}}}\n  !authenticated = *",
            "Exim",
        ),
    )
