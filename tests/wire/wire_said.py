"""Transcripts written down by hand: one event a line, as an operator would note them."""

from __future__ import annotations

from diag.tls.handshake import Handshake, TlsFailure
from diag.wire.transcript import Closed, Ending, Event, Opened, Remark, Said, Secured, Transcript, Who


def noted(
    *lines: str | bytes | Handshake | TlsFailure | Ending | Remark | int,
    address: str = "192.0.2.1",
    port: int = 25,
) -> Transcript:
    """A transcript from lines.

    `"> text"` we said, `"< text"` the peer said, `"! text"` the peer said unasked (all with CRLF), octets
    are what the peer said exactly, or before a handshake its leftover; a number lets milliseconds pass.
    """
    now = 0
    secure = False
    events: list[Event] = [Opened(0, address, port)]
    for at, line in enumerate(lines):
        following = lines[at + 1] if at + 1 < len(lines) else None
        match line:
            case int():
                now += line
            case Ending():  # before str, which it is too
                events.append(Closed(now, line, ""))
            case str():
                who = Who.US if line[0] == ">" else Who.PEER
                events.append(Said(now, who, line[2:].encode() + b"\r\n", secure, line[0] == "!"))
            case bytes() if not isinstance(following, Handshake | TlsFailure):
                events.append(Said(now, Who.PEER, line, secure))
            case Handshake() | TlsFailure():
                before = lines[at - 1] if at else b""
                events.append(Secured(now, line, before if isinstance(before, bytes) else b""))
                secure = isinstance(line, Handshake)
            case Remark():
                events.append(Remark(now, line.text))
            case bytes():
                continue  # goes into the handshake that follows
    if not isinstance(events[-1], Closed):
        events.append(Closed(now, Ending.BY_US, ""))
    return Transcript(tuple(events))


def unopened(how: Ending) -> Transcript:
    """A transcript of no connection."""
    return Transcript((Closed(6000, how, ""),))
