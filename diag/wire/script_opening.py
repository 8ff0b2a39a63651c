"""How a scripted dialogue begins as usual: greeting, introduction, and TLS where it is wanted and offered."""

from __future__ import annotations

from collections.abc import Sequence

from diag.model.frozen import frozen

from .actions import REPLY_LIMIT, End, Say, Secure, Steps, hear, printable
from .imap import CommandEnd, Response, ResponseEnd, parse_response, parse_responses
from .pop3 import PopEnd, parse_response as parse_pop3
from .script import Protocol
from .sieve import SieveEnd, parse_answer
from .sieve_dialogue import RESENT_LIMIT
from .smtp import Reply, SmtpEnd, parse_ehlo, parse_reply

FAREWELLS: dict[Protocol, bytes] = {
    "smtp": b"QUIT\r\n",
    "imap": b"a9 LOGOUT\r\n",
    "pop3": b"QUIT\r\n",
    "sieve": b"LOGOUT\r\n",
}


@frozen
class Opening:
    """What came of the beginning."""

    well: bool
    """We were greeted and let in, so that the script may be spoken."""
    heard: int
    """How many replies were heard."""


def opened(spoken: Protocol, host: str, helo: str, tls: str, patience: float) -> Steps[tuple[Opening, bool]]:
    """Begin; `tls` is "implicit", "starttls" (where it is offered) or "none". Also tells whether TLS stands."""
    if tls == "implicit":
        yield Secure(host)
    talker = _Talker(host, helo, tls == "starttls", patience)
    well = yield from _BEGIN[spoken](talker)
    return Opening(well, talker.heard), talker.secure or tls == "implicit"


class _Talker:
    """Says commands, and counts replies."""

    def __init__(self, host: str, helo: str, wants_tls: bool, patience: float) -> None:
        self.host = host
        self.helo = printable(helo)
        self.wants_tls = wants_tls
        self.patience = patience
        self.heard = 0
        self.secure = False

    def reply(self, end: End, within: float = REPLY_LIMIT, *, silent: bool = False) -> Steps[Sequence[bytes]]:
        """One reply; nothing where it may be silent and is."""
        lines = yield from hear(end, within, may_be_silent=silent)
        self.heard += bool(lines)
        return lines

    def asked(self, command: bytes, end: End) -> Steps[Sequence[bytes]]:
        """The reply to a command."""
        yield Say(command + b"\r\n")
        return (yield from self.reply(end))

    def shaken(self) -> Steps[None]:
        """TLS."""
        yield Secure(self.host)
        self.secure = True


def _smtp(talker: _Talker) -> Steps[bool]:
    if not parse_reply((yield from talker.reply(SmtpEnd(), talker.patience))).positive:
        return False
    offer = yield from _hello(talker)
    wanted = talker.wants_tls and parse_ehlo(offer).offers("STARTTLS")
    if wanted and parse_reply((yield from talker.asked(b"STARTTLS", SmtpEnd()))).code == 220:
        yield from talker.shaken()
        offer = yield from _hello(talker)
    return offer.positive


def _hello(talker: _Talker) -> Steps[Reply]:
    reply = parse_reply((yield from talker.asked(b"EHLO " + talker.helo, SmtpEnd())))
    if reply.kind == 5:
        return parse_reply((yield from talker.asked(b"HELO " + talker.helo, SmtpEnd())))
    return reply


def _imap(talker: _Talker) -> Steps[bool]:
    word = parse_response((yield from talker.reply(ResponseEnd(), talker.patience))).word
    if word not in ("OK", "PREAUTH"):
        return False
    offered = yield from _tagged(talker, b"a1", b"CAPABILITY")
    names = {name.upper() for each in offered for name in each.capabilities}
    wanted = talker.wants_tls and word == "OK" and "STARTTLS" in names
    if wanted and (yield from _tagged(talker, b"a2", b"STARTTLS"))[-1].word == "OK":
        yield from talker.shaken()
        yield from _tagged(talker, b"a3", b"CAPABILITY")
    return True


def _tagged(talker: _Talker, tag: bytes, command: bytes) -> Steps[list[Response]]:
    return parse_responses((yield from talker.asked(tag + b" " + command, CommandEnd(tag))))


def _pop3(talker: _Talker) -> Steps[bool]:
    if not parse_pop3((yield from talker.reply(PopEnd(many=False), talker.patience)), many=False).ok:
        return False
    offered = parse_pop3((yield from talker.asked(b"CAPA", PopEnd(many=True))), many=True)
    wanted = talker.wants_tls and "STLS" in offered.capabilities
    if wanted and parse_pop3((yield from talker.asked(b"STLS", PopEnd(many=False))), many=False).ok:
        yield from talker.shaken()
        yield from talker.asked(b"CAPA", PopEnd(many=True))
    return True


def _sieve(talker: _Talker) -> Steps[bool]:
    offered = parse_answer((yield from talker.reply(SieveEnd(), talker.patience)))
    if not offered.ok:
        return False
    wanted = talker.wants_tls and "STARTTLS" in offered.capabilities
    if wanted and parse_answer((yield from talker.asked(b"STARTTLS", SieveEnd()))).ok:
        yield from talker.shaken()
        yield from talker.reply(SieveEnd(), RESENT_LIMIT, silent=True)
    return True


_BEGIN = {"smtp": _smtp, "imap": _imap, "pop3": _pop3, "sieve": _sieve}
