"""What scripted hosts say, command by command, without a wire."""

import dataclasses

import pytest

from diag.sandbox.hosts import HostSpec, Kind, Tls
from diag.sandbox.imap_peer import ImapSpeaker
from diag.sandbox.pop3_peer import Pop3Speaker
from diag.sandbox.smtp_peer import SmtpSpeaker
from diag.sandbox.speaker import Reply, Then

MX = HostSpec("192.0.2.1", 25, Kind.SMTP, Tls.STARTTLS, "mx.a.example", domains=("a.example",))
SUBMISSION = dataclasses.replace(MX, port=587, submission=True)
IMAP = HostSpec("192.0.2.1", 143, Kind.IMAP, Tls.STARTTLS, "mail.a.example")
POP3 = HostSpec("192.0.2.1", 110, Kind.POP3, Tls.STARTTLS, "mail.a.example")

MAIL = ("EHLO me", "MAIL FROM:<>")


@pytest.mark.parametrize(
    ("before", "command", "code"),
    [
        ((), "HELO me", "250"),
        ((), "EHLO", "501"),
        ((), "MAIL FROM:<>", "503"),
        (("EHLO me",), "MAIL FROM:<a@b.example> SIZE=1", "250"),
        (("EHLO me",), "MAIL a@b.example", "501"),
        (MAIL, "MAIL FROM:<>", "503"),
        (("EHLO me",), "RCPT TO:<postmaster@a.example>", "503"),
        (MAIL, "RCPT TO:<postmaster@a.example>", "250"),
        (MAIL, "rcpt to:<Postmaster>", "250"),
        (MAIL, "RCPT TO:<ABUSE@A.example>", "250"),
        (MAIL, "RCPT TO:<nobody@a.example>", "550"),
        (MAIL, "RCPT TO:<postmaster@b.example>", "554"),
        ((*MAIL, "RSET"), "RCPT TO:<postmaster@a.example>", "503"),
        (MAIL, "DATA", "503"),
        ((*MAIL, "RCPT TO:<postmaster>"), "DATA", "354"),
        ((*MAIL, "RCPT TO:<postmaster>", "DATA"), "QUIT", "250"),
        (MAIL, "BDAT 5 LAST", "503"),
        ((*MAIL, "RCPT TO:<postmaster>"), "BDAT 5 LAST", "250"),
        ((), "NOOP", "250"),
        ((), "RSET", "250"),
        ((), "VRFY anna", "252"),
        ((), "QUIT", "221"),
        ((), "HURRY", "502"),
        ((), "", "500"),
        (("EHLO me",), "STARTTLS now", "501"),
        (("EHLO me",), "STARTTLS", "220"),
        (("EHLO me",), "AUTH PLAIN", "503"),
    ],
)
def test_an_mx_host_replies_as_postfix_does(before: tuple[str, ...], command: str, code: str) -> None:
    speaker = SmtpSpeaker(MX)
    for line in before:
        speaker.hear(line)
    assert speaker.hear(command).lines[-1][:3] == code


def test_ehlo_offers_the_extensions_before_and_after_tls() -> None:
    speaker = SmtpSpeaker(MX)
    before = speaker.hear("EHLO me").lines
    assert before[0] == "250-mx.a.example"
    assert before[-1] == "250 CHUNKING"
    assert "250-STARTTLS" in before
    speaker.secured()
    assert "250-STARTTLS" not in speaker.hear("EHLO me").lines
    assert speaker.hear("STARTTLS").lines[0].startswith("554")


def test_tls_forgets_what_was_said_before() -> None:
    speaker = SmtpSpeaker(MX)
    for line in MAIL:
        speaker.hear(line)
    speaker.secured()
    assert speaker.hear("RCPT TO:<postmaster>").lines[0].startswith("503")


def test_a_submission_host_wants_tls_and_then_a_login() -> None:
    speaker = SmtpSpeaker(SUBMISSION)
    assert not [line for line in speaker.hear("EHLO me").lines if "AUTH" in line]
    assert speaker.hear("MAIL FROM:<>").lines[0].startswith("530")
    speaker.secured()
    assert "250-AUTH PLAIN LOGIN" in speaker.hear("EHLO me").lines
    speaker.hear("MAIL FROM:<>")
    assert speaker.hear("RCPT TO:<postmaster@a.example>").lines[0].startswith("554 5.7.1")
    assert speaker.hear("AUTH PLAIN").lines == ("334 ",)
    assert speaker.hear("AGEAYg==").lines[0].startswith("535")
    assert speaker.hear("AUTH PLAIN AGEAYg==").lines[0].startswith("535")


def test_a_host_that_refuses_the_session_waits_for_quit() -> None:
    speaker = SmtpSpeaker(dataclasses.replace(MX, greeting=("554 go away",)))
    assert speaker.greeting() == Reply(("554 go away",))
    assert speaker.hear("EHLO me").lines[0].startswith("503")
    assert speaker.hear("QUIT").then is Then.CLOSE


