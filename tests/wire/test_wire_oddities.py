"""What is marked on single lines of a dialogue that is watched."""

from __future__ import annotations

import pytest

from diag.wire.oddities import oddities
from diag.wire.script import Protocol
from diag.wire.transcript import Said, Who


@pytest.mark.parametrize(
    ("octets", "spoken", "found"),
    [
        (b"220 mx\r\n", "smtp", ()),
        (b"220 mx\n", "smtp", ("bare LF",)),
        (b"220 m\rx\r\n", "smtp", ("bare CR",)),
        (b"220 mx", "smtp", ("no line end",)),
        (b"2" * 510 + b"\r\n", "smtp", ()),
        (b"2" * 511 + b"\r\n", "smtp", ("513 octets, 512 at most",)),
        (b"2" * 511 + b"\r\n", "pop3", ("513 octets, 512 at most",)),
        (b"2" * 2000 + b"\r\n", "imap", ()),
        (b"2" * 2000 + b"\n", "sieve", ("bare LF",)),
    ],
)
def test_lines_of_a_peer(octets: bytes, spoken: Protocol, found: tuple[str, ...]) -> None:
    assert oddities(Said(0, Who.PEER, octets, False), spoken) == found
    assert oddities(Said(0, Who.PEER, octets, True, unexpected=True), spoken) == ("unasked", *found)
    assert oddities(Said(0, Who.US, octets, False), spoken) == ()
