"""Commands that senders send together (RFC 2920)."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import Certainty, Finding, InboundPipelining, Rfc, Severity, check, rule

from .smtp_settings import settings


@rule("smtp/pipelining-broken", Severity.ERROR, Rfc(2920, "3.2"), since="1.0")
class PipeliningBroken(Finding):
    """A mail host offers to take several commands at once, and does not answer them all.

    ## Why it matters
    Most senders take the offer. They wait for replies that never come, give up after minutes and try
    again: mail arrives late, twice, or not at all.

    ## How to fix
    Look for a firewall or proxy in front of the host that reads SMTP itself, and switch that off. Until it
    is found, take PIPELINING from the list of what is offered.
    """

    message = "{subject} offers PIPELINING, and answers {answered} of 3 commands that are sent together."
    answered: int


@check
def commands_sent_together_are_all_answered(pipelining: InboundPipelining) -> Iterator[Finding]:
    """A host that offers PIPELINING answers all commands that are sent together."""
    if not pipelining.works:
        fix = settings(
            pipelining.look,
            Postfix="smtpd_discard_ehlo_keywords = pipelining",
            Exim="pipelining_advertise_hosts =",
        )
        yield PipeliningBroken(
            subject=str(pipelining.endpoint),
            answered=pipelining.answered,
            # In the usual conversation commands that were sent together went unanswered too.
            evidence=(
                pipelining.look.cite(pipelining.look.session.closed_event),
                *pipelining.cites,
                *pipelining.look.offered("PIPELINING"),
            ),
            certainty=Certainty.LIKELY,
            fix=fix,
        )
