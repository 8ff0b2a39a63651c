"""Port 25, names, manners, offers and role mailboxes: what a single world cannot show, from facts made by hand."""

from __future__ import annotations

import pytest
from test_checks_smtp import GO, HERE, MADE, OPENING, findings, look, offered, survey, verdicts

from checks import smtp_commands, smtp_manners, smtp_names, smtp_offers, smtp_roles
from checks.smtp_names import hidden
from diag.facts.dmarc import DmarcDiscovery
from diag.facts.inbound import InboundMailbox, Look
from diag.facts.pipelining import InboundPipelining
from diag.model.knowing import Many, Unavailable
from diag.model.target import Target
from diag.wire.smtp_session import read_smtp
from diag.wire.transcript import Closed, Ending, Event, Opened, Said, Transcript, Who

TARGET = Target("example", public=("192.0.2.0/24",))
DISCOVERED = DmarcDiscovery("example", (), "example", "", (), True, ())
BELOW = DmarcDiscovery("example", (), "org.example", "", (), True, ())
UNKNOWN = Unavailable("no answer")


def roles(abuse: str, alone: str = "250 Ok", postmaster: str = "250 Ok") -> InboundMailbox:
    heard = look(
        *("220 mx", "> EHLO me", "250 mx", "> MAIL FROM:<>", "250 Ok"),
        *("> RCPT TO:<postmaster@example>", postmaster, "> RCPT TO:<abuse@example>", abuse),
        *("> RCPT TO:<postmaster>", alone),
    )
    null = heard.session.rcpts[0]
    return InboundMailbox(HERE, "postmaster@example", postmaster.startswith("250"), heard, null)


ABUSE, ALONE, OPEN = "abuse-refused", "bare-postmaster-refused", "?"


@pytest.mark.parametrize(
    ("mail", "discovery", "expected"),
    [
        (roles("550 5.1.1 unknown"), DISCOVERED, [ABUSE]),
        (roles("550 5.1.1 unknown"), BELOW, []),
        (roles("550 5.1.1 unknown"), UNKNOWN, []),
        (roles("550 5.1.1 unknown", postmaster="550 5.1.1 unknown"), DISCOVERED, []),
        (roles("550 5.7.1 policy"), DISCOVERED, [OPEN]),
        (roles("451 4.7.1 greylisted"), DISCOVERED, [OPEN]),
        (roles("550 blocked: 203.0.113.77 is listed in zen.spamhaus.org"), DISCOVERED, [OPEN]),
        (roles("250 Ok", "550 5.1.1 unknown"), BELOW, [ALONE]),
        (roles("251 will forward", "252 may be"), DISCOVERED, []),
    ],
)
def test_role_mailboxes(
    mail: InboundMailbox, discovery: DmarcDiscovery | Unavailable, expected: list[str]
) -> None:
    assert verdicts(smtp_roles.other_role_mailboxes_take_mail, mail, discovery) == expected


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("550 No such user", True),
        ("554 5.7.1 Relay access denied", True),
        ("550 relaying denied by policy", True),
        ("552 5.2.2 Mailbox full", True),
        ("550 5.7.1 no", False),
        ("550 SPF check failed", False),
        ("550 Message looks like spam", False),
        ("550 Authentication required", False),
        ("550 Must issue a STARTTLS command first", False),
        ("550 <>: no bounces", False),
        ("450 4.2.0 later", False),
    ],
)
def test_a_refusal_for_another_reason_is_none_of_the_mailbox(text: str, refused: bool) -> None:
    heard = look("220 mx", "> EHLO me", "250 mx", "> MAIL FROM:<>", "250 Ok", "> RCPT TO:<p@d>", text)
    assert smtp_commands.refuses(heard.session.rcpts[0]) is refused


@pytest.mark.parametrize(
    ("name", "private"),
    [
        ("localhost", True),
        ("mail", True),
        ("mx.LAN.", True),
        ("a.b.local", True),
        ("router.home.arpa", True),
        ("[10.1.2.3]", True),
        ("[IPv6:fd00::1]", True),
        ("[192.0.2.9]", False),
        ("[8.8.8.8]", False),
        ("[IPv6:2606:4700::1]", False),
        ("[nonsense]", False),
        ("8.8.8.8", False),
        ("mx.example.org", False),
        ("local.example", False),
        ("in-addr.arpa", False),
    ],
)
def test_names_that_mean_nothing_outside(name: str, private: bool) -> None:
    assert hidden(name, TARGET) is private


