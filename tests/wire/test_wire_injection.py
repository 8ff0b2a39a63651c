"""What the talk that slips a command in says, and how its transcript is read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from diag.tls.handshake import Handshake, TlsFailure, TlsTrouble
from diag.wire.actions import Outcome, Say, Secure
from diag.wire.injection import Obeyed, injection_dialogue, read_injection
from diag.wire.transcript import Closed, Ending, Event, Opened, Said, Secured, Transcript, Who

MADE = Secured(2, Handshake("TLSv1.3", "TLS_AES_256_GCM_SHA384"), b"")
FAILED = Secured(2, TlsFailure(TlsTrouble.CLOSED), b"")


def talk(*script: str | Event, ends: Ending = Ending.BY_US) -> Transcript:
    """A transcript from lines: `> ` we say, `~` at the front is under TLS."""
    events: list[Event] = [Opened(0, "192.0.2.1", 25)]
    for item in script:
        if isinstance(item, str):
            secure, text = item.startswith("~"), item.removeprefix("~")
            who = Who.US if text.startswith("> ") else Who.PEER
            events.append(Said(1, who, text.removeprefix("> ").encode() + b"\r\n", secure))
        else:
            events.append(item)
    return Transcript((*events, Closed(9, ends, "")))


BEFORE = ("220 mx", "> EHLO me", "250-mx", "250 STARTTLS", "> STARTTLS", "> NOOP")
SOUND = ("~> QUIT", "~221 Bye")
ONE_TOO_MANY = ("~> QUIT", "~250 2.0.0 Ok", "~221 Bye")

READINGS = {
    "forgotten": (talk(*BEFORE, "220 Go", MADE, *SOUND), Obeyed.NO),
    "obeyed": (talk(*BEFORE, "220 Go", MADE, *ONE_TOO_MANY), Obeyed.YES),
    "greeted again": (
        talk(
            *BEFORE,
            "220 Go",
            MADE,
            "~> QUIT",
            "~220 mx",
            "~221 Bye",
        ),
        Obeyed.NO,
    ),
    "a reply too many, and none to a NOOP": (
        talk(
            *BEFORE,
            "220 Go",
            MADE,
            "~> QUIT",
            "~221 Bye",
            "~250 Ok",
        ),
        Obeyed.NO,
    ),
    "refused": (talk(*BEFORE, "554 5.5.1 synchronization", "> QUIT", "221 Bye"), Obeyed.NO),
    "closed": (talk(*BEFORE, ends=Ending.BY_PEER), Obeyed.NO),
    "handshake closed": (talk(*BEFORE, "220 Go", FAILED, ends=Ending.TLS_FAILED), Obeyed.NO),
    "answered in clear": (talk(*BEFORE, "220 Go", "250 Ok", MADE, *SOUND), Obeyed.NO),
    "silent": (talk(*BEFORE, ends=Ending.SILENT), Obeyed.UNKNOWN),
    "throttled": (talk("421 4.7.0 busy", ends=Ending.BY_PEER), Obeyed.UNKNOWN),
    "nothing": (Transcript((Closed(0, Ending.REFUSED, ""),)), Obeyed.UNKNOWN),
}


@pytest.mark.parametrize(("heard", "obeyed"), READINGS.values(), ids=READINGS)
def test_a_command_was_obeyed_where_there_is_a_reply_too_many(heard: Transcript, obeyed: Obeyed) -> None:
    assert read_injection(heard).obeyed is obeyed


def test_the_reply_that_shows_it_is_cited_and_quoted() -> None:
    heard = talk(*BEFORE, "220 Go", MADE, *ONE_TOO_MANY)
    read = read_injection(heard)
    assert read.event is not None
    said = heard.events[read.event]
    assert isinstance(said, Said)
    assert said.octets == b"250 2.0.0 Ok\r\n"
    assert read.line == "250 2.0.0 Ok"


def test_what_leaves_it_unknown_is_quoted() -> None:
    assert "421 4.7.0 busy" in read_injection(talk("421 4.7.0 busy", ends=Ending.BY_PEER)).because


def played(*replies: bytes) -> list[object]:
    """What the dialogue does when it hears these replies in turn."""
    steps = injection_dialogue("mx.example", "me", timeout=60).steps
    heard = iter(replies)
    done: list[object] = []
    outcome: Outcome = None
    while True:
        try:
            action = steps.send(outcome)
        except StopIteration:
            return done
        outcome = None
        match action:
            case Say(octets=octets):
                done.append(octets)
            case Secure():
                done.append("TLS")
                outcome = MADE.handshake
            case _:
                outcome = tuple(next(heard).splitlines(keepends=True))


OFFER = b"250-mx\r\n250 STARTTLS\r\n"


def test_the_command_goes_in_the_same_write_as_starttls() -> None:
    done = played(b"220 mx\r\n", OFFER, b"220 Go\r\n", b"221 Bye\r\n")
    assert done == [b"EHLO me\r\n", b"STARTTLS\r\nNOOP\r\n", "TLS", b"QUIT\r\n"]


@pytest.mark.parametrize(
    "replies",
    [
        (b"554 no\r\n", b"221 Bye\r\n"),
        (b"220 mx\r\n", b"250 mx\r\n", b"221 Bye\r\n"),
        (b"220 mx\r\n", b"502 what\r\n", b"221 Bye\r\n"),
    ],
)
def test_nothing_is_slipped_in_where_starttls_is_not_offered(replies: tuple[bytes, ...]) -> None:
    done = played(*replies)
    assert b"STARTTLS\r\nNOOP\r\n" not in done
    assert done[-1] == b"QUIT\r\n"


@settings(max_examples=80)
@given(
    st.lists(
        st.sampled_from([*BEFORE, *SOUND, *ONE_TOO_MANY, "", "~", "~250", "garbage", "421 x"]), max_size=15
    )
)
def test_reading_never_raises(lines: list[str]) -> None:
    read_injection(talk(*lines, ends=Ending.BY_PEER))


@pytest.mark.parametrize(
    ("keyword", "together"), [("PIPELINING", b"MAIL FROM:<>\r\nRSET\r\nNOOP\r\n"), ("8BITMIME", b"")]
)
def test_on_the_way_harmless_commands_are_said_in_clear_where_they_may_go_together(
    keyword: str, together: bytes
) -> None:
    steps = injection_dialogue("mx", "me", timeout=60).steps
    replies = iter(
        (["220 mx"], ["250-mx", f"250-{keyword}", "250 STARTTLS"], *(["250 Ok"],) * (3 if together else 0))
    )
    said, action = b"", next(steps)
    while not said.endswith(b"STARTTLS\r\nNOOP\r\n"):
        if isinstance(action, Say):
            said += action.octets
            action = steps.send(None)
        else:
            action = steps.send(tuple(line.encode() + b"\r\n" for line in next(replies)))
    assert said == b"EHLO me\r\n" + together + b"STARTTLS\r\nNOOP\r\n"
