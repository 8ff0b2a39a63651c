"""The POP3 dialogue before anyone logs in: greeting, CAPA, STLS, CAPA again, QUIT."""

from __future__ import annotations

from .actions import REPLY_LIMIT, Dialogue, Say, Secure, Steps, greeting_limit, hear
from .pop3 import PopEnd, Response, parse_response
from .silence import ask_for_tls

QUIT = b"QUIT\r\n"


def pop3_dialogue(host: str, *, implicit_tls: bool, timeout: float) -> Dialogue:
    """How a polite client finds out what a POP3 server offers."""
    return Dialogue(_talk(host, implicit_tls, greeting_limit(timeout)), QUIT)


def _talk(host: str, implicit_tls: bool, patience: float) -> Steps[None]:
    if implicit_tls:
        yield Secure(host)
    greeting = yield from hear(PopEnd(many=False), patience, may_be_silent=not implicit_tls)
    if not greeting:
        yield from ask_for_tls(host)
        return
    if parse_response(greeting, many=False).ok:
        offered = yield from _command(b"CAPA\r\n", many=True)
        # A server without CAPA (RFC 2449 came after RFC 1939) may know STLS all the same.
        if ("STLS" in offered.capabilities or offered.status == "-ERR") and not implicit_tls:
            answer = yield from _command(b"STLS\r\n")
            if answer.ok:
                yield Secure(host)
                yield from _command(b"CAPA\r\n", many=True)
    yield from _command(QUIT)


def _command(line: bytes, *, many: bool = False) -> Steps[Response]:
    yield Say(line)
    return parse_response((yield from hear(PopEnd(many), REPLY_LIMIT)), many=many)
