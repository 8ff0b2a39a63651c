"""Speaking a script (diag.wire.script): one engine for all of them, within the limits of every dialogue."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from .actions import (
    REPLY_LIMIT,
    Dialogue,
    End,
    Note,
    Rest,
    Say,
    Secure,
    Steps,
    greeting_limit,
    hear,
    printable,
)
from .imap import CommandEnd, ResponseEnd
from .lines import content
from .pop3 import PopEnd
from .script import (
    IMAP_COMMANDS,
    Expect,
    Given,
    Line,
    Protocol,
    Script,
    Upgrade,
    Wait,
    carries_secret,
    filled,
    intrusive,
    matched,
    verb,
)
from .script_opening import FAREWELLS, opened
from .sieve import SieveEnd
from .sieve_dialogue import RESENT_LIMIT
from .smtp import SmtpEnd
from .transcript import visible

LONGEST_KEPT = 256
"""Characters of what is kept of a reply."""


@dataclass
class Progress:
    """How far a script has been spoken."""

    kept: dict[str, str] = field(default_factory=dict)
    replies: list[tuple[str, tuple[str, ...], int]] = field(default_factory=list)
    """Command, lines, and how many replies had been heard by then, those of the opening among them."""
    heard: int = 0
    failed: str = ""
    unexpected: bool = False

    def took(self, command: str, lines: tuple[str, ...], any_of: tuple[str, ...]) -> None:
        """Take a reply in, and what is to be kept of it; it fails where it is none of those expected."""
        self.heard += 1
        self.replies.append((command, lines, self.heard))
        for pattern in any_of:
            for line in lines:
                found = matched(filled(pattern, self.kept), line)
                if found is not None:
                    self.kept |= {name: value[:LONGEST_KEPT] for name, value in found.items()}
                    return
        if any_of:
            said = lines[-1][:200] if lines else ""
            self.failed = f'expected {" or ".join(any_of)}, and heard "{said}"'
            self.unexpected = True


def script_dialogue(
    script: Script, given: Given, *, tls: str, may_intrude: bool = False, timeout: float
) -> Dialogue:
    """Speak a script. `tls` is "implicit", or for the usual opening "starttls" or "none".

    A line that logs in is never said, and one that is no ordinary use only where it may be: what is filled in is
    looked at as well, as it may have come from the peer.
    """
    steps = spoken_steps(script, given, tls, may_intrude, greeting_limit(timeout), Progress())
    return Dialogue(steps, FAREWELLS[script.spoken])


def spoken_steps(
    script: Script, given: Given, tls: str, may_intrude: bool, patience: float, progress: Progress
) -> Steps[None]:
    """The steps of script_dialogue; `progress` tells how far they have come."""
    speaker = _Speaker(script, given, may_intrude, patience, progress)
    left = yield from speaker.spoken_through(tls)
    if not left:
        farewell = FAREWELLS[script.spoken]
        yield Say(farewell)
        yield from hear(_end(script.spoken, farewell.decode().strip()), REPLY_LIMIT)


class _Speaker:
    """Says the steps of a script, one after the other."""

    def __init__(
        self, script: Script, given: Given, may_intrude: bool, patience: float, progress: Progress
    ) -> None:
        self._protocol = script.spoken
        self._opens = script.opens
        self._steps = deque(script.steps)
        self._given = given
        self._may_intrude = may_intrude
        self._patience = patience
        self._progress = progress
        self._secure = False
        self._waiting: deque[str] = deque()
        """What was said and has no reply yet."""
        self._said = 0
        self._data = False
        """What is said next is a message."""
        self._left = False

    def spoken_through(self, tls: str) -> Steps[bool]:
        """All steps, or those up to the first that fails; whether we have taken our leave."""
        yield from self._begin(tls)
        while self._steps and not self._progress.failed:
            match self._steps.popleft():
                case Expect(any_of):
                    yield from self._hear(any_of)
                case Line() as line if self._waiting:
                    # One command at a time, but for those that are said together.
                    self._steps.extendleft((line, Expect()))
                case Line(text):
                    yield from self._say(text)
                case Upgrade() as upgrade if self._waiting and self._verb(self._waiting[0]) in _BEGINS_TLS:
                    self._steps.extendleft((upgrade, Expect(_GO_AHEAD[self._protocol])))
                case Upgrade():
                    yield from self._upgrade()
                case Wait() as wait if self._waiting:
                    self._steps.extendleft((wait, Expect()))
                case Wait(seconds):
                    yield Rest(seconds)
            if not self._steps and self._waiting:
                self._steps.append(Expect())
        if self._progress.failed:
            yield Note(self._progress.failed)
        return self._left

    def _begin(self, tls: str) -> Steps[None]:
        given = self._given
        if self._opens:
            opening, self._secure = yield from opened(
                self._protocol, given.host, given.helo, tls, self._patience
            )
            self._progress.heard = opening.heard
            if not opening.well:
                self._progress.failed = "the conversation did not come to the script"
            return
        if tls == "implicit":
            yield Secure(given.host)
            self._secure = True
        if not (self._steps and isinstance(self._steps[0], Expect)):
            self._steps.appendleft(Expect())

    def _hear(self, any_of: tuple[str, ...]) -> Steps[None]:
        progress = self._progress
        command = self._waiting.popleft() if self._waiting else ""
        limit = REPLY_LIMIT if progress.heard else self._patience
        lines = yield from hear(_end(self._protocol, command), limit)
        shown = tuple(_shown(self._protocol, line) for line in lines)
        progress.took(command, shown, any_of)
        self._data = self._verb(command) == "DATA" and lines[-1][:3] == b"354"

    def _say(self, text: str) -> Steps[None]:
        group = [text]
        while self._steps and isinstance(following := self._steps[0], Line):
            group.append(following.text)
            self._steps.popleft()
        commands, message = b"", b""
        for each in group:
            self._said += 1
            ready = self._ready(each)
            if self._data and ready != ".":
                message += printable(ready) + b"\r\n"
                continue
            self._progress.failed = self._refused(ready)
            if self._progress.failed:
                return
            self._data = False
            commands += printable(ready) + b"\r\n"
            self._waiting.append(ready)
        if message:
            yield Say(message, content=True)
        if commands:
            yield Say(commands)
        self._left = self._left or self._verb(group[-1]) in ("QUIT", "LOGOUT")

    def _upgrade(self) -> Steps[None]:
        if self._secure:
            self._progress.failed = "TLS stands already: there is no handshake inside of it"
            return
        # What has no answer yet gets none in clear: that is how command injection is tried.
        self._waiting.clear()
        yield Secure(self._given.host)
        self._secure = True
        if self._protocol == "sieve" and not (self._steps and isinstance(self._steps[0], Expect)):
            # RFC 5804 section 2.2: capabilities come unasked.
            again = yield from hear(SieveEnd(), RESENT_LIMIT, may_be_silent=True)
            self._progress.heard += bool(again)

    def _ready(self, text: str) -> str:
        """A line as it is said: filled in, and with a tag of IMAP's where it begins with a command."""
        given = self._given
        # A tag of its own for the leave: after it there is no other.
        tag = "a9" if self._verb(text) == "LOGOUT" else f"s{self._said}"
        known = {
            "helo": given.helo,
            "domain": given.domain,
            "host": given.host,
            "nonce": given.nonce,
            "tag": tag,
        }
        if self._protocol == "imap" and text.split(" ", 1)[0].upper() in IMAP_COMMANDS:
            text = f"{{tag}} {text}"
        return printable(filled(text, {**self._progress.kept, **known})).decode("utf-8", "ignore")

    def _refused(self, ready: str) -> str:
        """Why a line is not said: what is filled in may have come from the peer."""
        if carries_secret(ready, self._protocol):
            return f"{self._verb(ready)} is never said out of a script"
        if intrusive(ready, self._protocol) and not self._may_intrude:
            return f"{self._verb(ready)} is said only where that is asked for (--intrusive)"
        return ""

    def _verb(self, line: str) -> str:
        return verb(line, self._protocol)