def greeted(greeting: str, ehlo: str) -> list[str]:
    heard = look(*greeting.split("|"), "> EHLO me", f"250-{ehlo}", "250 8BITMIME", "> QUIT", "221 Bye")
    return verdicts(smtp_names.mx_host_gives_its_name, survey(heard), TARGET)


@pytest.mark.parametrize(
    ("greeting", "ehlo", "expected"),
    [
        ("220 mx.example ESMTP", "mx.example Hello", []),
        ("220 mx.example ESMTP", "node7.example", ["name-mismatch"]),
        ("220 mx.example ESMTP", "", []),
        ("220 ESMTP mx.example", "mx.example", ["greeting-without-name"]),
        ("220", "mx.example", ["greeting-without-name"]),
        ("220 mail ESMTP", "mail", ["private-name"]),
        ("220 mx.example ESMTP", "localhost", ["private-name"]),
        ("220 192.0.2.10 ESMTP", "mx.example", ["greeting-without-name"]),
        ("220-welcome|220 mx.example ESMTP", "mx.example", []),
        ("220 *************************0*2******", "mx.example", []),
        ("220*mx.example", "mx.example", []),
    ],
)
def test_names(greeting: str, ehlo: str, expected: list[str]) -> None:
    assert greeted(greeting, ehlo) == expected


MAIL = ("> MAIL FROM:<>", "250 2.1.0 Ok")
NO_PIPELINING: Many[InboundPipelining] = Many({})


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        (look(*OPENING, "250 8BITMIME", "> MAIL FROM:<>", ends=Ending.BY_PEER), ["closes-without-reply"]),
        (look(*OPENING, "250 8BITMIME", "> MAIL FROM:<>", ends=Ending.RESET), ["closes-without-reply"]),
        (look(*OPENING, "250 8BITMIME", "> MAIL FROM:<>", ends=Ending.SILENT), []),
        (look(*OPENING, "250 8BITMIME", "> MAIL FROM:<>", ends=Ending.TIME_UP), []),
        (look(*OPENING, "250 8BITMIME", "> MAIL FROM:<>", "421 bye", ends=Ending.BY_PEER), []),
        # Told by smtp/ehlo-after-tls-fails.
        (look(*GO, MADE, "~> EHLO me", ends=Ending.BY_PEER), []),
        (
            look(*OPENING, "250 8BITMIME", *MAIL, "> RCPT TO:<a@b>", "554 blocked using spamhaus", "> RSET"),
            [],
        ),
        (look(*OPENING, "250 8BITMIME", *MAIL, "> QUIT", ends=Ending.SILENT), ["quit-unanswered"]),
        (look(*OPENING, "250 8BITMIME", *MAIL, "> QUIT", ends=Ending.BY_PEER), ["quit-unanswered"]),
        (look(*OPENING, "250 8BITMIME", *MAIL, "> QUIT", ends=Ending.TIME_UP), []),
        (look(*OPENING, "250 8BITMIME", *MAIL, "> QUIT", "221 Bye", ends=Ending.BY_PEER), []),
        # What was not answered before QUIT is another fault.
        (look(*OPENING, "250 8BITMIME", "> MAIL FROM:<>", "> QUIT", ends=Ending.SILENT), []),
    ],
)
def test_silence_and_hanging_up(heard: Look, expected: list[str]) -> None:
    told = verdicts(smtp_manners.mx_host_answers_before_it_closes, survey(heard), NO_PIPELINING)
    assert told == expected


def test_what_pipelining_breaks_is_told_once() -> None:
    heard = look(*OPENING, "250 PIPELINING", "> MAIL FROM:<>", ends=Ending.BY_PEER)
    broken = InboundPipelining(HERE, False, 0, heard, ())
    tried = Many({str(HERE): broken})
    assert verdicts(smtp_manners.mx_host_answers_before_it_closes, survey(heard), tried) == []


def slowly(*seconds: float, together: bool = False) -> Look:
    """A conversation in which each reply takes as long; `together`, all commands are said at once."""
    events: list[Event] = [Opened(0, HERE.address, 25)]
    now = 0

    def say(who: Who, line: str) -> None:
        events.append(Said(now, who, line.encode() + b"\r\n", False))

    say(Who.PEER, "220 mx.example")
    say(Who.US, "EHLO me")
    say(Who.PEER, "250-mx.example")
    say(Who.PEER, "250 STARTTLS")
    if together:
        for _ in seconds:
            say(Who.US, "RSET")
    for each in seconds:
        if not together:
            say(Who.US, "RSET")
        now += int(each * 1000)
        say(Who.PEER, "250 2.0.0 Ok")
    transcript = Transcript((*events, Closed(now, Ending.BY_US, "")))
    return Look(look(*OPENING, "250 8BITMIME").probe, transcript, read_smtp(transcript))


