"""Port 25 of the MX hosts: what is offered after EHLO, and whom mail is taken for (RFC 5321 sections 4.1, 4.5)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from diag.api import (
    Blame,
    Certainty,
    Cite,
    Configure,
    Document,
    Finding,
    HeloName,
    InboundMailbox,
    InboundOffer,
    InboundSurvey,
    Look,
    Rfc,
    Severity,
    SmtpExchange,
    Target,
    Undecided,
    Verdict,
    check,
    rule,
    with_keyword,
    with_login,
)

from .smtp_settings import ORDINARY_SIZE, aliases, postfix_size, settings

SMALLEST_SIZE = 65_536
"""Octets of a message that every server must take (RFC 5321 section 4.5.3.1.7)."""
IN_CLEAR = ("PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER")
"""Mechanisms that hand over the secret itself (RFC 4616, RFC 7628)."""


@rule("smtp/ehlo-refused", Severity.ERROR, Rfc(5321, "2.2.1"), Rfc(5321, "4.1.1.1"), since="1.0")
class EhloRefused(Finding):
    """A mail host does not know EHLO.

    ## Why it matters
    EHLO is how senders learn what a host can do. Without it there is no encryption, no large and no
    international mail, and some senders give up.

    ## How to fix
    Where the host is old, replace its software. More often a firewall that inspects SMTP refuses the
    command in its place: switch that inspection off.
    """

    message = '{subject} refuses EHLO and takes HELO: "{line}".'
    line: str


@check
def mx_host_takes_ehlo(survey: InboundSurvey) -> Iterator[Verdict]:
    """A mail host takes EHLO."""
    refused = [look for look in survey.looks if _refuses_ehlo(look)]
    if len(refused) > 1:
        inspected = Configure("the firewall in front of the mail host", "no inspect esmtp", "Cisco ASA")
        yield EhloRefused(
            subject=str(survey.endpoint),
            line=refused[0].line(_ehlo(refused[0])),
            evidence=tuple(look.cite(_ehlo(look)) for look in refused),
            certainty=survey.certainty,
            fix=(inspected,),
        )
    elif survey.session.offer is None:
        yield Undecided(survey.look.doubt.because, survey.look.doubt.evidence)


def _refuses_ehlo(look: Look) -> bool:
    ehlo, helo = look.session.ehlo, look.session.helo
    if look.session.blame or ehlo is None or ehlo.reply is None or helo is None or helo.reply is None:
        return False
    return ehlo.reply.code in (500, 501, 502, 504, 550) and helo.reply.positive


def _ehlo(look: Look) -> int | None:
    return look.session.ehlo.last if look.session.ehlo else None


@rule("smtp/helo-verified", Severity.WARNING, Rfc(5321, "4.1.4"), since="1.0")
class HeloVerified(Finding):
    """A mail host refuses mail because it does not like the name the sender gives in EHLO.

    ## Why it matters
    The standard forbids to refuse mail because the name does not lead to the sender's address: senders behind
    address translation, in clusters and in clouds give names that lead elsewhere, and their legitimate mail is returned.

    ## How to fix
    Let the name add to a spam score instead of deciding alone.
    """

    message = '{subject} refuses the name {name}, which exists: "{line}".'
    name: str
    line: str


@check
def our_name_is_not_held_against_us(survey: InboundSurvey, name: HeloName) -> Iterator[Verdict]:
    """A mail host does not refuse mail for the name given in EHLO."""
    session, event = survey.session, survey.session.blame_event
    if session.blame is not Blame.HELO_NAME or event is None:
        return
    line = survey.look.line(event)
    if not name.addresses or line.startswith("4"):
        yield Undecided(f'it is about us: "{line}"', (survey.look.cite(event), *name.asked))
        return
    fix = settings(
        survey.look,
        Postfix="smtpd_helo_restrictions without reject_unknown_helo_hostname",
        Exim="helo_try_verify_hosts = * instead of helo_verify_hosts, and no deny on !verify = helo",
    )
    yield HeloVerified(
        subject=str(survey.endpoint),
        name=name.name,
        line=line,
        evidence=(survey.look.cite(event), *name.asked),
        certainty=Certainty.LIKELY,
        fix=fix,
    )


@rule(
    "smtp/xclient-offered",
    Severity.ERROR,
    Document("Postfix XCLIENT Howto", "https://www.postfix.org/XCLIENT_README.html"),
    since="1.0",
)
class XclientOffered(Finding):
    """A mail host lets strangers say which address they come from.

    ## Why it matters
    With XCLIENT anybody can pass for a trusted machine: block lists, limits and in many set-ups the ban
    on relaying no longer hold.

    ## How to fix
    Allow XCLIENT to your own proxies and filters only.
    """

    message = "{subject} offers XCLIENT to strangers."


@check
def xclient_is_not_offered(offer: InboundOffer) -> Iterator[Finding]:
    """XCLIENT is not offered to strangers."""
    if any(each is not None and each.offers("XCLIENT") for each in (offer.clear, offer.tls)):
        fix = settings(
            offer.look,
            Postfix="# or the addresses of your own proxies\nsmtpd_authorized_xclient_hosts =",
            Exim="# or the addresses of your own proxies\nhosts_xclient =",
        )
        shown = offer.anywhere(with_keyword("XCLIENT"))
        yield XclientOffered(subject=str(offer.endpoint), evidence=shown, fix=fix)


@rule("smtp/size-below-minimum", Severity.ERROR, Rfc(5321, "4.5.3.1.7"), Rfc(1870, "4"), since="1.0")
class SizeBelowMinimum(Finding):
    """A mail host takes only tiny messages.

    ## Why it matters
    Every host must take messages of 64 kB; senders that read the limit return anything larger at once.
    An ordinary mail with a picture is twenty times as large.

    ## How to fix
    Raise the limit; 25 MB or more is usual.
    """

    message = "{subject} takes messages of at most {size} octets."
    size: int


@check
def messages_of_ordinary_size_are_taken(offer: InboundOffer) -> Iterator[Finding]:
    """Messages of ordinary size are taken."""
    said = (offer.tls or offer.clear).keywords.get("SIZE", ())
    size = int(said[0]) if said and said[0].isascii() and said[0].isdigit() and len(said[0]) <= 20 else 0
    if 0 < size < SMALLEST_SIZE:  # 0 is no fixed limit (RFC 1870 section 3)
        fix = settings(offer.look, Postfix=postfix_size(ORDINARY_SIZE), Exim="message_size_limit = 50M")
        shown = offer.in_the_end(with_keyword("SIZE"))
        yield SizeBelowMinimum(subject=str(offer.endpoint), size=size, evidence=shown, fix=fix)


@rule("smtp/auth-before-tls", Severity.ERROR, Rfc(4954, "4"), Rfc(8314, "4.1"), since="1.0")
class AuthBeforeTls(Finding):
    """A mail host takes passwords in plain text.

    ## Why it matters
    A mail program set up for this host may send its password unencrypted; whoever listens on the way,
    in a café or at a provider, can then read and send mail as that person.

    ## How to fix
    Offer AUTH under TLS only; on port 25 better not at all, since people submit mail on 465 and 587.
    """

    message = "{subject} offers AUTH {mechanisms} before encryption."
    mechanisms: str


@check
def no_password_is_asked_for_in_clear(offer: InboundOffer, target: Target) -> Iterator[Finding]:
    """No login with a plain password is offered before TLS."""
    open_ones = [name for name in offer.clear.mechanisms if name in IN_CLEAR]
    if open_ones and target.counts_as_public(offer.endpoint.address):
        fix = settings(
            offer.look,
            Postfix="smtpd_tls_auth_only = yes\n# in master.cf, for port 25:\n  -o smtpd_sasl_auth_enable=no",
            Exim="auth_advertise_hosts = ${if eq{$tls_in_cipher}{}{}{*}}",
        )
        yield AuthBeforeTls(
            subject=str(offer.endpoint),
            mechanisms=" ".join(open_ones),
            evidence=offer.in_clear(with_login(*open_ones)),
            fix=fix,
        )


@rule("smtp/null-reverse-path-refused", Severity.ERROR, Rfc(5321, "4.5.5"), Rfc(2505, "2.6.1"), since="1.0")
class NullReversePathRefused(Finding):
    """A mail host refuses mail without a sender, which is what bounces are.

    ## Why it matters
    When mail from this domain cannot be delivered, its author never learns of it; vacation and read
    receipts are lost too, and other servers that verify senders refuse the domain's mail.

    ## How to fix
    Accept the null sender `<>`. Fight false bounces with BATV or at DATA, not by refusing them all.
    """

    message = '{subject} takes mail for {mailbox} from a sender, but not from the null sender: "{line}".'
    mailbox: str
    line: str


@rule("smtp/postmaster-refused", Severity.ERROR, Rfc(5321, "4.5.1"), Rfc(2142, "5"), since="1.0")
class PostmasterRefused(Finding):
    """A mail host does not take mail for the postmaster.

    ## Why it matters
    Other mail administrators who see trouble with this domain's mail write there; who does not hear of
    trouble is blocked instead. Every domain that takes mail must have this mailbox.

    ## How to fix
    Create `postmaster` as a mailbox or an alias that somebody reads.
    """

    message = '{subject} refuses mail for {mailbox}: "{line}".'
    mailbox: str
    line: str


@check
def postmaster_takes_mail(mail: InboundMailbox) -> Iterator[Verdict]:
    """Mail for the postmaster is taken, bounces among it."""
    if mail.accepted:
        return
    subject, line = str(mail.endpoint), mail.look.line(mail.null.last)
    evidence: tuple[Cite, ...] = (mail.look.cite(mail.null.last),)
    if mail.second is not None and mail.named is not None:
        evidence += (mail.second.cite(mail.named.cited),)
    answer = mail.named.reply if mail.named is not None else None
    if answer is not None and answer.positive:
        fix = settings(
            mail.look,
            Postfix="no entry for <> in check_sender_access, no reject_sender rule for the null sender",
            Exim="no deny with senders = : in acl_smtp_mail and acl_smtp_rcpt",
        )
        yield NullReversePathRefused(
            subject=subject,
            mailbox=mail.mailbox,
            line=line,
            evidence=evidence,
            certainty=mail.certainty,
            fix=fix,
        )
    elif answer is not None and answer.kind == 5 and (refuses(mail.null) or refuses(mail.named)):
        fix = settings(mail.look, **aliases(mail.mailbox))
        yield PostmasterRefused(
            subject=subject,
            mailbox=mail.mailbox,
            line=line,
            evidence=evidence,
            certainty=mail.certainty,
            fix=fix,
        )
    else:
        yield Undecided(f'a refusal that may have other reasons: "{line}"', evidence)


def refuses(exchange: SmtpExchange | None) -> bool:
    """Whether a recipient is refused for itself: not by a policy (5.7.z), nor for its sender."""
    reply = exchange.reply if exchange is not None and exchange.verb == "RCPT" else None
    if reply is None or reply.kind != 5:
        return False
    if "relay" in reply.text.lower():  # the host does not know that it takes mail for the domain
        return True
    policy = reply.enhanced.startswith("5.7.") or _POLICY.search(reply.text[:1000]) is not None
    return not policy and _SENDER.search(reply.text[:1000]) is None


_POLICY = re.compile(
    r"\b(spf|dmarc|dkim|spam|policy|policies|reputation|blocked|blacklisted|virus|denied by|not authori[sz]ed|"
    r"authenticat\w*|encrypt\w*|starttls|tls)\b",
    re.IGNORECASE,
)
_SENDER = re.compile(
    r"<>|\b(null|empty|blank)\b.{0,20}\b(sender|return|reverse|from)|\bbounce", re.IGNORECASE
)
