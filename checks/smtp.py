"""Port 25 of the MX hosts: can they be reached, and do they greet as a mail host does (RFC 5321 section 3.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from diag.api import (
    Certainty,
    Configure,
    Ending,
    Finding,
    InboundContact,
    InboundGreeting,
    InboundSurvey,
    Look,
    Many,
    Problem,
    Reached,
    Rfc,
    Routing,
    Severity,
    SmtpExchange,
    Undecided,
    VantagePoint,
    Verdict,
    as_cites,
    check,
    rule,
)

from .smtp_settings import settings

LISTEN = "Let the mail server listen on port 25 at {address}, and let the firewall pass it."


@rule("smtp/no-mx-answers", Severity.CRITICAL, Rfc(5321, "5.1"), since="1.0")
class NoMxAnswers(Finding):
    """No mail host of the domain answers.

    ## Why it matters
    Nobody can deliver mail to the domain. Senders keep trying for some days; then everything sent
    meanwhile bounces.

    ## How to fix
    Start the mail server, let it listen on port 25 at its public addresses, and open that port in the
    firewall and at the hosting provider.
    """

    message = "None of the mail hosts of {subject} answers on port 25: {tried}."
    tried: str


@check
def some_mx_host_answers(
    contacts: Many[InboundContact], routing: Routing, vantage: VantagePoint
) -> Iterator[Verdict]:
    """At least one mail host answers on port 25."""
    known = list(contacts.values())
    if any(contact.answered for contact in known):
        return
    cites = as_cites(*(contact.cites() for contact in known))
    if known and not (vantage.port_25 is True and all(contact.family_works for contact in known)):
        yield Undecided("nobody answers us on port 25: it may be shut at our end", cites + vantage.asked)
        return
    for subject, unavailable in contacts.unknown():
        yield Undecided(unavailable.because, unavailable.evidence, subject)
        return
    if not known:  # no public address: that is another area's to say
        return
    tried = "; ".join(f"{contact.endpoint} {said(contact)}" for contact in known)
    opened = tuple(
        Configure(contact.endpoint.host, LISTEN.format(address=contact.endpoint.address)) for contact in known
    )
    # Twice silent is twice the same silence: grave as it is, another look later makes it certain.
    certainty = min(contact.certainty for contact in known)
    yield NoMxAnswers(subject=routing.domain, tried=tried, evidence=cites, certainty=certainty, fix=opened)


@rule("smtp/address-unreachable", Severity.WARNING, Rfc(5321, "5.1"), since="1.0")
class AddressUnreachable(Finding):
    """One address of a mail host does not answer, while others do.

    ## Why it matters
    Senders try the dead address first part of the time and wait for it; each message is delayed, and
    if the others fail too, nothing arrives at all.

    ## How to fix
    Let the mail server listen on port 25 at this address, or remove the address record.
    """

    message = "{subject} {what}."
    what: str


@check
def every_mx_address_answers(contact: InboundContact) -> Iterator[Verdict]:
    """Every address of a mail host answers on port 25."""
    if contact.answered:
        return
    if not contact.unreachable:
        yield Undecided(
            f"{said(contact)}, but nothing shows that others can be reached that way from here",
            contact.cites(),
        )
        return
    fix = Configure(contact.endpoint.host, LISTEN.format(address=contact.endpoint.address))
    yield AddressUnreachable(
        subject=str(contact.endpoint),
        what=said(contact),
        evidence=contact.cites(),
        certainty=contact.certainty,
        fix=(fix,),
    )


@rule("smtp/greeting-refused", Severity.ERROR, Rfc(5321, "3.1"), Rfc(7504, "3"), since="1.0")
class GreetingRefused(Finding):
    """A mail host refuses everybody with its first words.

    ## Why it matters
    Senders that choose this host are told that it takes no mail. Some try another one, some return the
    message to its author at once.

    ## How to fix
    If the host is to receive mail, let it greet with 220: look for a rule that refuses all clients. If
    it is not, remove the MX record that names it.
    """

    message = '{subject} refuses service: "{line}".'
    line: str


@rule("smtp/nolisting", Severity.INFO, Rfc(5321, "5.1"), since="1.0")
class Nolisting(Finding):
    """The mail host of best preference refuses everybody, and another one takes the mail.

    ## Why it matters
    This is an old trick against spam: senders that follow the standard go on to the next host. Some
    legitimate ones do not, and return the message.

    ## How to fix
    Nothing, if you want this. Otherwise remove the MX record that names the refusing host.
    """

    message = (
        '{subject}, the first choice of senders, refuses service ("{line}"); another host takes the mail.'
    )
    line: str


@check
def mx_host_offers_service(heard: InboundGreeting) -> Iterator[Verdict]:
    """A mail host does not refuse service with its greeting."""
    contact, first = heard.contact, heard.contact.first
    refused = [look for look in contact.looks if look.session.state is Reached.REFUSED_SERVICE]
    if not refused:
        if not contact.best.greeted and contact.state in (Reached.THROTTLED, Reached.DEFERRED):
            yield Undecided(first.session.inconclusive, contact.cites())
        return
    if len(refused) < 2 or any(look.session.blame for look in refused):
        yield Undecided(first.session.inconclusive, contact.cites())
        return
    subject, line = str(contact.endpoint), first.line(first.session.because)
    if contact.nolisted:
        yield Nolisting(subject=subject, line=line, evidence=contact.cites(), certainty=contact.certainty)
        return
    fix = settings(
        first,
        Postfix="smtpd_delay_reject = yes, and no rule in smtpd_client_restrictions that rejects everybody",
        Exim="acl_smtp_connect without a rule that denies everybody",
    )
    yield GreetingRefused(
        subject=subject, line=line, evidence=contact.cites(), certainty=contact.certainty, fix=fix
    )


@rule("smtp/greeting-malformed", Severity.ERROR, Rfc(5321, "4.2"), Rfc(5321, "4.2.1"), since="1.0")
class GreetingMalformed(Finding):
    """What a mail host says first is no greeting.

    ## Why it matters
    Senders wait for `220` and a space. What they do with anything else differs: some go away, some wait
    for the rest until they give up, and mail is delayed or returned.

    ## How to fix
    Let the greeting be `220 name-of-the-host ESMTP`; every line of it begins with the same code. Look
    whether another program listens on port 25.
    """

    message = '{subject} does not greet as a mail host does: "{line}".'
    line: str


@check
def mx_host_greets_well(heard: InboundGreeting) -> Iterator[Finding]:
    """A mail host greets as the standard has it."""
    contact, look, session = heard.contact, heard.contact.best, heard.contact.best.session
    greeting = session.greeting
    problems = greeting.reply.problems if greeting and greeting.reply else ()
    broken = {Problem.CODES_DIFFER, Problem.CODE_RANGE, Problem.NO_CODE} & set(problems)
    if session.state is not Reached.MALFORMED and not (look.greeted and (broken or glued(look, greeting))):
        return
    event = greeting.last if greeting and greeting.last is not None else session.because
    # Whoever fell silent in the middle may only have been slow.
    slow = session.closed in (Ending.SILENT, Ending.TIME_UP)
    banner = settings(
        look,
        Postfix="smtpd_banner = $myhostname ESMTP $mail_name",
        Exim="smtp_banner = $smtp_active_hostname ESMTP",
    )
    # What has no code at all is no mail server's, and no setting of one mends it.
    fix = () if Problem.NO_CODE in problems and not look.greeted else banner
    yield GreetingMalformed(
        subject=str(contact.endpoint),
        line=look.line(event),
        evidence=(look.cite(event),),
        certainty=Certainty.LIKELY if slow else Certainty.CERTAIN,
        fix=fix,
    )


@rule("smtp/implicit-tls-on-25", Severity.ERROR, Rfc(5321, "3.1"), since="1.0")
class ImplicitTlsOn25(Finding):
    """TLS is spoken from the first octet on port 25.

    ## Why it matters
    Senders wait on port 25 for a greeting in plain text, which never comes. No mail gets in this way.

    ## How to fix
    Let port 25 begin in plain text and offer STARTTLS; TLS from the first octet belongs to port 465.
    """

    message = "{subject} speaks TLS where senders wait for a greeting in plain text."


@check
def port_25_begins_in_plain_text(heard: InboundGreeting) -> Iterator[Finding]:
    """Port 25 begins in plain text."""
    contact = heard.contact
    if contact.state is Reached.SPEAKS_TLS:
        fix = settings(
            contact.best,
            Postfix="in master.cf, for the service smtp inet: remove -o smtpd_tls_wrappermode=yes",
            Exim="tls_on_connect_ports = 465",
        )
        yield ImplicitTlsOn25(subject=str(contact.endpoint), evidence=contact.cites()[:1], fix=fix)


@rule("smtp/inspected-by-middlebox", Severity.ERROR, Rfc(5321, "2.2"), Rfc(3207, "6"), since="1.0")
class InspectedByMiddlebox(Finding):
    """Something between the Internet and the mail host rewrites what the host says.

    ## Why it matters
    Firewalls that inspect SMTP overwrite the greeting and the features they do not know, among them
    STARTTLS: mail then travels in plain text, and large or international mail breaks.

    ## How to fix
    Switch the inspection off: on a Cisco ASA `no inspect esmtp` in the global policy (on a PIX,
    `no fixup protocol smtp 25`), elsewhere the firewall's "SMTP fix-up" or "protocol inspection".
    """

    message = 'Something on the way to {subject} masks what it says: "{line}".'
    line: str


@check
def nothing_masks_what_mx_host_says(survey: InboundSurvey) -> Iterator[Finding]:
    """Nothing on the way masks what a mail host says."""
    event = survey.session.middlebox
    if event is not None:
        # Seen from one place only: the box may stand in front of us as well as of them.
        fix = Configure("the firewall in front of the mail host", "no inspect esmtp", "Cisco ASA")
        yield InspectedByMiddlebox(
            subject=str(survey.endpoint),
            line=survey.look.line(event),
            evidence=(survey.look.cite(event),),
            certainty=Certainty.LIKELY,
            fix=(fix,),
        )


@rule("smtp/reply-syntax", Severity.ERROR, Rfc(5321, "4.2"), Rfc(5321, "4.2.1"), since="1.0")
class ReplySyntax(Finding):
    """A mail host gives a reply that is none.

    ## Why it matters
    Every line of a reply begins with the same three digits. Where it does not, senders lose count of
    the replies, break off and try again, or believe that mail was refused.

    ## How to fix
    Look for a filter or a custom message that puts its own text, or several codes, into a reply.
    """

    message = '{subject} answers {command} with "{line}", which is no proper reply.'
    command: str
    line: str


@check
def replies_are_well_formed(survey: InboundSurvey) -> Iterator[Finding]:
    """Every reply after the greeting is well formed."""
    broken = {Problem.NO_CODE, Problem.CODE_RANGE, Problem.CODES_DIFFER}
    for exchange in survey.session.exchanges[1:]:
        if exchange.reply is not None and broken & set(exchange.reply.problems):
            cite = survey.look.cite(exchange.cited)
            yield ReplySyntax(
                subject=str(survey.endpoint),
                command=exchange.verb,
                line=survey.look.line(exchange.cited),
                evidence=(cite,),
                fix=(Configure(survey.endpoint.host, f"the text of the reply to {exchange.verb}"),),
            )
            return


@rule("smtp/bare-lf-reply", Severity.WARNING, Rfc(5321, "2.3.8"), since="1.0")
class BareLfReply(Finding):
    """A mail host does not end its lines as the standard has it.

    ## Why it matters
    Lines end in CR LF. Strict senders wait for the missing half and give up; and two programs that
    disagree where a line ends are what mail smuggling is made of.

    ## How to fix
    Mend the script or filter that writes these lines: it sends LF alone, or a stray CR.
    """

    message = "{subject} ends lines in something else than CR LF ({count} of them)."
    count: int


@check
def lines_end_in_crlf(survey: InboundSurvey) -> Iterator[Finding]:
    """Every line of a reply ends in CR LF."""
    look, session = survey.look, survey.session
    stray = [e.cited for e in session.exchanges if e.reply and Problem.BARE_CR in e.reply.problems]
    events = sorted({*session.bare_lf, *stray})
    if events:
        yield BareLfReply(
            subject=str(survey.endpoint),
            count=len(events),
            evidence=tuple(look.cite(event) for event in events[:5]),
        )


@rule("smtp/reply-line-too-long", Severity.NOTICE, Rfc(5321, "4.5.3.1.5"), since="1.0")
class ReplyLineTooLong(Finding):
    """A line of a reply is longer than the standard allows.

    ## Why it matters
    Senders need not read more than 512 octets in one line; the rest may be taken for another reply.

    ## How to fix
    Shorten the text, or spread it over several lines.
    """

    message = "{subject} answers {command} with a line of more than 512 octets."
    command: str


@check
def reply_lines_are_short(survey: InboundSurvey) -> Iterator[Finding]:
    """No line of a reply is longer than 512 octets."""
    for exchange in survey.session.exchanges:
        if exchange.reply is not None and Problem.LONG_LINE in exchange.reply.problems:
            yield ReplyLineTooLong(
                subject=str(survey.endpoint),
                command=exchange.verb or "the connection",
                evidence=(survey.look.cite(exchange.cited),),
            )
            return


def said(contact: InboundContact) -> str:
    """What a dead address does, as the end of a sentence."""
    return _DOES.get(contact.first.session.state, "does not answer on port 25")


_DOES = {
    Reached.CLOSED: "refuses connections on port 25",
    Reached.FILTERED: "does not answer on port 25",
    Reached.UNREACHABLE: "cannot be reached",
    Reached.SILENT: "takes connections on port 25 and says nothing",
    Reached.CLOSED_EARLY: "closes connections on port 25 before it says anything",
}
_GLUED = re.compile(rb"[0-9]{3}[^ \-\r\n]")


def glued(look: Look, exchange: SmtpExchange | None) -> bool:
    """Whether text stands directly behind a code; a code alone on its line is harmless."""
    if exchange is None or exchange.first is None or exchange.last is None:
        return False
    return any(_GLUED.match(look.octets(event)) for event in range(exchange.first, exchange.last + 1))