@pytest.mark.parametrize(
    ("heard", "slow"),
    [
        (slowly(5, 5, 5), True),
        (slowly(5, 5, 4.9), False),
        (slowly(5, 0, 0, together=True), False),  # one slow reply keeps the others waiting
        (slowly(5, 5, 5, together=True), True),
    ],
)
def test_only_a_reply_s_own_slowness_counts(heard: Look, slow: bool) -> None:
    told = verdicts(smtp_manners.mx_host_answers_in_time, survey(heard))
    assert told == (["tarpit"] if slow else [])


@pytest.mark.parametrize(
    ("command", "reply", "expected"),
    [
        ("RSET", "250 Ok", ["enhanced-codes-missing"]),
        ("QUIT", "221 Bye", ["enhanced-codes-missing"]),
        ("RSET", "250 2.0.0 Ok", []),
        ("RSET", "421 closing", []),
        ("RCPT TO:<a@b>", "450 5.1.1 unknown", ["enhanced-code-class"]),
        ("RCPT TO:<a@b>", "550 4.7.1 later", ["enhanced-code-class"]),
        ("RCPT TO:<a@b>", "550 5.1.1", []),
        ("DATA", "354 go on", []),
        ("STARTTLS", "220 Go", []),
        ("HELO me", "250 mx", []),
    ],
)
def test_detailed_codes(command: str, reply: str, expected: list[str]) -> None:
    heard = look(*OPENING, "250 ENHANCEDSTATUSCODES", f"> {command}", reply)
    assert verdicts(smtp_manners.detailed_status_codes_are_there_and_right, survey(heard)) == expected


def test_detailed_codes_are_promised_anew_under_tls() -> None:
    promised_before = look(
        *OPENING, "250-ENHANCEDSTATUSCODES", "250 STARTTLS", "> STARTTLS", "220 Go", MADE,
        *("~> EHLO me", "~250 mx.example", "~> RSET", "~250 Ok"),
    )  # fmt: skip
    assert verdicts(smtp_manners.detailed_status_codes_are_there_and_right, survey(promised_before)) == []


@pytest.mark.parametrize(
    ("clear", "under_tls", "expected"),
    [
        ("SIZE 5000000", "8BITMIME", {"size-small"}),
        ("SIZE 5000000", "SIZE 5000000", {"size-small"}),
        ("SIZE -1", "8BITMIME", {"size-malformed"}),
        ("SIZE 100 200", "8BITMIME", {"size-malformed"}),
        ("SIZE " + "9" * 21, "8BITMIME", {"size-malformed"}),
        ("SIZE " + "9" * 20, "8BITMIME", set()),
        ("X_A", "8BITMIME", {"ehlo-keyword-syntax"}),
        ("SAML", "8BITMIME", {"obsolete-verbs"}),
        ("ETRN", "8BITMIME", set()),
    ],
)
def test_lists_of_offers(clear: str, under_tls: str, expected: set[str]) -> None:
    told = findings(smtp_offers.the_list_of_offers_is_well_written, offered(clear, under_tls))
    assert [f.id for f in told] == [f"smtp/{name}" for name in sorted(expected)], (
        "each once, whatever the replies"
    )


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ("LIMITS RCPTMAX=1000", []),
        ("LIMITS rcptmax=99", ["rcptmax-low"]),
        ("LIMITS RCPTMAX=0", ["limits-malformed"]),
        ("LIMITS MAILMAX=many", ["limits-malformed"]),
        ("LIMITS =5", ["limits-malformed"]),
        ("LIMITS X-NEW X-OTHER=a=b", []),
        ("LIMITS RCPTMAX=999999", []),
        ("LIMITS RCPTMAX=1000000", ["limits-malformed"]),
        ("LIMITS RCPTMAX=050", ["limits-malformed"]),
        ("LIMITS RCPTMAX=50 MAILMAX=0", ["limits-malformed", "rcptmax-low"]),
        ("LIMITS RCPTMAX=50 X-NEW=", ["limits-malformed"]),
        ("LIMITS RCPTMAX=50 X.NEW=1", ["limits-malformed"]),
        ("LIMITS X-NEW=1;2", ["limits-malformed"]),
        ("LIMITS", []),
    ],
)
def test_limits(limits: str, expected: list[str]) -> None:
    assert verdicts(smtp_offers.limits_can_be_read_and_kept, offered(limits, limits)) == expected
