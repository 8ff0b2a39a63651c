"""What a mail host tells strangers about its mailboxes: two dialogues, and their reading.

The one asks by VRFY and EXPN (RFC 5321 section 3.5), and sees on the way what the host makes of a command it
does not know and of a line that ends in LF alone. The other names mailboxes that nobody has (section 3.3).
No message is begun in either.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator

from diag.model.frozen import frozen

from .actions import REPLY_LIMIT, Dialogue, Say, Steps, greeting_limit, hear
from .blame import blamed
from .exchanges import exchanges
from .opening import QUIT, TAKEN, begun, command, path, stopped_at
from .reach import quote
from .smtp import Reply, SmtpEnd, parse_reply
from .smtp_session import SmtpExchange, throttles
from .transcript import Ending, Said, Transcript, Who

KNOWN = "postmaster"
"""The mailbox that every host has (RFC 5321 section 4.5.1)."""
UNKNOWN_VERB = b"MAILDIAG"
BARE = b"NOOP\n"
BARE_PAUSE = 3.0
"""Seconds in which a host may show that a line ends for it with LF alone."""
TOLERATED = 3
"""Errors after which a host may well say that there were too many (RFC 5321 section 7.8)."""


class Trait(enum.StrEnum):
    """What such a dialogue shows of a host."""

    VRFY = "vrfy"
    """It tells mailboxes that exist from others."""
    EXPN = "expn"
    """It tells who is behind a mailbox."""
    FATAL = "fatal"
    """It hangs up at the first command that it does not like."""
    BARE_LF = "bare-lf"
    """It takes a command that ends in LF alone."""


@frozen
class Inquiry:
    """A transcript of inquiry_dialogue, read."""

    shown: tuple[tuple[Trait, int], ...]
    """What was shown, each with the event that shows it best."""
    event: int | None
    """The last word; of what was not shown, this is all there is to see."""
    because: str = ""
    """Why nothing can be concluded; empty where something can."""


def inquiry_dialogue(host: str, helo: str, tls: str, nonce: str, *, timeout: float) -> Dialogue:
    """VRFY for a mailbox that exists and one that does not, EXPN, an unknown command, and NOOP ended by LF."""
    return Dialogue(_ask(host, helo, tls, nonce, greeting_limit(timeout)), QUIT)


def _ask(host: str, helo: str, tls: str, nonce: str, patience: float) -> Steps[None]:
    if (yield from begun(host, helo, tls, patience)) is not None:
        errors = []
        for line in (f"VRFY {KNOWN}", f"VRFY {nonce}", f"EXPN {KNOWN}"):
            reply = yield from command(path(line))
            if reply.code == 421:
                return
            errors.append(reply.kind == 5)
        if not any(errors[:-1]):  # else it has gone on after an error, and need not show it again
            if not errors[-1]:
                yield from command(UNKNOWN_VERB)
            yield from command(b"NOOP")
        yield Say(BARE)
        if not (yield from hear(SmtpEnd(), BARE_PAUSE, may_be_silent=True)):
            yield Say(b"\r\n", content=True)
            yield from hear(SmtpEnd(), REPLY_LIMIT)
    yield from command(b"QUIT")


def read_inquiry(transcript: Transcript) -> Inquiry:
    """Read a transcript of inquiry_dialogue. Never raises."""
    steps = _steps(transcript)
    asked = [step for step in steps if step.verb in ("VRFY", "EXPN")]
    answered = [step for step in asked if _whole(step) is not None]
    if not asked:
        why, event = stopped_at(transcript, steps)
        return Inquiry((), event, why)
    for step in answered:
        reply = step.reply
        if reply is not None and (blamed(reply) is not None or (throttles(reply) and step is asked[0])):
            return Inquiry((), step.last, "the host turns us away:" + quote(transcript, step.last))
    shown = tuple(_shown(transcript, steps))
    if not answered and not shown:
        why, event = stopped_at(transcript, steps)
        return Inquiry((), event, why)
    return Inquiry(shown, answered[-1].last if answered else None)


def _shown(transcript: Transcript, steps: tuple[SmtpExchange, ...]) -> Iterator[tuple[Trait, int]]:
    checked = [step for step in steps if step.verb == "VRFY"]
    known, nobody = (_whole(step) for step in (*checked, None, None)[:2])
    # 252 for one and 550 for the other tells them apart as well as 250 does (RFC 5321 section 7.3).
    if known and nobody and known.kind == 2 and nobody.code in (550, 551, 553) and not _policy(nobody):
        yield Trait.VRFY, checked[1].cited
    expanded = next((step for step in steps if step.verb == "EXPN"), None)
    reply = _whole(expanded)
    if expanded is not None and reply and reply.code == 250 and any("@" in line for line in reply.lines):
        yield Trait.EXPN, expanded.cited
    fatal = _hung_up(transcript, steps)
    if fatal is not None:
        yield Trait.FATAL, fatal
    bare = _bare_lf(transcript, steps)
    if bare is not None:
        yield Trait.BARE_LF, bare


def _hung_up(transcript: Transcript, steps: tuple[SmtpExchange, ...]) -> int | None:
    """The event at which the host hung up after so few errors that nobody would call them too many."""
    errors = 0
    for step in steps:
        if step.verb not in ("VRFY", "EXPN", UNKNOWN_VERB.decode(), "NOOP") or _is_bare(transcript, step):
            continue
        reply = _whole(step)
        if reply is None:
            closed = transcript.closed.how in (Ending.BY_PEER, Ending.RESET)
            disliked = errors or step.verb != "NOOP"
            return step.asked if closed and disliked and errors < TOLERATED else None
        if reply.code == 421:
            return step.last if 0 < errors < TOLERATED else None
        errors += reply.kind == 5
    return None


def _bare_lf(transcript: Transcript, steps: tuple[SmtpExchange, ...]) -> int | None:
    """The 250 to a command that ends in LF alone, where it came before anything that could end the line."""
    bare = next((step for step in steps if _is_bare(transcript, step)), None)
    reply = _whole(bare)
    if bare is None or bare.first is None or reply is None or reply.code != 250:
        return None
    ended = (at for at, event in enumerate(transcript.events) if isinstance(event, Said) and event.content)
    return bare.last if next(ended, bare.first + 1) > bare.first else None


def _is_bare(transcript: Transcript, step: SmtpExchange) -> bool:
    said = transcript.events[step.asked]
    return isinstance(said, Said) and said.who is Who.US and said.octets == BARE


def _policy(reply: Reply) -> bool:
    return reply.enhanced.startswith("5.7.")


def _whole(step: SmtpExchange | None) -> Reply | None:
    return step.reply if step is not None and step.reply is not None and step.reply.complete else None


@frozen
class Strangers:
    """A transcript of strangers_dialogue, read."""

    taken: bool | None
    """Whether both mailboxes that nobody has were taken; None where nothing can be concluded."""
    events: tuple[int, ...]
    """The replies that show it."""
    because: str = ""
    """Why it is unknown."""


def strangers_dialogue(
    host: str, helo: str, tls: str, sender: str, mailboxes: tuple[str, ...], *, timeout: float
) -> Dialogue:
    """MAIL, with the null reverse-path where the sender is refused, and RCPT up to the first that is not taken."""
    return Dialogue(_name(host, helo, tls, sender, mailboxes, greeting_limit(timeout)), QUIT)


def _name(
    host: str, helo: str, tls: str, sender: str, mailboxes: tuple[str, ...], patience: float
) -> Steps[None]:
    if (yield from begun(host, helo, tls, patience)) is not None:
        reply = yield from command(b"MAIL FROM:<" + path(sender) + b">")
        if reply.kind == 5:
            reply = yield from command(b"MAIL FROM:<>")
        if reply.positive:
            for mailbox in mailboxes:
                reply = yield from command(b"RCPT TO:<" + path(mailbox) + b">")
                if reply.code not in TAKEN:
                    break
            if reply.code != 421:
                yield from command(b"RSET")
    yield from command(b"QUIT")


def read_strangers(transcript: Transcript, mailboxes: tuple[str, ...]) -> Strangers:
    """Read a transcript of strangers_dialogue with the same mailboxes. Never raises."""
    steps = _steps(transcript)
    heard = [(step, reply) for step in steps if step.verb == "RCPT" and (reply := _whole(step)) is not None]
    events = tuple(step.cited for step, _ in heard)
    taken = [reply.code in TAKEN for _, reply in heard]
    if all(taken) and len(taken) == len(mailboxes) > 0:
        return Strangers(True, events)
    if not taken or all(taken):
        why, event = stopped_at(transcript, steps)
        return Strangers(None, () if event is None else (event,), why)
    reply = heard[-1][1]
    if blamed(reply) is not None or reply.kind not in (2, 5):
        return Strangers(None, events, "we were put off:" + quote(transcript, events[-1]))
    return Strangers(False, events)


def _steps(transcript: Transcript) -> tuple[SmtpExchange, ...]:
    return exchanges(transcript, lambda _: SmtpEnd(), lambda _, lines: parse_reply(lines))
