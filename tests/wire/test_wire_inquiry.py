"""What the talks that ask a host for its mailboxes say, and how their transcripts are read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from diag.wire.actions import Dialogue, Hear, Say
from diag.wire.inquiry import (
    Trait,
    inquiry_dialogue,
    read_inquiry,
    read_strangers,
    strangers_dialogue,
)
from diag.wire.transcript import Closed, Ending, Event, Opened, Said, Transcript, Who

NOBODY = ("n@d.example", "m@d.example")


def talk(*lines: str, ends: Ending = Ending.BY_US) -> Transcript:
    """`> ` we say; `>> ` we say it as the rest of a line; a line that ends in `$` ends in LF alone."""
    events: list[Event] = [Opened(0, "192.0.2.1", 25)]
    for line in lines:
        who = Who.US if line.startswith(">") else Who.PEER
        text = line.removeprefix(">> ").removeprefix("> ")
        octets = text[:-1].encode() + b"\n" if text.endswith("$") else text.encode() + b"\r\n"
        events.append(Said(1, who, octets, False, content=line.startswith(">> ")))
    return Transcript((*events, Closed(9, ends, "")))


def said(dialogue: Dialogue, *replies: str) -> list[bytes]:
    """What the dialogue says to these replies, the greeting first; "" is silence."""
    waiting, lines = iter(replies), []
    action = next(dialogue.steps)
    try:
        while True:
            if isinstance(action, Say):
                lines.append(action.octets)
                action = dialogue.steps.send(None)
            else:
                assert isinstance(action, Hear)
                reply = next(waiting)
                action = dialogue.steps.send((reply.encode() + b"\r\n",) if reply else ())
    except StopIteration:
        return lines


START = ("220 mx", "> EHLO me", "250 mx")
ONE, TWO, EXPN, VERB, NOOP = "> VRFY postmaster", "> VRFY n", "> EXPN postmaster", "> MAILDIAG", "> NOOP"
BARE, REST = "> NOOP$", ">> "
UNSURE = (*START, ONE, "252 may be", TWO, "252 may be")
QUIET = (*UNSURE, EXPN, "502 no", NOOP, "250 Ok", BARE, REST, "500 what", "> QUIT", "221 Bye")
READ: dict[str, tuple[Transcript, set[Trait]]] = {
    "tells nothing": (talk(*QUIET), set()),
    "250 and 550": (talk(*START, ONE, "250 <postmaster@d>", TWO, "550 5.1.1 unknown"), {Trait.VRFY}),
    "252 and 550 tells as much": (talk(*START, ONE, "252 may be", TWO, "550 5.1.1 unknown"), {Trait.VRFY}),
    "550 by policy": (talk(*START, ONE, "252 may be", TWO, "550 5.7.1 not for you"), set()),
    "550 for both": (talk(*START, ONE, "550 5.1.1 no", TWO, "550 5.1.1 no"), set()),
    "not known at all": (talk(*START, ONE, "502 no", TWO, "502 no", EXPN, "502 no"), set()),
    "expands": (talk(*UNSURE, EXPN, "250-Anna <anna@d>", "250 <otto@d>"), {Trait.EXPN}),
    "takes note": (talk(*UNSURE, EXPN, "250 Ok"), set()),
    "hangs up at the unknown": (talk(*UNSURE, EXPN, "252 x", VERB, ends=Ending.BY_PEER), {Trait.FATAL}),
    "hangs up after an error": (talk(*START, ONE, "502 no", TWO, ends=Ending.RESET), {Trait.FATAL}),
    "says that one was too many": (talk(*START, ONE, "502 no", TWO, "421 too many errors"), {Trait.FATAL}),
    "three were too many": (
        talk(*START, ONE, "502 no", TWO, "502 no", EXPN, "502 no", BARE, ends=Ending.BY_PEER),
        set(),
    ),
    "falls silent": (talk(*UNSURE, EXPN, "252 x", VERB, ends=Ending.SILENT), set()),
    "hangs up at a bare LF, rightly": (
        talk(*UNSURE, EXPN, "502 no", NOOP, "250 Ok", BARE, ends=Ending.BY_PEER),
        set(),
    ),
    "hangs up at NOOP without an error": (talk(*UNSURE, EXPN, "252 x", NOOP, ends=Ending.BY_PEER), set()),
    "takes a bare LF": (talk(*UNSURE, EXPN, "252 x", BARE, "250 Ok", "> QUIT", "221 Bye"), {Trait.BARE_LF}),
    "answers once the line has ended": (
        talk(*UNSURE, EXPN, "252 x", BARE, REST, "250 Ok", "> QUIT", "221 Bye"),
        set(),
    ),
    "refuses a bare LF": (talk(*UNSURE, EXPN, "252 x", BARE, "521 5.5.2 bare <LF>"), set()),
}


@pytest.mark.parametrize(("transcript", "traits"), READ.values(), ids=READ)
def test_readings(transcript: Transcript, traits: set[Trait]) -> None:
    read = read_inquiry(transcript)
    assert {trait for trait, _ in read.shown} == traits
    assert read.because == ""


@pytest.mark.parametrize(
    "transcript",
    [
        talk("421 busy", ends=Ending.BY_PEER),
        talk("220 mx", "> EHLO me", "451 later", "> QUIT", "221 Bye"),
        talk(*START, ONE, "421 too many connections"),
        talk(*START, ONE, "554 5.7.1 blocked using zen.spamhaus.org"),
        talk(*START, ONE, ends=Ending.SILENT),
        Transcript((Closed(0, Ending.REFUSED, ""),)),
    ],
)
def test_who_turns_us_away_has_shown_nothing(transcript: Transcript) -> None:
    read = read_inquiry(transcript)
    assert read.shown == ()
    assert read.because


def test_an_unknown_command_is_said_only_where_no_error_was_survived_yet() -> None:
    begun = ("220 mx", "250 mx")
    dialogue = inquiry_dialogue("mx", "me", "none", "n", timeout=60)
    lines = said(dialogue, *begun, "252 x", "252 x", "252 x", "500 what", "250 Ok", "", "500 what", "221 Bye")
    asked = [b"EHLO me\r\n", b"VRFY postmaster\r\n", b"VRFY n\r\n", b"EXPN postmaster\r\n"]
    end = [b"NOOP\n", b"\r\n", b"QUIT\r\n"]
    assert lines == [*asked, b"MAILDIAG\r\n", b"NOOP\r\n", *end]
    dialogue = inquiry_dialogue("mx", "me", "none", "n", timeout=60)
    assert said(dialogue, *begun, "502 x", "502 x", "502 x", "", "500", "221 Bye") == [*asked, *end]


STRANGERS = {
    "both are taken": (("> RCPT TO:<n@d.example>", "250 Ok", "> RCPT TO:<m@d.example>", "251 Ok"), True),
    "the first is refused": (("> RCPT TO:<n@d.example>", "550 unknown"), False),
    "the second is refused": (
        ("> RCPT TO:<n@d.example>", "250 Ok", "> RCPT TO:<m@d.example>", "550 no"),
        False,
    ),
    "unsure": (("> RCPT TO:<n@d.example>", "252 will try"), False),
    "greylisted": (("> RCPT TO:<n@d.example>", "450 4.2.0 greylisted"), None),
    "listed": (("> RCPT TO:<n@d.example>", "554 5.7.1 blocked using zen.spamhaus.org"), None),
    "one is taken, and then nothing": (("> RCPT TO:<n@d.example>", "250 Ok"), None),
    "nothing was said": ((), None),
}


@pytest.mark.parametrize(("lines", "taken"), STRANGERS.values(), ids=STRANGERS)
def test_strangers(lines: tuple[str, ...], taken: bool | None) -> None:
    read = read_strangers(talk(*START, "> MAIL FROM:<p@away>", "250 Ok", *lines), NOBODY)
    assert read.taken is taken
    assert bool(read.because) is (taken is None)


def test_a_sender_that_is_refused_gives_way_to_the_null_one_and_the_first_no_ends_it() -> None:
    dialogue = strangers_dialogue("mx", "me", "none", "p@away", NOBODY, timeout=60)
    lines = said(dialogue, "220 mx", "250 mx", "550 no mx", "250 Ok", "550 unknown", "250 Ok", "221 Bye")
    assert lines[1:] == [
        b"MAIL FROM:<p@away>\r\n",
        b"MAIL FROM:<>\r\n",
        b"RCPT TO:<n@d.example>\r\n",
        b"RSET\r\n",
        b"QUIT\r\n",
    ]


@settings(max_examples=60)
@given(
    st.lists(
        st.one_of(st.sampled_from([ONE, TWO, EXPN, VERB, NOOP, BARE, REST, "250 a@b", "550"]), st.text())
    )
)
def test_nothing_raises(lines: list[str]) -> None:
    for ends in (Ending.BY_PEER, Ending.SILENT):
        read_inquiry(talk(*lines, ends=ends))
        read_strangers(talk(*lines, ends=ends), NOBODY)
