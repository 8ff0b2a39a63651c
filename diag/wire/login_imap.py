"""Logging in to an IMAP server (RFC 9051 section 6.2): an open conversation with commands, and its reading."""

from __future__ import annotations

import re
from collections.abc import Sequence

from diag.model.frozen import frozen

from .actions import REPLY_LIMIT, Note, Say, Steps, hear
from .exchanges import Exchange, exchanges
from .imap import CommandEnd, Response, ResponseEnd, parse_response, parse_responses
from .login import (
    NO_TLS,
    NOTHING_COMMON,
    Account,
    LoginEnd,
    LoginRead,
    chosen,
    decoded,
    exchanged,
    pinned,
    refused,
    untried,
)
from .transcript import Transcript

LOGOUT = b"a0 LOGOUT\r\n"
COMMAND = "LOGIN COMMAND"
"""What stands in place of a mechanism where the command LOGIN was used."""

Lines = tuple[bytes, ...]


class ImapTalker:
    """One conversation; commands get tags one after the other."""

    def __init__(self, host: str, port: int, *, implicit_tls: bool) -> None:
        self._host = host
        self._port = port
        self._implicit_tls = implicit_tls
        self._tags = 0

    def entered(self, account: Account, patience: float) -> Steps[set[str] | None]:
        """The capabilities once we are in, asked for again (RFC 9051 section 6.2.2); None where we are not."""
        if self._implicit_tls:
            yield from pinned(self._host, account.certificate)
        greeting = parse_response((yield from hear(ResponseEnd(), patience)))
        if greeting.word != "OK":
            return None
        if not self._implicit_tls:
            if not ok((yield from self.command(b"STARTTLS"))):
                yield Note(NO_TLS)
                return None
            yield from pinned(self._host, account.certificate)
        if not (yield from self._login(account, (yield from self.capabilities()))):
            return None
        return (yield from self.capabilities())

    def left(self) -> Steps[None]:
        """Take leave. What a server tells of the mailbox meanwhile is not kept."""
        yield Say(LOGOUT)
        yield from hear(CommandEnd(b"a0"), REPLY_LIMIT, keeps=(b"* BYE",))

    def capabilities(self) -> Steps[set[str]]:
        """In upper case."""
        answers = yield from self.command(b"CAPABILITY")
        return {name.upper() for answer in answers for name in answer.capabilities}

    def command(self, command: bytes, *, keeps: Lines | None = None) -> Steps[list[Response]]:
        """The answers to one command; of these, lines that begin with none of `keeps` stand on no tape."""
        tag = self._tag()
        yield Say(tag + b" " + command + b"\r\n")
        return parse_responses((yield from hear(CommandEnd(tag), REPLY_LIMIT, keeps=keeps)))

    def appended(self, command: bytes, octets: bytes) -> Steps[list[Response]]:
        """The answers to a command that ends in a literal (RFC 9051 section 4.3)."""
        tag = self._tag()
        yield Say(tag + b" " + command + b" {%d}\r\n" % len(octets))
        end = Asked(tag)
        answers = parse_responses((yield from hear(end, REPLY_LIMIT, keeps=(b"+",))))
        if end.asked:
            yield Say(octets + b"\r\n", content=True)
            answers = parse_responses((yield from hear(CommandEnd(tag), REPLY_LIMIT, keeps=())))
        return answers

    def _login(self, account: Account, offered: set[str]) -> Steps[bool]:
        mechanisms = sorted(name.removeprefix("AUTH=") for name in offered if name.startswith("AUTH="))
        if not mechanisms and not account.token and not account.mechanism:
            return (yield from self._by_command(account, offered))
        mechanism = yield from chosen(account, mechanisms)
        if not mechanism:
            return False
        tag = self._tag()
        heard: list[list[Response]] = []

        def ask(line: bytes, secret: bool) -> Steps[bytes | None]:
            yield Say(line + b"\r\n", secret=secret, content=bool(heard))
            end = Asked(tag)
            heard.append(parse_responses((yield from hear(end, REPLY_LIMIT, challenge=b"+ "))))
            return decoded(heard[-1][-1].text) if end.asked else None

        begin = tag + b" AUTHENTICATE " + mechanism.encode()
        place = self._host, self._port
        yield from exchanged(mechanism, account, place, ask, begin, initial="SASL-IR" in offered)
        return ok(heard[-1])

    def _by_command(self, account: Account, offered: set[str]) -> Steps[bool]:
        login = account.login.encode()
        if "LOGINDISABLED" in offered or not (_quotable(login) and _quotable(account.secret)):
            yield Note(NOTHING_COMMON + "the command LOGIN cannot be used")
            return False
        return ok((yield from self.command(b"LOGIN " + quoted(login) + b" " + quoted(account.secret))))

    def _tag(self) -> bytes:
        self._tags += 1
        return b"a%d" % self._tags


