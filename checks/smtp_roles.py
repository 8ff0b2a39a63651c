"""Port 25 of the MX hosts: the other mailboxes that strangers write to (RFC 2142, RFC 5321 section 4.5.1)."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    Absent,
    DmarcDiscovery,
    Finding,
    InboundMailbox,
    Rfc,
    Severity,
    Unavailable,
    Undecided,
    Verdict,
    check,
    rule,
)

from .smtp_commands import refuses
from .smtp_settings import aliases, settings


@rule("smtp/abuse-refused", Severity.NOTICE, Rfc(2142, "2"), Rfc(2142, "4"), since="1.0")
class AbuseRefused(Finding):
    """A mail host does not take mail for the abuse desk.

    ## Why it matters
    Who gets spam from this domain, or from a machine of it that was broken into, writes to `abuse`. Who cannot
    be told is blocked instead.

    ## How to fix
    Create `abuse` as a mailbox or an alias that somebody reads.
    """

    message = '{subject} refuses mail for {mailbox}: "{line}".'
    mailbox: str
    line: str


@rule("smtp/bare-postmaster-refused", Severity.NOTICE, Rfc(5321, "4.5.1"), since="1.0")
class BarePostmasterRefused(Finding):
    """A mail host does not know the postmaster without a domain.

    ## Why it matters
    Who knows a host by its address only, and not what domains it serves, has no other way to write to whoever
    runs it. Every mail host must take that mailbox.

    ## How to fix
    Let `postmaster` without a domain lead to whoever runs the host.
    """

    message = '{subject} refuses mail for <postmaster> without a domain: "{line}".'
    line: str


@check
def other_role_mailboxes_take_mail(
    mail: InboundMailbox, discovery: DmarcDiscovery | Absent | Unavailable
) -> Iterator[Verdict]:
    """Mail for the abuse desk is taken, and mail for the postmaster alone."""
    if not mail.accepted:  # the graver fault is told by itself, and these may be refused for the same reason
        return
    subject, look = str(mail.endpoint), mail.look
    for mailbox, asked in look.session.recipients[1:]:
        reply, line, cite = asked.reply, look.line(asked.last), look.cite(asked.cited)
        if reply is None or not reply.complete or reply.positive:
            continue
        abuse = mailbox.startswith("abuse@")
        if abuse and not _organizational(mail.mailbox, discovery):
            continue
        if reply.kind != 5 or not refuses(asked) or look.about_us(asked):
            yield Undecided(f'{mailbox} may have been refused for another reason: "{line}"', (cite,))
        elif abuse:
            fix = settings(look, **aliases(mailbox))
            yield AbuseRefused(subject=subject, mailbox=mailbox, line=line, evidence=(cite,), fix=fix)
        else:
            yield BarePostmasterRefused(subject=subject, line=line, evidence=(cite,))


def _organizational(mailbox: str, discovery: DmarcDiscovery | Absent | Unavailable) -> bool:
    """RFC 2142 section 4: the abuse desk is an organization's, and not that of every name below its domain."""
    above = discovery.organizational if isinstance(discovery, DmarcDiscovery) else ""
    return mailbox.rpartition("@")[2] == above
