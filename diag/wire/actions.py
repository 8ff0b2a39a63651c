"""What a dialogue may ask its driver to do. Dialogues are generators that yield these and touch no network."""

from __future__ import annotations

from collections.abc import Generator
from typing import Protocol, TypeVar

from diag.model.frozen import frozen
from diag.tls.handshake import Handshake, TlsFailure

from .transcript import Ending

CONNECT_LIMIT = 6.0
"""Seconds to wait for a connection."""
HELLO_LIMIT = 15.0
"""Seconds to wait for the answer to a ClientHello of our own making, which is made of no more than a signature."""
REPLY_LIMIT = 30.0
"""Seconds to wait for a reply. RFC 5321 section 4.5.3.2 has senders wait minutes; we say that we did not."""
GREETING_LIMIT = 60.0
"""Seconds to wait for a greeting, where the whole talk has that much."""
GREETING_SHARE = 0.8
"""Of a talk's time, the most that goes into waiting for a greeting: asking for TLS comes after that."""


class End(Protocol):
    """Knows where a reply ends; fed its lines one by one."""

    def feed(self, line: bytes) -> bool:
        """Take a line with its ending; True when it was the last of the reply."""
        ...


@frozen
class Hear:
    """Listen to the end of one reply; answered by its lines.

    The driver ends the dialogue where the reply does not come in `within` seconds, except that with
    `may_be_silent` a peer that said nothing at all answers with no lines. Where `keeps` is given, only
    lines that begin with one of these, and the last, stand in the transcript: the rest is private to
    somebody, and is redacted there.
    """

    end: End
    within: float
    may_be_silent: bool = False
    keeps: tuple[bytes, ...] | None = None
    challenge: bytes = b""
    """What a challenge of SASL begins with: of such a line nothing else stands in the transcript, nor what it
    holds anywhere after that. Together with our answer it could be tried against word lists."""


@frozen
class Say:
    """Send octets in one write; answered by None. They are whole lines, but for `content` (see Said).

    `secret` keeps them out of the transcript.
    """

    octets: bytes
    secret: bool = False
    content: bool = False


@frozen
class Secure:
    """Do a TLS handshake; answered by how it went.

    The driver ends the dialogue where it fails (nothing is said in clear after that), except as a
    `last_act`, after which the dialogue says itself how it ended.
    """

    sni: str
    last_act: bool = False


@frozen
class Bind:
    """Ask for the channel binding of the TLS connection (RFC 5056): its type's name and octets; nothing without TLS."""


@frozen
class Hide:
    """Keep octets out of the transcript from now on, whoever says them: they are private to somebody."""

    octets: bytes


@frozen
class Present:
    """Send a ClientHello as these octets, and keep the answer as it comes; answered by None. Nothing may follow it."""

    hello: bytes
    within: float


@frozen
class Renegotiate:
    """Ask for another handshake within TLS 1.2 or older, and record what becomes of it; answered by None.

    Nothing may follow it but the end where it does not come about.
    """

    within: float


@frozen
class Rest:
    """Say nothing for so many seconds; answered by None. Whatever the peer says meanwhile counts as unasked."""

    seconds: float


@frozen
class Note:
    """Put a remark into the transcript."""

    text: str


@frozen
class Stop:
    """End here, without taking leave."""

    how: Ending
    detail: str = ""


Action = Hear | Say | Secure | Bind | Hide | Present | Renegotiate | Rest | Note | Stop
Outcome = tuple[bytes, ...] | Handshake | TlsFailure | None
T = TypeVar("T")
Steps = Generator[Action, Outcome, T]


@frozen
class Dialogue:
    """A way to talk, and the line that takes leave whatever happens."""

    steps: Steps[None]
    farewell: bytes


def hear(
    end: End,
    within: float,
    *,
    may_be_silent: bool = False,
    keeps: tuple[bytes, ...] | None = None,
    challenge: bytes = b"",
) -> Steps[tuple[bytes, ...]]:
    """The lines of one reply."""
    lines = yield Hear(end, within, may_be_silent, keeps, challenge)
    assert isinstance(lines, tuple)
    return lines


def greeting_limit(timeout: float) -> float:
    """Seconds to wait for a greeting in a talk that may take `timeout` seconds."""
    return min(GREETING_LIMIT, GREETING_SHARE * timeout)


def printable(text: str) -> bytes:
    """An argument of a command as octets; nothing in it can end the line (what is put in may be remote)."""
    return "".join(char for char in text if char.isprintable()).encode("utf-8", "ignore")