class Asked:
    """The end of an answer that may ask for more: a continuation request, or the command's own end."""

    def __init__(self, tag: bytes) -> None:
        self._end = CommandEnd(tag)
        self.asked = False

    def feed(self, line: bytes) -> bool:
        """See End."""
        self.asked = line.startswith(b"+")
        return self._end.feed(line) or self.asked


@frozen
class ImapStep:
    """A command without its tag, in upper case up to its first argument, and the answers to it."""

    words: str
    command: str
    answers: tuple[Response, ...]
    last: int | None
    lines: Lines
    cited: int

    @property
    def done(self) -> bool:
        """Whether the answer came, whole."""
        return bool(self.answers) and self.answers[-1].tagged

    @property
    def ok(self) -> bool:
        """Whether it was OK."""
        return ok(self.answers)

    @property
    def line(self) -> str:
        """The tagged answer without its tag."""
        return str(self.answers[-1]).partition(" ")[2] if self.done else ""


def imap_steps(transcript: Transcript) -> tuple[ImapStep, ...]:
    """A transcript as commands and answers, the greeting left out. Never raises."""
    steps = exchanges(transcript, _end, lambda _, lines: tuple(lines))
    return tuple(_step(step) for step in steps if step.command)


def _step(step: Exchange[Lines]) -> ImapStep:
    command = step.command.partition(" ")[2]
    words = " ".join(command.split()[: 2 if command.upper().startswith("UID ") else 1]).upper()
    answers = tuple(parse_responses(step.reply or ()))
    return ImapStep(words, command, answers, step.last, step.reply or (), step.cited)


def read_imap_login(transcript: Transcript) -> LoginRead:
    """Read a transcript in which a login was to be tried. Never raises."""
    steps = imap_steps(transcript)
    login = next((step for step in steps if step.words in ("AUTHENTICATE", "LOGIN")), None)
    if login is None:
        heard = [step.last for step in steps if step.last is not None and step.words != "LOGOUT"]
        return untried(transcript, heard[-1] if heard else None)
    by_command = login.words == "LOGIN"
    mechanism, _, initial = login.command.partition(" ")[2].upper().partition(" ")
    if by_command:
        mechanism = COMMAND
    event = login.cited
    if not login.done:
        return refused(transcript, mechanism, event, LoginEnd.PUT_OFF, "")
    if login.ok:
        return LoginRead(LoginEnd.TAKEN, mechanism, event)
    answer = login.answers[-1]
    code = answer.code.partition(" ")[0].upper()
    end = LoginEnd.UNSETTLED
    if code in _NOT_NOW:
        end = LoginEnd.PUT_OFF
    elif code == "AUTHENTICATIONFAILED":  # RFC 5530 section 3; a bare NO may have any reason
        end = LoginEnd.REJECTED
    said = by_command or bool(initial) or any(each.tag == "+" for each in login.answers)
    return refused(transcript, mechanism, event, end, answer.text, said=said)


def ok(answers: Sequence[Response]) -> bool:
    """Whether a command was done."""
    return bool(answers) and answers[-1].tagged and answers[-1].word == "OK"


def quoted(text: bytes) -> bytes:
    """A quoted string (RFC 9051 section 4.3)."""
    return b'"' + re.sub(rb'(["\\])', rb"\\\1", text) + b'"'


def _quotable(text: bytes) -> bool:
    return all(0x20 <= octet < 0x7F for octet in text)


def _end(command: bytes) -> CommandEnd | ResponseEnd:
    return CommandEnd(command.split(b" ", 1)[0]) if command else ResponseEnd()


_NOT_NOW = ("UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG")
"""RFC 5530 section 3: nothing is said about name and password."""
