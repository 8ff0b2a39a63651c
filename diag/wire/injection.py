"""Command injection at STARTTLS (CVE-2011-0411 and its kin): the dialogue that shows it, and its reading.

What stands behind STARTTLS in one write belongs to the plain text and must be forgotten when TLS begins
(RFC 3207 section 4.2). A server that keeps it answers it under TLS: one reply more than we asked for.
No time is spent on waiting for that reply, because a reply too many shows at the end all the same.
"""

from __future__ import annotations

import enum

from diag.model.frozen import frozen

from .actions import REPLY_LIMIT, Dialogue, Say, Secure, Steps, greeting_limit, hear, printable
from .reach import quote
from .smtp import Reply, SmtpEnd, parse_ehlo, parse_reply
from .transcript import Ending, Said, Secured, Transcript, Who

QUIT = b"QUIT\r\n"
HARMLESS = (b"MAIL FROM:<>\r\n", b"RSET\r\n", b"NOOP\r\n")
"""Commands that may go together, NOOP as the last of them (RFC 2920 section 3.1)."""


def injection_dialogue(host: str, helo: str, *, timeout: float) -> Dialogue:
    """Greeting, EHLO, STARTTLS with a NOOP behind it, and under TLS no more than QUIT.

    Where PIPELINING is offered, three commands that every server knows come before, in one write: whether mail
    may begin in clear (RFC 3207 section 4) is seen on the way.
    """
    return Dialogue(_talk(host, b"EHLO " + printable(helo) + b"\r\n", greeting_limit(timeout)), QUIT)


def _talk(host: str, ehlo: bytes, patience: float) -> Steps[None]:
    greeting = parse_reply((yield from hear(SmtpEnd(), patience)))
    offer = (yield from _command(ehlo)) if greeting.positive else greeting
    if not offer.positive or not parse_ehlo(offer).offers("STARTTLS"):
        yield from _command(QUIT)
        return
    if parse_ehlo(offer).offers("PIPELINING"):
        yield Say(b"".join(HARMLESS))
        for _ in HARMLESS:
            if parse_reply((yield from hear(SmtpEnd(), REPLY_LIMIT))).code == 421:
                return  # the server is closing the channel
    yield Say(b"STARTTLS\r\nNOOP\r\n")
    if parse_reply((yield from hear(SmtpEnd(), REPLY_LIMIT))).code != 220:
        yield from _command(QUIT)
        return
    yield Secure(host)
    if (yield from _command(QUIT)).code == 250:
        # This was the reply to NOOP; the one to QUIT follows.
        yield from hear(SmtpEnd(), REPLY_LIMIT)


def _command(line: bytes) -> Steps[Reply]:
    yield Say(line)
    return parse_reply((yield from hear(SmtpEnd(), REPLY_LIMIT)))


class Obeyed(enum.StrEnum):
    """What became of the command that was slipped in."""

    YES = "yes"
    """It was answered under TLS."""
    NO = "no"
    """It was forgotten, or the server would have nothing of it and refused or closed."""
    UNKNOWN = "unknown"
    """The conversation did not come so far."""


@frozen
class Injection:
    """A transcript of injection_dialogue, read."""

    obeyed: Obeyed
    event: int | None
    """The event that shows it."""
    line: str = ""
    """The reply under TLS that nobody asked for there; safe to show."""
    because: str = ""
    """Why it is unknown."""


def read_injection(transcript: Transcript) -> Injection:
    """Read a transcript of injection_dialogue. Never raises."""
    events = transcript.events
    last = len(events) - 1 if events else None
    asked = next((at for at, event in enumerate(events) if _says(event, b"STARTTLS")), None)
    waited = transcript.closed.how in (Ending.SILENT, Ending.TIME_UP, Ending.FAILED)
    if asked is None:
        heard = [at for at, event in enumerate(events) if isinstance(event, Said) and event.who is Who.PEER]
        said = quote(transcript, heard[-1]) if heard else ""
        return Injection(Obeyed.UNKNOWN, last, because=f"the conversation did not come to STARTTLS{said}")
    tls = next((at for at, event in enumerate(events) if isinstance(event, Secured)), None)
    if tls is not None:
        replies = _replies_under_tls(transcript)
        commands = sum(isinstance(e, Said) and e.secure and e.who is Who.US for e in events)
        if len(replies) > commands and replies[0][1].code == 250 and len(replies[0][1].lines) == 1:
            return Injection(Obeyed.YES, replies[0][0], str(replies[0][1]))
    if waited:
        return Injection(Obeyed.UNKNOWN, last, because="the peer fell silent after STARTTLS")
    return Injection(Obeyed.NO, last)


def _says(event: object, line: bytes) -> bool:
    return isinstance(event, Said) and event.who is Who.US and event.octets.strip() == line


def _replies_under_tls(transcript: Transcript) -> list[tuple[int, Reply]]:
    """Every whole reply under TLS, with the event of its last line."""
    found: list[tuple[int, Reply]] = []
    end, lines = SmtpEnd(), list[bytes]()
    for at, event in enumerate(transcript.events):
        if isinstance(event, Said) and event.secure and event.who is Who.PEER:
            lines.append(event.octets)
            if end.feed(event.octets):
                found.append((at, parse_reply(lines)))
                end, lines = SmtpEnd(), []
    return found
