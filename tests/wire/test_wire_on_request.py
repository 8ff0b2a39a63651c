"""What is tried on request says and means: chunks, wrong ends of a message, clear logins."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings, strategies as st

from diag.wire.actions import Action, Dialogue, Hear, Say
from diag.wire.chunking import Chunks, chunking_dialogue, read_chunking
from diag.wire.clear_login import Login, clear_login_dialogue, read_clear_login
from diag.wire.end_of_data import ENDINGS, Ended, labelled, message_dialogue, read_message
from diag.wire.login import LoginEnd
from diag.wire.login_pop3 import read_pop3_login
from diag.wire.transcript import Closed, Ending, Event, Opened, Said, Transcript, Who

LINES = ("Subject: x", "", "text", ".dot")


def talk(*lines: str | bytes | Ending) -> Transcript:
    """`> command`, `= content` (without an ending of its own), else what the peer says; CRLF is added."""
    events: list[Event] = [Opened(0, "192.0.2.1", 25)]
    how = Ending.BY_US
    for line in lines:
        match line:
            case Ending():
                how = line
            case bytes():
                events.append(Said(1, Who.US, line, False, content=True))
            case str():
                who = Who.US if line.startswith("> ") else Who.PEER
                events.append(Said(1, who, line.removeprefix("> ").encode() + b"\r\n", False))
    return Transcript((*events, Closed(9, how, "")))


def chunking() -> Dialogue:
    return chunking_dialogue("mx", "me", "none", "anna@d.example", timeout=60)


def offered(*keywords: str) -> str:
    return "\r\n".join(["250-mx", *(f"250-{word}" for word in keywords[:-1]), f"250 {keywords[-1]}"])


def steps(dialogue: Dialogue, ehlo: str, *replies: str) -> list[bytes]:
    """What a dialogue says to these replies, "" being silence; it ends where they run out."""
    waiting = iter(("220 mx", ehlo, *replies))
    lines: list[bytes] = []
    try:
        action: Action = next(dialogue.steps)
        while True:
            if isinstance(action, Say):
                lines.append(action.octets)
                action = dialogue.steps.send(None)
                continue
            assert isinstance(action, Hear), action
            reply = next(waiting, None)
            if reply is None:
                return lines
            heard = tuple(line.encode() + b"\r\n" for line in reply.split("\r\n")) if reply else ()
            action = dialogue.steps.send(heard)
    except StopIteration:
        return lines


def test_a_chunk_is_taken_back() -> None:
    lines = steps(chunking(), offered("CHUNKING"), "250 Ok", "250 Ok", "250 2 octets", "250 Ok", "221 Bye")
    assert lines[1:] == [
        b"MAIL FROM:<>\r\n",
        b"RCPT TO:<anna@d.example>\r\n",
        b"BDAT 2\r\n",
        b"\r\n",
        b"RSET\r\n",
        b"QUIT\r\n",
    ]


def test_nothing_is_begun_where_chunks_are_not_offered_or_the_recipient_is_not_taken() -> None:
    assert steps(chunking(), offered("SIZE"), "221 Bye")[1:] == [b"QUIT\r\n"]
    assert b"BDAT 2\r\n" not in steps(chunking(), offered("CHUNKING"), "250 Ok", "550 no", "221 Bye")


BEGUN = (
    "220 mx",
    "> EHLO me",
    "250 CHUNKING",
    "> MAIL FROM:<>",
    "250 Ok",
    "> RCPT TO:<a@d.example>",
    "250 Ok",
)


@pytest.mark.parametrize(
    ("rest", "outcome"),
    [
        (("250 2 octets", "> RSET", "250 Ok", "> QUIT", "221 Bye"), Chunks.TAKEN),
        (("500 5.5.2 what?", "> QUIT", "500 5.5.2 what?", "221 Bye"), Chunks.REFUSED),
        (("502 no", "> QUIT", "221 Bye"), Chunks.REFUSED),
        (("503 no recipients", "> QUIT", "221 Bye"), Chunks.REFUSED),
        (("550 5.7.1 policy", "> QUIT", "221 Bye"), Chunks.UNKNOWN),
        (("502 5.7.1 policy", "> QUIT", "221 Bye"), Chunks.UNKNOWN),
        (("503 192.0.2.9 is listed in zen.example", "> QUIT", "221 Bye"), Chunks.UNKNOWN),
        (("554 no", "> QUIT", "221 Bye"), Chunks.UNKNOWN),
        (("452 later", "> QUIT", "221 Bye"), Chunks.UNKNOWN),
        (("421 too many",), Chunks.UNKNOWN),
        ((Ending.RESET,), Chunks.BROKEN),
        ((Ending.SILENT,), Chunks.BROKEN),
    ],
)
def test_what_became_of_the_chunk(rest: tuple[str | Ending, ...], outcome: Chunks) -> None:
    assert read_chunking(talk(*BEGUN, "> BDAT 2", b"\r\n", *rest)).outcome is outcome


def test_without_a_chunk_nothing_is_known_and_the_last_word_is_told() -> None:
    read = read_chunking(talk(*BEGUN[:-1], "450 4.7.1 greylisted", "> QUIT", "221 Bye"))
    assert read.outcome is Chunks.UNKNOWN
    assert '"450 4.7.1 greylisted"' in read.because


def message(ending: str) -> Dialogue:
    return message_dialogue("mx", "me", "none", "anna@d.example", LINES, ending, timeout=60)


ENVELOPE = ("250 Ok", "250 Ok", "354 go on")


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_sequence_stands_where_the_end_would_and_the_true_end_follows(ending: str) -> None:
    lines = steps(message(ending), offered("SIZE"), *ENVELOPE, "", "250 Ok", "221 Bye")
    assert lines[4:] == [
        b"Subject: x\r\n\r\ntext\r\n..dot" + ENDINGS[ending],
        b"NOOP\r\n.\r\n",
        b"QUIT\r\n",
    ]
    whole = lines[4] + lines[5]
    assert whole.count(b"\r\n.\r\n") == 1, "one true end"
    assert whole.endswith(b"\r\n.\r\n")


def test_whoever_takes_it_early_is_told_no_more() -> None:
    lines = steps(message("LF.LF"), offered("SIZE"), *ENVELOPE, "250 queued", "221 Bye")
    assert lines[-1] == b"QUIT\r\n"
    assert b"NOOP\r\n.\r\n" not in lines


def test_an_ordinary_message_ends_once() -> None:
    lines = steps(message(""), offered("SIZE"), *ENVELOPE, "250 queued", "221 Bye")
    assert lines[4:] == [b"Subject: x\r\n\r\ntext\r\n..dot\r\n.\r\n", b"QUIT\r\n"]


def test_a_mailbox_beyond_ascii_is_named_with_smtputf8_or_not_at_all() -> None:
    def to(keyword: str) -> list[bytes]:
        dialogue = message_dialogue("mx", "me", "none", "änne@d.example", LINES, "", timeout=60)
        return steps(dialogue, offered(keyword), "250 Ok", "550 no", "221 Bye")

    assert to("SMTPUTF8")[1] == b"MAIL FROM:<> SMTPUTF8\r\n"
    assert to("SIZE")[1:] == [b"QUIT\r\n"]


SENT = (*BEGUN, "> DATA", "354 go")
TEXT = (b"Subject: x\r\n", b"text\n", b".\n")
REST = (b"NOOP\r\n", b".\r\n")


@pytest.mark.parametrize(
    ("after", "ended"),
    [
        (("250 queued", "> QUIT", "221 Bye"), Ended.EARLY),
        ((*REST, "250 queued", "> QUIT", "221 Bye"), Ended.RIGHTLY),
        ((*REST, "250 queued", "> QUIT", "421 Bye"), Ended.RIGHTLY),
        ((*REST, "250 queued", "250 noop", "500 what?", "> QUIT", "221 Bye"), Ended.EARLY),
        ((*REST, "250 queued", "> QUIT", "503 5.5.0 improper use of pipelining", "221 Bye"), Ended.EARLY),
        ((*REST, "250 queued", "> QUIT", Ending.BY_PEER), Ended.UNKNOWN),
        (("550 5.5.2 bare LF", "> QUIT", "221 Bye"), Ended.RIGHTLY),
        (("550 5.7.1 spam", "> QUIT", "221 Bye"), Ended.UNKNOWN),
        (("550 192.0.2.9 is on a blocklist", "> QUIT", "221 Bye"), Ended.UNKNOWN),
        (("451 later", "> QUIT", "221 Bye"), Ended.UNKNOWN),
        (("421 4.7.0 bye",), Ended.UNKNOWN),
        ((*REST, "554 no", "> QUIT", "221 Bye"), Ended.RIGHTLY),
        ((*REST, "452 full", "> QUIT", "221 Bye"), Ended.UNKNOWN),
        ((Ending.BY_PEER,), Ended.RIGHTLY),
        ((*REST, Ending.RESET), Ended.RIGHTLY),
        ((*REST, Ending.SILENT), Ended.UNKNOWN),
    ],
)
def test_what_a_host_made_of_the_message(after: tuple[str | bytes | Ending, ...], ended: Ended) -> None:
    assert read_message(talk(*SENT, *TEXT, *after), "LF.LF").ended is ended


@pytest.mark.parametrize(
    ("after", "ended"),
    [
        (("250 queued", "> QUIT", "221 Bye"), Ended.TAKEN),
        (("554 no", "> QUIT", "221 Bye"), Ended.UNKNOWN),
        ((Ending.BY_PEER,), Ended.UNKNOWN),
    ],
)
def test_what_became_of_an_ordinary_message(after: tuple[str | Ending, ...], ended: Ended) -> None:
    assert read_message(talk(*SENT, *TEXT, *after), "").ended is ended


def test_a_message_that_was_not_begun_decides_nothing() -> None:
    read = read_message(talk(*SENT[:-1], "451 4.3.0 not now", "> QUIT", "221 Bye"), "LF.LF")
    assert read.ended is Ended.UNKNOWN
    assert '"451 4.3.0 not now"' in read.because


def test_a_test_message_says_what_it_is_and_no_field_begins_another() -> None:
    lines = labelled(
        author="me@d.example\r\nBcc: all@d.example",
        recipient="anna@d.example",
        message_id="n@d.example",
        date="Sat, 21 Nov 2026 09:00:00 +0000",
        about="LF.LF",
        body=("nonce",),
    )
    head, text = lines[: lines.index("")], lines[lines.index("") :]
    assert [line.partition(":")[0] for line in head] == [
        *("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type")
    ]
    assert "may be deleted" in head[2]
    assert any("test message of maildiag" in line for line in text)


def login() -> Dialogue:
    return clear_login_dialogue("mx", "me", "anna", b"se cret", timeout=60)


def test_the_password_is_said_only_where_it_is_asked_for() -> None:
    plain = b"\0anna\0se cret"
    lines = steps(login(), offered("AUTH PLAIN LOGIN"), "334 ", "235 Ok", "221 Bye")
    assert lines[1:] == [b"AUTH PLAIN\r\n", base64.b64encode(plain) + b"\r\n", b"QUIT\r\n"]
    lines = steps(login(), offered("AUTH LOGIN"), "334 VXNlcg==", "334 UGFzcw==", "235 Ok", "221 Bye")
    assert [base64.b64decode(line) for line in lines[2:4]] == [b"anna", b"se cret"]
    assert steps(login(), offered("AUTH PLAIN"), "538 TLS", "221")[1:] == [b"AUTH PLAIN\r\n", b"QUIT\r\n"]
    assert steps(login(), offered("AUTH CRAM-MD5", "STARTTLS"), "221")[1:] == [b"QUIT\r\n"]
    assert steps(login(), offered("STARTTLS"), "221")[1:] == [b"QUIT\r\n"]


AUTH = ("220 mx", "> EHLO me", "250 AUTH PLAIN", "> AUTH PLAIN")
ASKED = ("334 ", "> [redacted]")


@pytest.mark.parametrize(
    ("after", "outcome"),
    [
        ((*ASKED, "235 Ok", "> QUIT", "221 Bye"), Login.TAKEN),
        (("538 5.7.11 encryption", "> QUIT", "221 Bye"), Login.REFUSED),
        (("503 5.5.1 not enabled", "> QUIT", "221 Bye"), Login.REFUSED),
        ((*ASKED, "530 5.7.0 STARTTLS first", "> QUIT", "221 Bye"), Login.REFUSED),
        ((*ASKED, "535 5.7.11 encryption", "> QUIT", "221 Bye"), Login.REFUSED),
        ((*ASKED, "535 5.7.8 failed", "> QUIT", "221 Bye"), Login.FAILED),
        ((*ASKED, "534 5.7.9 too weak for this user", "> QUIT", "221 Bye"), Login.FAILED),
        ((*ASKED, "454 4.7.0 later", "> QUIT", "221 Bye"), Login.UNKNOWN),
        ((*ASKED, "421 bye"), Login.UNKNOWN),
        (("554 192.0.2.9 is on a blocklist", "> QUIT", "221 Bye"), Login.UNKNOWN),
        (("334 ", Ending.SILENT), Login.UNKNOWN),
        ((*ASKED, Ending.BY_PEER), Login.UNKNOWN),
    ],
)
def test_what_became_of_the_login(after: tuple[str | Ending, ...], outcome: Login) -> None:
    assert read_clear_login(talk(*AUTH, *after)).login is outcome


@pytest.mark.parametrize(
    ("said", "end"),
    [
        ("-ERR [SYS/TEMP/DB] later", LoginEnd.PUT_OFF),
        ("-ERR [IN-USE] locked", LoginEnd.PUT_OFF),
        ("-ERR [SYS/PERM] never", LoginEnd.UNSETTLED),
        ("-ERR [AUTH/BAD] no", LoginEnd.REJECTED),
        ("-ERR [AUTHENTIC] no", LoginEnd.UNSETTLED),
    ],
)
def test_detail_of_a_response_code_is_passed_over(said: str, end: LoginEnd) -> None:
    lines = ("+OK ready", "> USER anna", "+OK", "> PASS [redacted]", said, "> QUIT", "+OK")
    assert read_pop3_login(talk(*lines)).end is end


def test_a_failed_login_quotes_the_line() -> None:
    tried = read_clear_login(talk(*AUTH, *ASKED, "535 5.7.8 failed", "> QUIT", "221 Bye"))
    assert '"535 5.7.8 failed"' in tried.because


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from(["> AUTH PLAIN", "> BDAT 2", "> QUIT", "> DATA", "334 ", "25", "250 x", "x"]))
)
def test_no_transcript_makes_a_reader_raise(lines: list[str]) -> None:
    for transcript in (talk(*lines), talk(*lines, b"NOOP\r\n", *lines), Transcript(())):
        read_chunking(transcript)
        read_message(transcript, "LF.LF")
        read_message(transcript, "")
        read_clear_login(transcript)
