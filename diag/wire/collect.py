"""Reading test messages back over IMAP (RFC 9051): the dialogue, and its reading.

It logs in only under TLS with the very certificate that was verified, looks for messages by their Message-ID,
keeps the text of those and nothing else of the mailbox, and removes those and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence

from diag.model.frozen import frozen
from diag.tls.handshake import Handshake

from .actions import REPLY_LIMIT, Dialogue, Note, Say, Secure, Steps, Stop, greeting_limit, hear
from .clear_login import Login, Tried
from .exchanges import Exchange, exchanges
from .imap import CommandEnd, Response, ResponseEnd, parse_response, parse_responses
from .lines import content
from .reach import quote
from .transcript import Ending, Transcript

PATIENCE = 60.0
"""Seconds in which a message must show up in the mailbox."""
PERIOD = 3.0
"""Seconds between two looks."""
LOGOUT = b"a0 LOGOUT\r\n"
OTHER_CERTIFICATE = "another certificate than the one that was verified is served here: no login"

Lines = tuple[bytes, ...]


@frozen
class Collection:
    """A transcript of collect_dialogue, read."""

    tried: Tried
    texts: Mapping[str, Lines]
    """By Message-ID the lines of the body, without their endings, of what was found."""
    events: Mapping[str, int]
    """The events that end the answers in which they came."""


@frozen
class Account:
    """Who logs in where: the name, the secret, and the SHA-256 of the certificate expected there."""

    login: str
    secret: bytes
    certificate: str


def collect_dialogue(
    host: str, account: Account, message_ids: tuple[str, ...], *, implicit_tls: bool, timeout: float
) -> Dialogue:
    """Wait for messages, fetch their text, remove them."""
    patience = greeting_limit(timeout)
    return Dialogue(_Collecting(host, account, implicit_tls).talk(message_ids, patience), LOGOUT)


class _Collecting:
    """One conversation; commands get tags one after the other."""

    def __init__(self, host: str, account: Account, implicit_tls: bool) -> None:
        self._host = host
        self._account = account
        self._implicit_tls = implicit_tls
        self._tags = 0

    def talk(self, message_ids: tuple[str, ...], patience: float) -> Steps[None]:
        if self._implicit_tls:
            yield from self._secure()
        greeting = parse_response((yield from hear(ResponseEnd(), patience)))
        secure = greeting.word == "OK" and (self._implicit_tls or (yield from self._starttls()))
        if secure and (yield from self._login((yield from self._capabilities()))):
            # What a server offers may change by the login (RFC 9051 section 6.2.2).
            removes = "UIDPLUS" in (yield from self._capabilities())
            if _ok((yield from self._command(b"SELECT INBOX", keeps=()))):
                yield from self._wait(message_ids, removes)
        yield Say(LOGOUT)
        yield from hear(CommandEnd(b"a0"), REPLY_LIMIT, keeps=(b"* BYE",))

    def _starttls(self) -> Steps[bool]:
        if not _ok((yield from self._command(b"STARTTLS"))):
            return False
        yield from self._secure()
        return True

    def _secure(self) -> Steps[None]:
        made = yield Secure(self._host)
        assert isinstance(made, Handshake)
        served = hashlib.sha256(made.chain[0]).hexdigest() if made.chain else ""
        if served != self._account.certificate:
            yield Note(OTHER_CERTIFICATE)
            yield Stop(Ending.BY_US)

    def _capabilities(self) -> Steps[set[str]]:
        answers = yield from self._command(b"CAPABILITY")
        return {name.upper() for answer in answers for name in answer.capabilities}

    def _login(self, offered: set[str]) -> Steps[bool]:
        login, secret = self._account.login.encode(), self._account.secret
        if "AUTH=PLAIN" in offered:
            tag = self._tag()
            yield Say(tag + b" AUTHENTICATE PLAIN\r\n")
            end = _Asked(tag)
            answers = parse_responses((yield from hear(end, REPLY_LIMIT)))
            if end.asked:
                answer = base64.b64encode(b"\0" + login + b"\0" + secret)  # RFC 4616 section 2
                yield Say(answer + b"\r\n", secret=True, content=True)
                answers = parse_responses((yield from hear(CommandEnd(tag), REPLY_LIMIT)))
            return _ok(answers)
        if "LOGINDISABLED" in offered or not _quotable(login) or not _quotable(secret):
            return False
        return _ok((yield from self._command(b"LOGIN " + _quoted(login) + b" " + _quoted(secret))))

    def _wait(self, message_ids: tuple[str, ...], removes: bool) -> Steps[None]:
        waiting = list(message_ids)
        for look in range(round(PATIENCE / PERIOD)):
            if look:
                # To listen is to wait; what the server tells of other mail meanwhile is not kept.
                yield from hear(ResponseEnd(), PERIOD, may_be_silent=True, keeps=())
            for message_id in tuple(waiting):
                if (yield from self._take(message_id, removes)):
                    waiting.remove(message_id)
            if not waiting:
                return

    def _take(self, message_id: str, removes: bool) -> Steps[bool]:
        """Fetch a message, and remove it; False where it is not there."""
        wanted = b"UID SEARCH HEADER Message-ID " + _quoted(b"<" + message_id.encode() + b">")
        answers = yield from self._command(wanted, keeps=(b"* SEARCH",))
        found = [word for answer in answers if answer.word == "SEARCH" for word in answer.text.split()]
        uids = [word.encode() for word in found if word.isascii() and word.isdigit()]
        if not uids:
            return False
        yield from self._command(b"UID FETCH " + uids[0] + b" (BODY.PEEK[TEXT])")
        if removes:
            # Without UIDPLUS (RFC 4315) others' messages that are marked would be removed with it.
            which = b",".join(uids)
            yield from self._command(b"UID STORE " + which + rb" +FLAGS.SILENT (\Deleted)", keeps=())
            yield from self._command(b"UID EXPUNGE " + which, keeps=())
        return True

    def _command(self, command: bytes, *, keeps: Lines | None = None) -> Steps[list[Response]]:
        tag = self._tag()
        yield Say(tag + b" " + command + b"\r\n")
        return parse_responses((yield from hear(CommandEnd(tag), REPLY_LIMIT, keeps=keeps)))

    def _tag(self) -> bytes:
        self._tags += 1
        return b"a%d" % self._tags


class _Asked:
    """The end of the first answer to AUTHENTICATE: a continuation request, or the command's own end."""

    def __init__(self, tag: bytes) -> None:
        self._end = CommandEnd(tag)
        self.asked = False

    def feed(self, line: bytes) -> bool:
        """See End."""
        self.asked = line.startswith(b"+")
        return self._end.feed(line) or self.asked


