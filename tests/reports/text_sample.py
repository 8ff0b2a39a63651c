"""A report made by hand that is hostile wherever text comes from elsewhere, and how the text form shows it."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

from diag.api import (
    Cite,
    Configure,
    DnsQuery,
    DnsSilence,
    Finding,
    Publish,
    Report,
    Result,
    Rfc,
    Severity,
    Status,
    Target,
    Waiver,
    Withdraw,
    rule,
)
from diag.probes.dns import Silent
from diag.probes.talks import SmtpTalk
from diag.wire.transcript import Closed, Ending, Event, Opened, Said, Transcript, Who
from reports.text import text as as_text


@rule("test/says", Severity.ERROR, Rfc(5321, "4.2"), since="1.0")
class Says(Finding):
    """A peer says something.

    ## Why it matters
    It shows.

    ## How to fix
    Do not.
    """

    message = "{subject} says {words}."
    words: str


@rule("test/minor", Severity.NOTICE, Rfc(5321, "4.2"), since="1.0")
class Minor(Finding):
    """Something small.

    ## Why it matters
    Hardly.

    ## How to fix
    Some day.
    """

    message = "{subject} is small."


HOSTILE = "\x1b[31m\u202e\r\nspoofed\x9b\u200b"
LONG = "v=DKIM1; k=rsa; p=" + "A" * 380
TALK = SmtpTalk("2001:db8:ffff:ffff:ffff:ffff:ffff:1", 25, "mx.a.example", "me.example")
QUESTION = DnsQuery("a.example", "MX")
GREETING = b"220 mx \x1b]0;owned\x07 " + b"x" * 120 + b"\r\n"


def talk(*events: Event, how: Ending = Ending.BY_US) -> Transcript:
    return Transcript((*events, Closed(99, how, "")))


def said(octets: bytes, who: Who = Who.PEER) -> Said:
    return Said(1, who, octets, False)


OPENED = Opened(0, "192.0.2.1", 25)


def made(**changes: object) -> Report:
    says = Says(
        subject="mx.a.example",
        words=HOSTILE,
        evidence=(Cite(TALK, 1),),
        fix=(
            Publish("s._domainkey.a.example", "TXT", LONG),
            Withdraw("a.example", "MX", "10 x."),
            Configure("mx.a.example", "smtpd_banner = $myhostname ESMTP", "Postfix"),
        ),
    )
    minor = Minor(subject="a.example", evidence=(Cite(QUESTION),))
    results = (
        Result("c", "The peer is quiet", "test", "mx.a.example", Status.FAILED, (says,), could=Severity.ERROR),
        Result("m", "All is large", "test", "a.example", Status.FAILED, (minor,), could=Severity.NOTICE),
        Result(
            "d", "MX can be found", "mx", "a.example", Status.INCONCLUSIVE,
            because=f"nobody answers {HOSTILE}", evidence=(Cite(QUESTION),), could=Severity.CRITICAL,
        ),
        Result("p", "It holds", "test", "a.example", Status.PASSED),
        Result("n", "There is one", "test", "a.example", Status.NOT_APPLICABLE, because="there is none"),
    )  # fmt: skip
    report = Report(
        target=Target("a.example"),
        moment=datetime(2026, 11, 21, 9, 5, tzinfo=UTC),
        results=results,
        evidence={
            TALK: talk(OPENED, said(GREETING)),
            QUESTION: DnsSilence(Silent.TIMED_OUT, ("192.0.2.53",)),
        },
        facts={},
        waived=((says, Waiver("test/says", f"moved {HOSTILE}", "2027-01-31")),),
    )
    return dataclasses.replace(report, **changes)  # type: ignore[arg-type]


def shown(report: Report, **look: object) -> str:
    return as_text.function(report, **look)