def test_unwanted_chunks_are_taken_all_the_same() -> None:
    assert SmtpSpeaker(MX).hear("BDAT 42").octets == 42


@pytest.mark.parametrize(
    ("host", "speaker", "text"),
    [(MX, SmtpSpeaker, "421 busy"), (IMAP, ImapSpeaker, "* BYE busy"), (POP3, Pop3Speaker, "-ERR busy")],
)
def test_a_greeting_that_sends_away_closes(host: HostSpec, speaker: type, text: str) -> None:
    assert speaker(dataclasses.replace(host, greeting=(text,))).greeting() == Reply((text,), Then.CLOSE)


@pytest.mark.parametrize(
    ("host", "speaker", "command", "lines", "then"),
    [
        (MX, SmtpSpeaker, "STARTTLS", ("454 4.7.0 later",), Then.STAY),
        (MX, SmtpSpeaker, "STARTTLS", ("220-so", "220 be it"), Then.SECURE),
        (MX, SmtpSpeaker, "QUIT", ("500 what?",), Then.STAY),
        (MX, SmtpSpeaker, "EHLO me", ("421 too many",), Then.CLOSE),
        (IMAP, ImapSpeaker, "x STARTTLS", ("x NO later",), Then.STAY),
        (IMAP, ImapSpeaker, "x STARTTLS", ("x OK go",), Then.SECURE),
        (POP3, Pop3Speaker, "STLS", ("-ERR later",), Then.STAY),
        (POP3, Pop3Speaker, "STLS", ("+OK go",), Then.SECURE),
    ],
)
def test_scripted_replies_lead_on_where_they_agree(
    host: HostSpec, speaker: type, command: str, lines: tuple[str, ...], then: Then
) -> None:
    assert speaker(host).scripted(command, lines) == Reply(lines, then)


def test_a_refused_reverse_path_is_not_remembered() -> None:
    speaker = SmtpSpeaker(MX)
    speaker.hear("EHLO me")
    speaker.scripted("MAIL FROM:<>", ("550 5.7.1 no",))
    assert speaker.hear("RCPT TO:<postmaster>").lines[0].startswith("503")


def test_scripted_imap_replies_know_the_tag() -> None:
    assert ImapSpeaker(IMAP).scripted("a7 NOOP", ("{tag} NO {x}",)).lines == ("a7 NO {x}",)


@pytest.mark.parametrize(
    ("command", "lines"),
    [
        ("a NOOP", ("a OK",)),
        ("a id nil", ("* ID", "a OK")),
        ("a CAPABILITY", ("* CAPABILITY IMAP4rev1", "a OK")),
        ("a LOGIN x y", ("a NO [PRIVACYREQUIRED]",)),
        ("a LOGOUT", ("* BYE", "a OK")),
        ("a HURRY", ("a BAD",)),
        ("", ("* BAD",)),
    ],
)
def test_an_imap_host_replies_as_dovecot_does(command: str, lines: tuple[str, ...]) -> None:
    said = ImapSpeaker(IMAP).hear(command).lines
    assert len(said) == len(lines)
    assert all(line.startswith(start) for line, start in zip(said, lines, strict=True))


def test_imap_logins_open_with_tls() -> None:
    speaker = ImapSpeaker(IMAP)
    assert {"STARTTLS", "LOGINDISABLED"} <= set(speaker.hear("a CAPABILITY").lines[0].split())
    speaker.secured()
    under = set(speaker.hear("a CAPABILITY").lines[0].split())
    assert "AUTH=PLAIN" in under
    assert not {"STARTTLS", "LOGINDISABLED"} & under
    assert speaker.hear("a AUTHENTICATE PLAIN").lines == ("+ ",)
    assert speaker.hear("AGEAYg==").lines[0].startswith("a NO [AUTHENTICATIONFAILED]")
    assert speaker.hear("a STARTTLS").lines[0].startswith("a BAD")


@pytest.mark.parametrize(
    ("command", "start"),
    [
        ("QUIT", "+OK"),
        ("capa", "+OK"),
        ("STLS", "+OK"),
        ("USER x", "-ERR [AUTH]"),
        ("HURRY", "-ERR"),
    ],
)
def test_a_pop3_host_replies_as_dovecot_does(command: str, start: str) -> None:
    assert Pop3Speaker(POP3).hear(command).lines[0].startswith(start)


def test_pop3_logins_open_with_tls() -> None:
    speaker = Pop3Speaker(POP3)
    before = speaker.hear("CAPA").lines
    assert "STLS" in before
    assert "USER" not in before
    assert before[-1] == "."
    speaker.secured()
    under = speaker.hear("CAPA").lines
    assert "USER" in under
    assert "STLS" not in under
    assert [speaker.hear(line).lines[0][:3] for line in ("USER x", "PASS y", "AUTH PLAIN", "zzz")] == [
        "+OK",
        "-ER",
        "+ ",
        "-ER",
    ]
