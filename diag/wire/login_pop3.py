"""Logging in to a POP3 server (RFC 1939 section 7, RFC 5034): an open conversation with commands, and its reading."""

from __future__ import annotations

from .actions import REPLY_LIMIT, Note, Say, Steps, hear, printable
from .exchanges import Exchange, exchanges
from .login import NO_TLS, Account, LoginEnd, LoginRead, chosen, decoded, exchanged, pinned, refused, untried
from .pop3 import PopEnd, Response, parse_response
from .transcript import Transcript

QUIT = b"QUIT\r\n"
COMMAND = "USER AND PASS"
"""What stands in place of a mechanism where the commands USER and PASS were used."""

PopStep = Exchange[Response]


def pop3_entered(
    host: str, port: int, account: Account, patience: float, *, implicit_tls: bool
) -> Steps[bool]:
    """Whether we are in."""
    if implicit_tls:
        yield from pinned(host, account.certificate)
    if not parse_response((yield from hear(PopEnd(many=False), patience)), many=False).ok:
        return False
    if not implicit_tls:
        if not (yield from pop3_command(b"STLS")).ok:
            yield Note(NO_TLS)
            return False
        yield from pinned(host, account.certificate)
    offered = (yield from pop3_command(b"CAPA", many=True)).capabilities
    mechanisms = offered.get("SASL", ())
    if not mechanisms and not account.token and not account.mechanism:
        return (yield from _by_commands(account))
    mechanism = yield from chosen(account, mechanisms)
    if not mechanism:
        return False
    heard: list[bytes] = []

    def ask(line: bytes, secret: bool) -> Steps[bytes | None]:
        yield Say(line + b"\r\n", secret=secret)
        heard.extend((yield from hear(PopEnd(many=False), REPLY_LIMIT, challenge=b"+ ")))
        return decoded(heard[-1][2:].decode("latin-1")) if heard[-1].startswith(b"+ ") else None

    begin = b"AUTH " + mechanism.encode()
    yield from exchanged(mechanism, account, (host, port), ask, begin, longest=LONGEST_COMMAND)
    return parse_response(heard[-1:], many=False).ok


LONGEST_COMMAND = 255
"""Octets of a command, AUTH included (RFC 2449 section 4, RFC 5034 section 4)."""


def _by_commands(account: Account) -> Steps[bool]:
    if not (yield from pop3_command(b"USER " + printable(account.login))).ok:
        return False
    return (yield from pop3_command(b"PASS " + account.secret)).ok


def pop3_command(
    line: bytes, *, many: bool = False, keeps: tuple[bytes, ...] | None = None
) -> Steps[Response]:
    """The response to one command; of its lines, those that begin with none of `keeps` stand on no tape."""
    yield Say(line + b"\r\n")
    return parse_response((yield from hear(PopEnd(many), REPLY_LIMIT, keeps=keeps)), many=many)


def pop3_steps(transcript: Transcript) -> tuple[PopStep, ...]:
    """A transcript as commands and responses. Never raises."""
    return exchanges(
        transcript,
        lambda command: PopEnd(_many(command)),
        lambda command, lines: parse_response(lines, many=_many(command)),
    )


def read_pop3_login(transcript: Transcript) -> LoginRead:
    """Read a transcript in which a login was to be tried. Never raises."""
    steps = pop3_steps(transcript)
    begin = next((at for at, step in enumerate(steps) if step.verb in ("AUTH", "USER")), None)
    if begin is None:
        heard = [step.last for step in steps if step.last is not None and step.verb != "QUIT"]
        return untried(transcript, heard[-1] if heard else None)
    by_commands = steps[begin].verb == "USER"
    mechanism, _, initial = steps[begin].command.partition(" ")[2].upper().partition(" ")
    if by_commands:
        mechanism = COMMAND
    last = steps[begin]
    for step in steps[begin:]:
        last = step
        if step.verb == "USER" and step.reply is not None and step.reply.ok:
            continue
        if step.reply is None or step.reply.status:
            break
    response, event = last.reply, last.cited
    if response is None or not response.complete or not response.status:
        return refused(transcript, mechanism, event, LoginEnd.PUT_OFF, "")
    if response.ok:
        return LoginRead(LoginEnd.TAKEN, mechanism, event)
    end = LoginEnd.UNSETTLED
    if response.known_code in _NOT_NOW:
        end = LoginEnd.PUT_OFF
    elif response.known_code == "AUTH":  # RFC 3206 section 5: a bare -ERR may have any reason
        end = LoginEnd.REJECTED
    said = bool(initial) or last is not steps[begin]
    return refused(transcript, mechanism, event, end, response.text, said=said)


def _many(command: bytes) -> bool:
    words = command.split()
    verb = words[0].upper() if words else b""
    return verb in (b"CAPA", b"TOP", b"RETR") or (verb in (b"UIDL", b"LIST") and len(words) == 1)


_NOT_NOW = ("SYS/TEMP", "IN-USE", "LOGIN-DELAY")
"""RFC 3206 section 4, RFC 2449 section 8.1: not refused for name and password."""
