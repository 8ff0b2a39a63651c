"""The IMAP dialogue before anyone logs in: greeting, CAPABILITY, STARTTLS, CAPABILITY again, ID, LOGOUT."""

from __future__ import annotations

from .actions import REPLY_LIMIT, Dialogue, Say, Secure, Steps, greeting_limit, hear
from .imap import CommandEnd, Response, ResponseEnd, parse_response, parse_responses
from .silence import ask_for_tls

ID = b"a4 ID NIL\r\n"
"""RFC 2971 section 3.1: what the server says of itself to whoever says nothing of himself."""
LOGOUT = b"a9 LOGOUT\r\n"


def imap_dialogue(host: str, *, implicit_tls: bool, timeout: float) -> Dialogue:
    """How a polite client finds out what an IMAP server offers."""
    return Dialogue(_talk(host, implicit_tls, greeting_limit(timeout)), LOGOUT)


def _talk(host: str, implicit_tls: bool, patience: float) -> Steps[None]:
    if implicit_tls:
        yield Secure(host)
    greeting = yield from hear(ResponseEnd(), patience, may_be_silent=not implicit_tls)
    if not greeting:
        yield from ask_for_tls(host)
        return
    word = parse_response(greeting).word
    offered: set[str] = set()
    if word in ("OK", "PREAUTH"):
        offered = yield from _capabilities(b"a1")
        # After PREAUTH the command is not allowed any more (RFC 9051 section 7.1.4).
        if word == "OK" and "STARTTLS" in offered and not implicit_tls:
            answers = yield from _command(b"a2", b"STARTTLS")
            if answers[-1].word == "OK":
                yield Secure(host)
                offered = yield from _capabilities(b"a3")
    # RFC 9051 section 5.5: a command may follow before the answer to another, so that asking costs no round trip.
    yield Say((ID if "ID" in offered else b"") + LOGOUT)
    yield from hear(CommandEnd(b"a9"), REPLY_LIMIT)


def _capabilities(tag: bytes) -> Steps[set[str]]:
    answers = yield from _command(tag, b"CAPABILITY")
    return {name.upper() for answer in answers for name in answer.capabilities}


def _command(tag: bytes, command: bytes) -> Steps[list[Response]]:
    yield Say(tag + b" " + command + b"\r\n")
    return parse_responses((yield from hear(CommandEnd(tag), REPLY_LIMIT)))
