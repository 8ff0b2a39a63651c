"""Where a reply offers something: the line that holds it, in all four protocols, and never another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from wire_said import noted

from diag.wire.offering import MOST_LINES, AnyOffer, offering, with_keyword, with_login
from diag.wire.reading import read_imap, read_pop3, read_sieve, read_smtp
from diag.wire.transcript import Said, Transcript

Holds = Callable[[AnyOffer], bool]


def smtp(*lines: str | bytes) -> tuple[Transcript, Any, AnyOffer, int | None]:
    transcript = noted("< 220 mx", "> EHLO me", *lines)
    session = read_smtp(transcript)
    assert session.offer is not None
    assert session.ehlo is not None
    return transcript, session.exchanges, session.offer, session.ehlo.last


def imap(*lines: str | bytes) -> tuple[Transcript, Any, AnyOffer, int | None]:
    transcript = noted("< * OK AUTH=PLAIN", "> a1 CAPABILITY", *lines)
    session = read_imap(transcript)
    assert session.capabilities is not None
    return transcript, session.exchanges, session.capabilities, session.capabilities.event


def pop3(*lines: str | bytes) -> tuple[Transcript, Any, AnyOffer, int | None]:
    transcript = noted("< +OK SASL PLAIN", "> CAPA", *lines, "< .")
    session = read_pop3(transcript)
    assert session.capa is not None
    return transcript, session.exchanges, session.capa, session.capa.event


def sieve(*lines: str | bytes) -> tuple[Transcript, Any, AnyOffer, int | None]:
    transcript = noted(*lines)
    session = read_sieve(transcript)
    assert session.capabilities is not None
    return transcript, session.exchanges, session.capabilities, session.capabilities.event


AUTH = with_login("PLAIN")


@pytest.mark.parametrize(
    ("heard", "holds", "expected"),
    [
        # The first line of a reply to EHLO names the host, whatever that is called.
        (smtp("< 250-AUTH PLAIN", "< 250-SIZE 1", "< 250-AUTH PLAIN LOGIN", "< 250 8BITMIME"), AUTH, [5]),
        (smtp("< 250-mx", "< 250-auth=login plain", "< 250-AUTH LOGIN PLAIN", "< 250 X"), AUTH, [4, 5]),
        (smtp("< 250-mx", "< 250-XAUTH PLAIN", "< 250 PLAIN"), AUTH, []),
        (smtp("< 250-mx", "< 250-XSTARTTLS", "< 250 starttls"), with_keyword("STARTTLS"), [5]),
        # A line that a limit cut is one line, and what follows the cut begins none.
        (smtp("< 250-mx", b"250-X ", b"250-AUTH PLAIN\r\n", "< 250 AUTH PLAIN"), AUTH, [6]),
        (smtp("< 250-mx", b"250-AUTH LOG", b"IN PLAIN\r\n", "< 250 X"), AUTH, [4]),
        (imap("< * CAPABILITY IMAP4rev1 auth=plain", "< a1 OK AUTH=PLAIN"), AUTH, [3]),
        (imap("< * OK AUTH=PLAIN", "< * CAPABILITY IMAP4rev1", "< a1 OK done"), AUTH, []),
        # A code counts only where there is no line of its own.
        (imap("< * CAPABILITY IMAP4rev1", "< a1 OK [CAPABILITY AUTH=PLAIN] done"), AUTH, []),
        (imap("< * OK still here", "< a1 OK [CAPABILITY AUTH=PLAIN] done"), AUTH, [4]),
        (
            imap("< * X {29}", "< * CAPABILITY AUTH=PLAIN  x", "< ", "< * CAPABILITY X", "< a1 OK done"),
            AUTH,
            [],
        ),
        (pop3("< +OK SASL PLAIN", "< USER", "< SASL LOGIN PLAIN", "< TOP"), AUTH, [5]),
        (pop3("< +OK", "< USER", "< SASL LOGIN PLAIN"), with_keyword("user"), [4]),
        (pop3("< +OK", "< X USER", "< TOP"), with_keyword("USER"), []),
        (sieve('< "IMPLEMENTATION" "SASL PLAIN"', '< "SASL" "login plain"', '< OK "PLAIN"'), AUTH, [2]),
        (sieve('< "X" {19}', '< "SASL" "PLAIN"   ', '< "SASL" "X"', "< OK"), AUTH, []),
    ],
)
def test_the_line_that_offers_it(
    heard: tuple[Transcript, Any, AnyOffer, int | None], holds: Holds, expected: list[int]
) -> None:
    transcript, steps, offer, ends = heard
    assert list(offering(transcript, steps, ends, offer, holds)) == expected


def test_no_more_lines_than_a_reader_follows() -> None:
    transcript, steps, offer, ends = smtp("< 250-mx", *["< 250-AUTH PLAIN"] * 9, "< 250 X")
    assert len(offering(transcript, steps, ends, offer, AUTH)) == MOST_LINES


def test_a_reply_that_is_not_there_has_no_line() -> None:
    transcript, steps, offer, _ = smtp("< 250-mx", "< 250 AUTH PLAIN")
    assert offering(transcript, steps, None, offer, AUTH) == ()
    assert offering(transcript, steps, 0, offer, AUTH) == ()


LINE = st.sampled_from(
    [b"250-AUTH PLAIN\r\n", b"250-SIZE\n", b"250-", b"AUTH PLAIN\r\n", b"\xff {9}\r\n", b"250 \r\n"]
)


@settings(max_examples=100)
@given(st.lists(LINE, max_size=8))
def test_what_is_pointed_at_holds_the_word(lines: list[bytes]) -> None:
    transcript = noted("< 220 mx", "> EHLO me", "< 250-mx", *lines, "< 250 X")
    session = read_smtp(transcript)
    if session.offer is None or session.ehlo is None:
        return
    for at in offering(transcript, session.exchanges, session.ehlo.last, session.offer, AUTH):
        said = b"".join(each.octets for each in transcript.events[at:] if isinstance(each, Said))
        assert b"AUTH PLAIN" in said.partition(b"\n")[0]
