"""Conversations that are held for the sake of one ClientHello: up to TLS, the hello, its answer, and no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from diag.model.frozen import frozen
from diag.tls.answer import Answer, Unheard

from .actions import (
    HELLO_LIMIT,
    REPLY_LIMIT,
    Dialogue,
    Present,
    Renegotiate,
    Say,
    Secure,
    Steps,
    greeting_limit,
    hear,
    printable,
)
from .imap import CommandEnd, ResponseEnd, parse_response, parse_responses
from .pop3 import PopEnd, parse_response as parse_pop3
from .sieve import SieveEnd, parse_answer
from .smtp import SmtpEnd, parse_ehlo, parse_reply
from .transcript import Answered, Said, Transcript, Who, quoted_line

Spoken = Literal["smtp", "imap", "pop3", "sieve"]
"""What is spoken around TLS. SMTP is so on port 25 and on those of submission."""

_FAREWELLS = {"smtp": b"QUIT\r\n", "imap": b"a9 LOGOUT\r\n", "pop3": b"QUIT\r\n", "sieve": b"LOGOUT\r\n"}


def offer_dialogue(
    spoken: Spoken, hello: bytes, helo: str, *, implicit_tls: bool, timeout: float
) -> Dialogue:
    """Greeting and STARTTLS where TLS does not come first, and then the ClientHello.

    Whether STARTTLS is offered was seen in the usual conversation; only SMTP says it again in any case.
    """
    return Dialogue(_talk(spoken, hello, helo, implicit_tls, greeting_limit(timeout)), _FAREWELLS[spoken])


def renegotiation_dialogue(
    spoken: Spoken, host: str, helo: str, *, implicit_tls: bool, timeout: float
) -> Dialogue:
    """The same way to TLS, a whole handshake, and then one try for another."""
    return Dialogue(_anew(spoken, host, helo, implicit_tls, greeting_limit(timeout)), _FAREWELLS[spoken])


def _anew(spoken: Spoken, host: str, helo: str, implicit_tls: bool, patience: float) -> Steps[None]:
    if implicit_tls:
        yield Secure(host)
        # What the server says first must not come into the middle of the handshake.
        yield from hear(_FIRST[spoken](), patience)
        yield Renegotiate(HELLO_LIMIT)
    elif (yield from _BEGIN[spoken](helo, patience)):
        yield Secure(host)
        yield Renegotiate(HELLO_LIMIT)
    yield Say(_FAREWELLS[spoken])


def _talk(spoken: Spoken, hello: bytes, helo: str, implicit_tls: bool, patience: float) -> Steps[None]:
    if implicit_tls or (yield from _BEGIN[spoken](helo, patience)):
        yield Present(hello, HELLO_LIMIT)
        return
    yield Say(_FAREWELLS[spoken])


def _smtp(helo: str, patience: float) -> Steps[bool]:
    greeting = parse_reply((yield from hear(SmtpEnd(), patience)))
    if not greeting.positive:
        return False
    yield Say(b"EHLO " + printable(helo) + b"\r\n")
    reply = parse_reply((yield from hear(SmtpEnd(), REPLY_LIMIT)))
    if not reply.positive or not parse_ehlo(reply).offers("STARTTLS"):
        return False
    yield Say(b"STARTTLS\r\n")
    return parse_reply((yield from hear(SmtpEnd(), REPLY_LIMIT))).code == 220


def _imap(helo: str, patience: float) -> Steps[bool]:
    if parse_response((yield from hear(ResponseEnd(), patience))).word != "OK":
        return False
    yield Say(b"a1 STARTTLS\r\n")
    return parse_responses((yield from hear(CommandEnd(b"a1"), REPLY_LIMIT)))[-1].word == "OK"


def _pop3(helo: str, patience: float) -> Steps[bool]:
    if not parse_pop3((yield from hear(PopEnd(many=False), patience)), many=False).ok:
        return False
    yield Say(b"STLS\r\n")
    return parse_pop3((yield from hear(PopEnd(many=False), REPLY_LIMIT)), many=False).ok


def _sieve(helo: str, patience: float) -> Steps[bool]:
    if parse_answer((yield from hear(SieveEnd(), patience))).status != "OK":
        return False
    yield Say(b"STARTTLS\r\n")
    return parse_answer((yield from hear(SieveEnd(), REPLY_LIMIT))).status == "OK"


_BEGIN = {"smtp": _smtp, "imap": _imap, "pop3": _pop3, "sieve": _sieve}


_FIRST: dict[Spoken, Callable[[], SmtpEnd | ResponseEnd | PopEnd | SieveEnd]] = {
    "smtp": SmtpEnd,
    "imap": ResponseEnd,
    "pop3": lambda: PopEnd(many=False),
    "sieve": SieveEnd,
}
"""Where the greeting of each ends."""


@frozen
class OfferRead:
    """A transcript of offer_dialogue, read."""

    answer: Answer
    event: int | None
    """What shows it."""
    turned_away: bool
    """We did not come to the ClientHello: whoever turns us away is left alone."""


def read_offer(transcript: Transcript) -> OfferRead:
    """What an offer came to. Never raises."""
    events = transcript.events
    for at, event in enumerate(events):
        if isinstance(event, Answered):
            return OfferRead(event.answer, at, False)
    for at in range(len(events) - 1, -1, -1):
        event = events[at]
        if isinstance(event, Said) and event.who is Who.PEER:
            return OfferRead(Unheard(f'TLS was not begun: "{quoted_line(event.octets)}"'), at, True)
    last = len(events) - 1 if events else None
    detail = transcript.closed.detail or str(transcript.closed.how)
    return OfferRead(Unheard(f"TLS was not begun: {detail}"), last, True)
