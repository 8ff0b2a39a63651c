"""Port 25 of the MX hosts: how fast and how well each command is answered, up to the farewell."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    Certainty,
    Ending,
    Finding,
    InboundPipelining,
    InboundSteps,
    InboundSurvey,
    Look,
    Many,
    Reached,
    Rfc,
    Severity,
    SmtpExchange,
    check,
    rule,
)

from .smtp_settings import settings

SLOW_GREETING_MS = 20_000
"""Milliseconds; pauses against spam and look-ups take less (RFC 5321 section 4.5.3.2.1 has senders wait 5 min)."""
SLOW_REPLIES = 3
"""As many show that a host takes its time over everything."""


@rule("smtp/slow-greeting", Severity.NOTICE, Rfc(5321, "4.5.3.2.1"), since="1.0")
class SlowGreeting(Finding):
    """A mail host lets everybody wait for its greeting.

    ## Why it matters
    Senders wait, but not all of them for as long; mail arrives late, and some of it after several attempts.

    ## How to fix
    Look for look-ups that time out while a client connects: reverse names through a resolver that is dead,
    or block lists that are gone. A pause against spam need not be longer than a few seconds.
    """

    message = "{subject} greets only after {seconds} seconds."
    seconds: int


@rule("smtp/tarpit", Severity.INFO, Rfc(5321, "4.5.3.2"), since="1.0")
class Tarpit(Finding):
    """A mail host takes its time over every reply.

    ## Why it matters
    It slows down spammers, and everybody else too. If it does so to strangers on purpose, nothing need be done.

    ## How to fix
    Where it is not on purpose, look for a machine that is overloaded, or for look-ups that time out.
    """

    message = "{subject} took {seconds} seconds or more for each of {count} replies."
    seconds: int
    count: int


@check
def mx_host_answers_in_time(survey: InboundSurvey) -> Iterator[Finding]:
    """A mail host greets and answers without delay."""
    subject, look = str(survey.endpoint), survey.look
    waits = [_greeted_after(each) for each in survey.looks]
    if len(waits) > 1 and min(waits) > SLOW_GREETING_MS:
        cites = tuple(
            each.cite(each.session.greeting.cited) for each in survey.looks if each.session.greeting
        )
        yield SlowGreeting(
            subject=subject, seconds=min(waits) // 1000, evidence=cites, certainty=survey.certainty
        )
    slow = survey.session.slow
    if len(slow) >= SLOW_REPLIES:
        yield Tarpit(
            subject=subject,
            seconds=min(wait for _, wait in slow) // 1000,
            count=len(slow),
            evidence=tuple(look.cite(step.cited) for step, _ in slow[:SLOW_REPLIES]),
            certainty=Certainty.LIKELY,
        )


def _greeted_after(look: Look) -> int:
    greeting = look.session.greeting
    return greeting.waited_ms if greeting is not None and look.greeted else 0


@rule("smtp/closes-without-reply", Severity.NOTICE, Rfc(5321, "3.8"), Rfc(5321, "4.1.1.10"), since="1.0")
class ClosesWithoutReply(Finding):
    """A mail host hangs up in place of an answer.

    ## Why it matters
    A sender that is hung up on cannot tell what was wrong. It tries again, for days, and its author learns
    of the trouble only then.

    ## How to fix
    Let the server say 421 or 5xx before it closes. Look for a firewall or filter that cuts connections, and for
    a server process that crashes.
    """

    message = "{subject} hangs up in place of an answer to {command}."
    command: str


@rule("smtp/quit-unanswered", Severity.NOTICE, Rfc(5321, "4.1.1.10"), since="1.0")
class QuitUnanswered(Finding):
    """A mail host does not answer QUIT.

    ## Why it matters
    Senders wait for that answer with the connection open. It costs both sides time and connections, though no mail.

    ## How to fix
    Let the server, or the proxy in front of it, answer QUIT with 221 before it closes.
    """

    message = "{subject} does not answer QUIT{how}."
    how: str


@check
def mx_host_answers_before_it_closes(
    survey: InboundSurvey, pipelining: Many[InboundPipelining]
) -> Iterator[Finding]:
    """A mail host answers every command before it closes, QUIT among them."""
    look, session = survey.look, survey.session
    tried = pipelining.get(str(survey.endpoint))
    # Law of the house: who turns us away, or speaks about us, has told us why it closes.
    if session.throttled is not None or session.blame is not None or session.state is not Reached.OPEN:
        return
    if isinstance(tried, InboundPipelining) and not tried.works:
        return  # the same fault, told by its own name
    lost, last = session.unanswered, session.exchanges[-1]
    if lost is not None and lost.verb and not (lost.verb == "EHLO" and lost.secure):
        yield ClosesWithoutReply(
            subject=str(survey.endpoint),
            command=lost.verb,
            evidence=(look.cite(lost.asked), look.cite(session.closed_event)),
            certainty=Certainty.LIKELY,
        )
    elif lost is None and last.verb == "QUIT" and (how := _unfarewelled(look, last)) is not None:
        yield QuitUnanswered(
            subject=str(survey.endpoint),
            how=how,
            evidence=(look.cite(last.asked), look.cite(session.closed_event)),
            certainty=Certainty.LIKELY,
        )


def _unfarewelled(look: Look, quit_: SmtpExchange) -> str | None:
    """What came of a QUIT that was not answered; None where it was, or where it may only have come too late."""
    session = look.session
    others = [step for step in session.exchanges if step is not quit_]
    if quit_.reply is not None or any(step.reply is None or not step.reply.complete for step in others):
        return None
    hows = {Ending.SILENT: "", Ending.BY_PEER: " and closes", Ending.RESET: " and tears the connection down"}
    return hows.get(session.closed)


@rule("smtp/enhanced-codes-missing", Severity.NOTICE, Rfc(2034, "4"), since="1.0")
class EnhancedCodesMissing(Finding):
    """A mail host promises detailed status codes and leaves them out.

    ## Why it matters
    Where a message is refused, the sender's server reads the detailed code to tell its author why. Without it
    the reason is a guess.

    ## How to fix
    Look for a filter or a custom text that answers in the server's place, and give that text a code such as `5.7.1`.
    """

    message = '{subject} offers ENHANCEDSTATUSCODES and answers {command} without one: "{line}".'
    command: str
    line: str


@rule("smtp/enhanced-code-class", Severity.NOTICE, Rfc(2034, "4"), Rfc(3463, "2"), since="1.0")
class EnhancedCodeClass(Finding):
    """The detailed status code of a mail host contradicts the reply it stands in.

    ## Why it matters
    One says "try again later", the other one "never". Senders act on the one or on the other: mail that would
    be taken later is returned, or mail that never will be is tried for days.

    ## How to fix
    Let both begin with the same digit: 4 for what may pass, 5 for what will not.
    """

    message = '{subject} answers {command} with codes that contradict one another: "{line}".'
    command: str
    line: str


@check
def detailed_status_codes_are_there_and_right(survey: InboundSurvey) -> Iterator[Finding]:
    """Replies hold the detailed status codes that were promised, and these agree with the replies."""
    session, told = survey.session, set[type[Finding]]()
    for step in session.exchanges:
        # RFC 2034 section 4 exempts the greeting and the replies to EHLO and HELO; the 220 to STARTTLS, of another
        # document, goes without one in much software, and 3yz and 421 are for the conversation, not for the mail.
        exempt = step.verb in ("", "EHLO", "HELO", "STARTTLS")
        if exempt or step.reply is None or not step.reply.complete or step.reply.code == 421:
            continue
        kind = _code_fault(survey, step)
        if kind is not None and kind not in told:
            told.add(kind)
            line = survey.look.line(step.last)
            evidence = (survey.look.cite(step.last),)
            yield kind(subject=str(survey.endpoint), command=step.verb, line=line, evidence=evidence)


def _code_fault(
    survey: InboundSurvey, step: SmtpExchange
) -> type[EnhancedCodesMissing] | type[EnhancedCodeClass] | None:
    reply, session = step.reply, survey.session
    if reply is None or reply.kind not in (2, 4, 5):
        return None
    if reply.enhanced:
        return EnhancedCodeClass if reply.enhanced[0] != str(reply.kind) else None
    # What was offered before TLS is forgotten under it (RFC 3207 section 4.2).
    offer = session.offer_tls if step.secure else session.offer
    return EnhancedCodesMissing if offer is not None and offer.offers("ENHANCEDSTATUSCODES") else None


@rule("smtp/noop-rset-broken", Severity.NOTICE, Rfc(5321, "4.1.1.5"), Rfc(5321, "4.1.1.9"), since="1.0")
class NoopRsetBroken(Finding):
    """A mail host does not know the simplest commands.

    ## Why it matters
    Senders use RSET between two messages and NOOP to keep a connection. Where these fail they hang up and
    begin anew, or give up on the rest of the mail.

    ## How to fix
    Every server must know both. Look for a proxy or firewall in front of it that reads SMTP itself.
    """

    message = '{subject} answers {command} with "{line}".'
    command: str
    line: str


@rule("smtp/tls-required", Severity.NOTICE, Rfc(3207, "4"), since="1.0")
class TlsRequired(Finding):
    """A mail host takes mail under TLS only.

    ## Why it matters
    A host that takes mail from everybody must not demand TLS: senders without it, or whose TLS fails with this
    host, cannot deliver. If you want that, nothing need be done; know that some mail will not arrive.

    ## How to fix
    Offer TLS without demanding it. Demand it of senders that can do it by MTA-STS or DANE instead.
    """

    message = '{subject} refuses mail in plain text: "{line}".'
    line: str


@check
def simple_commands_are_known_in_plain_text(steps: InboundSteps) -> Iterator[Finding]:
    """NOOP and RSET are known, and mail may begin before TLS."""
    look, subject = steps.look, str(steps.endpoint)
    for verb, reply, cite in steps.refused:
        line = str(reply)
        if verb == "MAIL":
            fix = settings(
                look, Postfix="smtpd_tls_security_level = may", Exim="no condition on $tls_in_cipher in ACLs"
            )
            if reply.code == 530:
                yield TlsRequired(subject=subject, line=line, evidence=(cite,), fix=fix)
        elif (verb, reply.code) != ("RSET", 530):  # which is right where TLS is demanded (RFC 3207 section 4)
            yield NoopRsetBroken(
                subject=subject, command=verb, line=line, evidence=(cite,), certainty=Certainty.LIKELY
            )
