"""The ManageSieve dialogue before anyone logs in: capabilities, STARTTLS, capabilities again, LOGOUT."""

from __future__ import annotations

from .actions import REPLY_LIMIT, Dialogue, Say, Secure, Steps, greeting_limit, hear
from .sieve import Answer, SieveEnd, parse_answer
from .silence import ask_for_tls

LOGOUT = b"LOGOUT\r\n"
RESENT_LIMIT = 5.0
"""Seconds to wait for the capabilities that a server sends unasked once TLS stands (RFC 5804 section 2.2)."""


def sieve_dialogue(host: str, *, implicit_tls: bool, timeout: float) -> Dialogue:
    """How a polite client finds out what a ManageSieve server offers."""
    return Dialogue(_talk(host, implicit_tls, greeting_limit(timeout)), LOGOUT)


def _talk(host: str, implicit_tls: bool, patience: float) -> Steps[None]:
    if implicit_tls:
        yield Secure(host)
    greeting = yield from hear(SieveEnd(), patience, may_be_silent=not implicit_tls)
    if not greeting:
        yield from ask_for_tls(host)
        return
    offered = parse_answer(greeting)
    if offered.ok and "STARTTLS" in offered.capabilities and not implicit_tls:
        answer = yield from _command(b"STARTTLS\r\n")
        if answer.ok:
            yield Secure(host)
            # What was said in clear is forgotten; the server says it again by itself.
            again = yield from hear(SieveEnd(), RESENT_LIMIT, may_be_silent=True)
            if not again:
                yield from _command(b"CAPABILITY\r\n")
    yield from _command(LOGOUT)


def _command(line: bytes) -> Steps[Answer]:
    yield Say(line)
    return parse_answer((yield from hear(SieveEnd(), REPLY_LIMIT)))