_BEGINS_TLS = ("STARTTLS", "STLS")
_GO_AHEAD: Mapping[Protocol, tuple[str, ...]] = {
    "smtp": ("220",),
    "imap": ("OK",),
    "pop3": ("+OK",),
    "sieve": ("OK",),
}


def _end(spoken: Protocol, command: str) -> End:
    """What ends the reply to a command; to none, a greeting."""
    if spoken == "smtp":
        return SmtpEnd()
    if spoken == "sieve":
        return SieveEnd()
    if spoken == "pop3":
        words = command.upper().split()
        # RFC 1939 sections 5 and 7, RFC 2449 section 5: one argument makes a listing a line.
        many = words[:1] in (["CAPA"], ["TOP"], ["RETR"]) or words in (["LIST"], ["UIDL"], ["AUTH"])
        return PopEnd(many)
    return _ImapEnd(command.split(" ", 1)[0].encode()) if command else ResponseEnd()


class _ImapEnd:
    """The tagged response, or a wish for more of the command (RFC 9051 section 7.6)."""

    def __init__(self, tag: bytes) -> None:
        self._end = CommandEnd(tag)

    def feed(self, line: bytes) -> bool:
        """See End."""
        return self._end.feed(line) or line.startswith(b"+")


def _shown(spoken: Protocol, line: bytes) -> str:
    text = visible(content(line))
    if spoken == "smtp" and text[:3].isdigit() and text[3:4] == "-":
        return f"{text[:3]} {text[4:]}"
    if spoken == "imap" and not text.startswith(("*", "+")):
        return text.partition(" ")[2]
    return text