def read_collection(transcript: Transcript, message_ids: Sequence[str]) -> Collection:
    """Read a transcript of collect_dialogue. Never raises."""
    steps = exchanges(transcript, _end, lambda _, lines: tuple(lines))
    texts: dict[str, Lines] = {}
    events: dict[str, int] = {}
    sought = ""
    for step in steps:
        _, _, command = step.command.partition(" ")
        if command.startswith("UID SEARCH"):
            sought = next((each for each in message_ids if f"<{each}>" in command), "")
        elif command.startswith("UID FETCH") and sought and step.reply and step.last is not None:
            literal = _literal(step.reply)
            if literal is not None:
                texts[sought], events[sought] = literal, step.last
    return Collection(_tried(transcript, steps), texts, events)


def _tried(transcript: Transcript, steps: Sequence[Exchange[Lines]]) -> Tried:
    login = next((step for step in steps if _word(step) in ("AUTHENTICATE", "LOGIN")), None)
    if login is None:
        heard = [step.last for step in steps if step.last is not None and _word(step) != "LOGOUT"]
        last = heard[-1] if heard else None
        return Tried(Login.UNKNOWN, last, "no login was tried:" + quote(transcript, last))
    answers = parse_responses(login.reply or ())
    if _ok(answers):
        return Tried(Login.TAKEN, login.last)
    said = quote(transcript, login.cited)
    # Whatever the reason, the name and the password were heard and not taken, or could not be said.
    if answers and answers[-1].tagged:
        return Tried(Login.FAILED, login.last, "the login failed, and is not tried again:" + said)
    return Tried(Login.UNKNOWN, login.cited, "the login was not decided:" + said)


def _end(command: bytes) -> CommandEnd | ResponseEnd:
    return CommandEnd(command.split(b" ", 1)[0]) if command else ResponseEnd()


def _word(step: Exchange[Lines]) -> str:
    return " ".join(step.command.split()[1:2]).upper()


def _ok(answers: Sequence[Response]) -> bool:
    return bool(answers) and answers[-1].tagged and answers[-1].word == "OK"


def _literal(lines: Lines) -> Lines | None:
    """The lines of the first literal (RFC 9051 section 4.3); None where there is none."""
    for at, line in enumerate(lines):
        if found := _LITERAL.search(line):
            octets = b"".join(lines[at + 1 :])[: int(found["length"])]
            return tuple(content(each) for each in octets.splitlines(keepends=True))
    return None


def _quotable(text: bytes) -> bool:
    return all(0x20 <= octet < 0x7F for octet in text)


def _quoted(text: bytes) -> bytes:
    return b'"' + re.sub(rb'(["\\])', rb"\\\1", text) + b'"'


_LITERAL = re.compile(rb"\{(?P<length>[0-9]{1,9})\}\r?\n\Z")
