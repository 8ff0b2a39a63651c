"""Scripted dialogues as values: what is said, what has to be answered, and what is kept of the answers.

A script goes on tape, is read from text (diag.wire.script_text), and is spoken by one engine that keeps to every limit
(diag.wire.script_dialogue). It holds no password: what would carry one is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from diag.model.frozen import frozen

Protocol = Literal["smtp", "imap", "pop3", "sieve"]

MOST_STEPS = 200
LONGEST_LINE = 998
"""Octets of a line that a script says, its CRLF not counted (RFC 5322 section 2.1.1 has no more in a message)."""
MOST_PAUSE = 600.0
"""Seconds."""


class BadScript(ValueError):
    """A script that cannot be spoken; the message says which line, and why."""


@frozen
class Line:
    """Say one line. Lines that follow one another without a step between them go out in one write.

    `{helo}`, `{domain}`, `{host}` and `{nonce}` stand for what the run fills in, `{tag}` for the next tag of IMAP, and
    the name of something kept before for what was kept.
    """

    text: str


@frozen
class Expect:
    """Hear one reply, which has to be one of these; any reply where there is none.

    A reply is one of these where a line of it begins so, in whatever case. `{name}` in it stands for whatever comes
    up to the text behind it, and is kept under this name. Of IMAP's tagged lines the tag is left out, and the hyphen of
    SMTP's for a space. Where a reply is none of these, the dialogue takes its leave.
    """

    any_of: tuple[str, ...] = ()


@frozen
class Upgrade:
    """Do a TLS handshake; where it fails, the dialogue is over."""


@frozen
class Wait:
    """Say nothing for so many seconds. What the peer says meanwhile is marked as unasked."""

    seconds: float


Step = Line | Expect | Upgrade | Wait


@frozen
class Script:
    """A dialogue. Built by `script`, which refuses what cannot be spoken."""

    spoken: Protocol
    steps: tuple[Step, ...]
    opens: bool = False
    """The usual beginning comes first: greeting, EHLO or the capabilities, and TLS where it is offered."""

    @property
    def intrusive(self) -> bool:
        """Whether it says what is no ordinary use of somebody else's server."""
        return any(isinstance(step, Line) and intrusive(step.text, self.spoken) for step in self.steps)


@frozen
class Given:
    """What a run fills in."""

    helo: str
    domain: str
    host: str
    nonce: str


def script(spoken: Protocol, steps: tuple[Step, ...], *, opens: bool = False) -> Script:
    """A script out of its steps. Raises BadScript."""
    if len(steps) > MOST_STEPS:
        raise BadScript(f"more than {MOST_STEPS} steps")
    known = set(GIVEN)
    for number, step in enumerate(steps, 1):
        try:
            _refuse(step, spoken, known)
        except BadScript as error:
            raise BadScript(f"step {number}: {error}") from None
        if isinstance(step, Expect):
            known |= {name for each in step.any_of for name in names(each)}
    return Script(spoken, steps, opens)


def refuse_unsayable(text: str) -> None:
    """Refuse what could not be said as it is, or as a part of one line. Raises BadScript."""
    if any(not char.isprintable() for char in text):
        raise BadScript("a control character, which could end the line")
    if len(text.encode()) > LONGEST_LINE:
        raise BadScript(f"a line of more than {LONGEST_LINE} octets")


def _refuse(step: Step, spoken: Protocol, known: set[str]) -> None:
    match step:
        case Line(text):
            refuse_unsayable(text)
            if carries_secret(text, spoken):
                raise BadScript(
                    f"{verb(text, spoken)} would put a password into the script, and on tape; "
                    "log in with check --login and --password, which take it by reference"
                )
            for name in names(text):
                if name not in known:
                    raise BadScript(f"nothing is known as {{{name}}} here")
        case Wait(seconds):
            if not 0 < seconds <= MOST_PAUSE:
                raise BadScript(f"a pause of {seconds:g} seconds; at most {MOST_PAUSE:g}")
        case _:
            pass


GIVEN = ("helo", "domain", "host", "nonce", "tag")
"""Names of what a run fills in."""


def names(text: str) -> tuple[str, ...]:
    """The names between braces in a text, in order."""
    return tuple(found[1] for found in _NAME.finditer(text))


def filled(text: str, values: Mapping[str, str]) -> str:
    """A text with what its names stand for; what is not known stays as it is."""
    return _NAME.sub(lambda found: values.get(found[1], found[0]), text)


def verb(text: str, spoken: Protocol) -> str:
    """The command that a line begins with, in upper case; IMAP's tag is passed over."""
    words = text.split()
    if spoken == "imap" and len(words) > 1 and words[0].upper() not in IMAP_COMMANDS:
        words = words[1:]
    return words[0].upper() if words else ""


def intrusive(text: str, spoken: Protocol) -> bool:
    """Whether a line is no ordinary use of somebody else's server: it sends, or finds out who is there."""
    return verb(text, spoken) in _INTRUSIVE[spoken]


def carries_secret(text: str, spoken: Protocol) -> bool:
    """Whether a line is part of a login, or begins one."""
    return verb(text, spoken) in _SECRET[spoken]


def matched(pattern: str, line: str) -> Mapping[str, str] | None:
    """What the names in a pattern stand for in a line that begins so; None where it does not. Linear time."""
    found: dict[str, str] = {}
    pieces = _NAME.split(pattern)  # text, name, text, name, ..., text
    folded = line.casefold() if len(line.casefold()) == len(line) else line.lower()
    at = len(pieces[0])
    if not folded.startswith(pieces[0].casefold()):
        return None
    for name, text in zip(pieces[1::2], pieces[2::2], strict=True):
        end = folded.find(text.casefold(), at) if text else len(line)
        if end < 0:
            return None
        found[name] = line[at:end].strip()
        at = end + len(text)
    return found


IMAP_COMMANDS = frozenset(
    [
        "CAPABILITY",
        "NOOP",
        "LOGOUT",
        "STARTTLS",
        "ID",
        "ENABLE",
        "NAMESPACE",
        "SELECT",
        "EXAMINE",
        "LIST",
        "STATUS",
        "IDLE",
        "LOGIN",
        "AUTHENTICATE",
    ]
)
"""Those that get a tag of their own where a line begins with one (RFC 9051 section 6, RFC 2971)."""
_INTRUSIVE: Mapping[Protocol, frozenset[str]] = {
    "smtp": frozenset(["DATA", "BDAT", "VRFY", "EXPN", "ETRN", "TURN", "ATRN"]),
    "imap": frozenset(),
    "pop3": frozenset({"USER"}),
    "sieve": frozenset(),
}
_SECRET: Mapping[Protocol, frozenset[str]] = {
    "smtp": frozenset({"AUTH"}),
    "imap": frozenset({"LOGIN", "AUTHENTICATE"}),
    "pop3": frozenset({"AUTH", "PASS", "APOP"}),
    "sieve": frozenset({"AUTHENTICATE"}),
}
_NAME = re.compile(r"\{([a-z][a-z0-9_]{0,31})\}")
