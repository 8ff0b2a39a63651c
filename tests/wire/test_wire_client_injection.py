"""The talks that slip a command in before TLS of IMAP and POP3, and how their transcripts are read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from diag.tls.handshake import Handshake, TlsFailure, TlsTrouble
from diag.wire.actions import Dialogue, Outcome, Say, Secure
from diag.wire.client_injection import (
    imap_injection_dialogue,
    pop3_injection_dialogue,
    read_imap_injection,
    read_pop3_injection,
    read_sieve_injection,
    sieve_injection_dialogue,
)
from diag.wire.injection import Obeyed
from diag.wire.transcript import Closed, Ending, Event, Opened, Said, Secured, Transcript, Who

MADE = Secured(2, Handshake("TLSv1.3", "TLS_AES_256_GCM_SHA384"), b"")
FAILED = Secured(2, TlsFailure(TlsTrouble.CLOSED), b"")


def talk(*script: str | Event, ends: Ending = Ending.BY_US) -> Transcript:
    """A transcript from lines: `> ` we say, `~` at the front is under TLS."""
    events: list[Event] = [Opened(0, "192.0.2.1", 143)]
    for item in script:
        if isinstance(item, str):
            secure, text = item.startswith("~"), item.removeprefix("~")
            who = Who.US if text.startswith("> ") else Who.PEER
            events.append(Said(1, who, text.removeprefix("> ").encode() + b"\r\n", secure))
        else:
            events.append(item)
    return Transcript((*events, Closed(9, ends, "")))


IMAP = ("* OK ready", "> a1 STARTTLS", "> a2 NOOP", "a1 OK go")
LOGOUT = ("~> a9 LOGOUT", "~* BYE", "~a9 OK out")
IMAP_READINGS = {
    "forgotten": (talk(*IMAP, MADE, *LOGOUT), Obeyed.NO),
    "obeyed": (talk(*IMAP, MADE, "~> a9 LOGOUT", "~a2 OK done", *LOGOUT[1:]), Obeyed.YES),
    "obeyed at once": (talk(*IMAP, MADE, "~a2 OK done", *LOGOUT), Obeyed.YES),
    "answered, and not done": (talk(*IMAP, MADE, "~> a9 LOGOUT", "~a2 BAD no", *LOGOUT[1:]), Obeyed.NO),
    "answered in clear": (talk(*IMAP, "a2 OK done", MADE, *LOGOUT), Obeyed.NO),
    "refused": (talk(*IMAP[:3], "a1 BAD one thing at a time", "a2 OK done"), Obeyed.NO),
    "hung up": (talk(*IMAP[:3], ends=Ending.BY_PEER), Obeyed.NO),
    "handshake failed": (talk(*IMAP, FAILED, ends=Ending.TLS_FAILED), Obeyed.NO),
    "silent": (talk(*IMAP[:3], ends=Ending.SILENT), Obeyed.UNKNOWN),
    "silent under TLS": (talk(*IMAP, MADE, "~> a9 LOGOUT", ends=Ending.SILENT), Obeyed.UNKNOWN),
    "turned away": (talk("* BYE too many"), Obeyed.UNKNOWN),
    "nothing at all": (Transcript(()), Obeyed.UNKNOWN),
}
POP3 = ("+OK ready", "> STLS", "> CAPA", "+OK go")
LIST = ("~+OK", "~TOP", "~UIDL", "~.")
POP3_READINGS = {
    "nothing but an answer to QUIT": (talk(*POP3, MADE, "~> QUIT", "~+OK bye"), Obeyed.NO),
    "an answer to what came before": (talk(*POP3, MADE, "~> QUIT", *LIST, "~+OK bye"), Obeyed.YES),
    "not done in clear, nor answered": (talk(*POP3, MADE, "~> QUIT", "~-ERR what", "~+OK bye"), Obeyed.NO),
    "forgotten": (talk(*POP3, MADE, "~> CAPA", *LIST, "~> QUIT", "~+OK bye"), Obeyed.NO),
    "obeyed": (talk(*POP3, MADE, "~> CAPA", *LIST, "~> QUIT", *LIST, "~+OK bye"), Obeyed.YES),
    "CAPA not known": (
        talk(*POP3, MADE, "~> CAPA", "~-ERR what", "~> QUIT", "~-ERR what", "~+OK bye"),
        Obeyed.NO,
    ),
    "answered in clear": (
        talk(*POP3, "+OK", "TOP", ".", MADE, "~> CAPA", *LIST, "~> QUIT", "~+OK"),
        Obeyed.NO,
    ),
    "refused": (talk(*POP3[:3], "-ERR no", "> QUIT", "+OK", "TOP", ".", "+OK bye"), Obeyed.NO),
    "silent": (talk(*POP3[:3], ends=Ending.TIME_UP), Obeyed.UNKNOWN),
    "turned away": (talk("-ERR [SYS/TEMP] later", "> QUIT"), Obeyed.UNKNOWN),
    "no more said than asked for": (
        talk(*POP3, MADE, "~> CAPA", *LIST, "~> QUIT", "~+OK", ends=Ending.SILENT),
        Obeyed.NO,
    ),
}
SIEVE = ('"SASL" ""', '"STARTTLS"', "OK", "> STARTTLS", '> NOOP "before-tls"', "OK go")
AGAIN = ('~"SASL" "PLAIN"', "~OK")
NOOP_DONE = '~OK (TAG "before-tls") "done"'
SIEVE_READINGS = {
    "forgotten": (talk(*SIEVE, MADE, *AGAIN, "~> LOGOUT", "~OK bye"), Obeyed.NO),
    "not told again": (talk(*SIEVE, MADE, "~> LOGOUT", "~OK bye"), Obeyed.NO),
    "an OK too many": (talk(*SIEVE, MADE, "~> LOGOUT", "~OK secured", *AGAIN, "~OK bye"), Obeyed.NO),
    "obeyed": (talk(*SIEVE, MADE, "~> LOGOUT", *AGAIN, NOOP_DONE, "~OK bye"), Obeyed.YES),
    "obeyed before all": (talk(*SIEVE, MADE, NOOP_DONE, "~> LOGOUT", *AGAIN, "~OK bye"), Obeyed.YES),
    "the words of another": (talk(*SIEVE, MADE, "~> LOGOUT", '~OK (TAG "x") "done"', "~OK"), Obeyed.NO),
    "kept, and not known": (
        talk(*SIEVE, MADE, *AGAIN, '~NO "Unknown command"', "~> LOGOUT", "~OK bye"),
        Obeyed.UNKNOWN,
    ),
    "no to LOGOUT": (talk(*SIEVE, MADE, *AGAIN, "~> LOGOUT", "~NO"), Obeyed.NO),
    "answered in clear": (
        talk(*SIEVE, NOOP_DONE.removeprefix("~"), MADE, *AGAIN, "~> LOGOUT", "~OK"),
        Obeyed.NO,
    ),
    "refused": (talk(*SIEVE[:5], 'NO "one at a time"', NOOP_DONE.removeprefix("~")), Obeyed.NO),
    "hung up": (talk(*SIEVE[:5], ends=Ending.BY_PEER), Obeyed.NO),
    "silent": (talk(*SIEVE[:5], ends=Ending.SILENT), Obeyed.UNKNOWN),
    "silent under TLS": (talk(*SIEVE, MADE, "~> LOGOUT", ends=Ending.SILENT), Obeyed.UNKNOWN),
    "turned away": (talk("BYE (TRYLATER) busy", "> LOGOUT"), Obeyed.UNKNOWN),
    "nothing at all": (Transcript(()), Obeyed.UNKNOWN),
}


@pytest.mark.parametrize(("transcript", "obeyed"), SIEVE_READINGS.values(), ids=SIEVE_READINGS)
def test_readings_of_managesieve(transcript: Transcript, obeyed: Obeyed) -> None:
    read = read_sieve_injection(transcript)
    assert read.obeyed is obeyed
    assert read.line == (NOOP_DONE.removeprefix("~") if obeyed is Obeyed.YES else "")
    assert bool(read.because) is (obeyed is Obeyed.UNKNOWN)


@pytest.mark.parametrize(("transcript", "obeyed"), IMAP_READINGS.values(), ids=IMAP_READINGS)
def test_readings_of_imap(transcript: Transcript, obeyed: Obeyed) -> None:
    read = read_imap_injection(transcript)
    assert read.obeyed is obeyed
    assert read.line == ("a2 OK done" if obeyed is Obeyed.YES else "")
    assert bool(read.because) is (obeyed is Obeyed.UNKNOWN)


@pytest.mark.parametrize(("transcript", "obeyed"), POP3_READINGS.values(), ids=POP3_READINGS)
def test_readings_of_pop3(transcript: Transcript, obeyed: Obeyed) -> None:
    read = read_pop3_injection(transcript)
    assert read.obeyed is obeyed
    assert bool(read.because) is (obeyed is Obeyed.UNKNOWN)


def test_why_it_is_unknown_quotes_the_peer() -> None:
    transcript, _ = IMAP_READINGS["turned away"]
    assert '"* BYE too many"' in read_imap_injection(transcript).because


@settings(max_examples=60)
@given(
    st.lists(
        st.one_of(
            st.sampled_from([MADE, FAILED, "> STLS", "~a2 OK", "~.", "~a2", "~NO", '~"a" {3}', NOOP_DONE]),
            st.text(),
        )
    )
)
def test_nothing_raises(script: list[str | Event]) -> None:
    read_imap_injection(talk(*script))
    read_pop3_injection(talk(*script))
    read_sieve_injection(talk(*script))


def said(dialogue: Dialogue, *heard: bytes) -> list[bytes]:
    """What we say to these answers; `TLS` stands for the handshake."""
    answers, lines = list(heard), list[bytes]()
    outcome: Outcome = None
    try:
        while True:
            match dialogue.steps.send(outcome):
                case Say(octets):
                    lines.append(octets)
                    outcome = None
                case Secure():
                    lines.append(b"TLS")
                    outcome = MADE.handshake
                case _:
                    if not answers:
                        return lines
                    outcome = tuple(answers.pop(0).splitlines(keepends=True))
    except StopIteration:
        assert not answers, "the dialogue ended before it heard all"
        return lines


def test_what_is_said_to_imap() -> None:
    dialogue = imap_injection_dialogue("imap.example", timeout=60)
    lines = said(dialogue, b"* OK ready\r\n", b"a1 OK go\r\n", b"* BYE\r\na9 OK out\r\n")
    assert lines == [b"a1 STARTTLS\r\na2 NOOP\r\n", b"TLS", b"a9 LOGOUT\r\n"]


def test_imap_that_says_no_is_left_without_a_handshake() -> None:
    dialogue = imap_injection_dialogue("imap.example", timeout=60)
    lines = said(dialogue, b"* OK ready\r\n", b"a1 BAD no\r\n", b"a2 OK\r\n* BYE\r\na9 OK out\r\n")
    assert lines == [b"a1 STARTTLS\r\na2 NOOP\r\n", b"a9 LOGOUT\r\n"]


ASKED = [b"STLS\r\nCAPA\r\n", b"TLS", b"QUIT\r\n"]


def test_pop3_that_answers_one_too_many_is_heard_to_the_end() -> None:
    dialogue = pop3_injection_dialogue("pop3.example", timeout=60)
    heard = (b"+OK ready\r\n", b"+OK go\r\n", b"+OK\r\n", b"TOP\r\n.\r\n", b"+OK bye\r\n")
    assert said(dialogue, *heard) == ASKED


def test_pop3_in_order_is_left_after_quit() -> None:
    dialogue = pop3_injection_dialogue("pop3.example", timeout=60)
    assert said(dialogue, b"+OK ready\r\n", b"+OK go\r\n", b"+OK bye\r\n", b"") == ASKED


def test_pop3_that_does_not_begin_tls_is_not_waited_for() -> None:
    dialogue = pop3_injection_dialogue("pop3.example", timeout=60)
    assert said(dialogue, b"+OK ready\r\n", b"-ERR no\r\n", b"+OK bye\r\n") == [ASKED[0], ASKED[-1]]


SIEVE_ASKED = [b'STARTTLS\r\nNOOP "before-tls"\r\n', b"TLS", b"LOGOUT\r\n"]
TOLD = b'"SASL" ""\r\nOK\r\n'


@pytest.mark.parametrize(
    ("heard", "asked"),
    [
        ((TOLD, b"OK go\r\n", TOLD, b"OK bye\r\n"), SIEVE_ASKED),
        ((TOLD, b"OK go\r\n", TOLD, NOOP_DONE[1:].encode() + b"\r\n", b"OK bye\r\n"), SIEVE_ASKED),
        ((TOLD, b"OK go\r\n", TOLD, b"NO what\r\n", b""), SIEVE_ASKED),
        ((TOLD, b"NO\r\n", b'OK (TAG "before-tls")\r\n', b"OK bye\r\n"), [SIEVE_ASKED[0], SIEVE_ASKED[2]]),
        ((b"BYE busy\r\n", b"OK bye\r\n"), [SIEVE_ASKED[2]]),
    ],
)
def test_what_is_said_to_managesieve(heard: tuple[bytes, ...], asked: list[bytes]) -> None:
    assert said(sieve_injection_dialogue("sieve.example", timeout=60), *heard) == asked
