"""What an IMAP conversation shows beside its capabilities: who the server is, tags, and how it takes leave."""

from __future__ import annotations

import time

import pytest
from wire_said import noted

from diag.wire.imap import parse_response
from diag.wire.reading import ImapSession, read_imap
from diag.wire.transcript import Said

BEGUN = ("< * OK hi", "> a1 CAPABILITY", "< * CAPABILITY IMAP4rev1 ID", "< a1 OK done")


def read(*more: str) -> ImapSession:
    return read_imap(noted(*BEGUN, *more))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b'* ID ("name" "Cyrus" "Version" "1.5" "os" NIL)', {"name": "Cyrus", "version": "1.5"}),
        (b'* ID ("name" "NIL" "os" "Li\\"nux")', {"name": "NIL", "os": r"Li\"nux"}),
        (b"* ID NIL", {}),
        (b'* ID ("name")', {}),
        (b'a4 ID ("name" "x")', {}),
        (b'* OK ("name" "x")', {}),
    ],
)
def test_what_a_server_tells_of_itself(said: bytes, told: dict[str, str]) -> None:
    assert dict(parse_response([said + b"\r\n"]).identity) == told


def test_a_hostile_identity_is_read_in_linear_time() -> None:
    response = parse_response([b"* ID (" + b'"\\' * 30000 + b"\r\n"])
    begun = time.process_time()
    assert response.identity == {}
    assert time.process_time() - begun < 1


def test_asking_who_it_is_goes_together_with_the_leave() -> None:
    session = read(
        "> a4 ID NIL", "> a9 LOGOUT", '< * ID ("name" "x" "version" "1")', "< a4 OK", "< * BYE", "< a9 OK"
    )
    assert dict(session.identity) == {"name": "x", "version": "1"}
    assert session.identity_event is not None
    assert (session.left_without_bye, session.strange_tag) == (False, None)


@pytest.mark.parametrize(
    ("said", "without"),
    [
        (("< * BYE", "< a9 OK"), False),
        (("< a9 OK", "< * BYE"), True),
        (("< a9 OK",), True),
        (("< a9 BAD no",), False),
        (("< * BYE",), False),
        ((), False),
    ],
)
def test_how_it_takes_leave(said: tuple[str, ...], without: bool) -> None:
    assert read("> a9 LOGOUT", *said).left_without_bye is without


@pytest.mark.parametrize(
    ("said", "strange"),
    [("< A9 OK", "A9 OK"), ("< b1 OK", "b1 OK"), ("< a9 OK", ""), ("< hello OK world", "hello OK world"), ("< x y", "")],
)  # fmt: skip
def test_tags_that_no_command_had(said: str, strange: str) -> None:
    transcript = noted(*BEGUN, "> a9 LOGOUT", "< * BYE", said)
    event = read_imap(transcript).strange_tag
    line = transcript.events[event] if event is not None else None
    assert (line.octets.decode().strip() if isinstance(line, Said) else "") == strange
