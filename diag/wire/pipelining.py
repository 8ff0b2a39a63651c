"""Command pipelining (RFC 2920): the dialogue that shows whether it works, and its reading."""

from __future__ import annotations

import enum

from diag.model.frozen import frozen

from .actions import REPLY_LIMIT, Dialogue, Say, Secure, Steps, greeting_limit, hear, printable
from .exchanges import exchanges
from .reach import quote
from .smtp import EhloReply, Reply, SmtpEnd, parse_ehlo, parse_reply
from .transcript import Ending, Transcript

QUIT = b"QUIT\r\n"
TOGETHER = (b"RSET\r\n", b"RSET\r\n", b"NOOP\r\n")
"""Commands that change nothing, and that may go together (RFC 2920 section 3.1)."""


def pipelining_dialogue(host: str, helo: str, *, timeout: float) -> Dialogue:
    """Greeting, EHLO, STARTTLS where it is offered, NOOP, and where PIPELINING is offered three at once."""
    return Dialogue(_talk(host, b"EHLO " + printable(helo) + b"\r\n", greeting_limit(timeout)), QUIT)


def _talk(host: str, ehlo: bytes, patience: float) -> Steps[None]:
    if parse_reply((yield from hear(SmtpEnd(), patience))).positive:
        offer = yield from _offer(ehlo)
        if offer.offers("STARTTLS") and (yield from _command(b"STARTTLS\r\n")).code == 220:
            yield Secure(host)
            offer = yield from _offer(ehlo)
        # Alone first: a host that does not answer that is silent for another reason.
        if offer.offers("PIPELINING") and (yield from _command(b"NOOP\r\n")).positive:
            yield Say(b"".join(TOGETHER))
            for _ in TOGETHER:
                if parse_reply((yield from hear(SmtpEnd(), REPLY_LIMIT))).code == 421:
                    return  # the server is closing the channel
    yield from _command(QUIT)


def _offer(ehlo: bytes) -> Steps[EhloReply]:
    reply = yield from _command(ehlo)
    return parse_ehlo(reply) if reply.positive else EhloReply("", "", ())


def _command(line: bytes) -> Steps[Reply]:
    yield Say(line)
    return parse_reply((yield from hear(SmtpEnd(), REPLY_LIMIT)))


class Pipelines(enum.StrEnum):
    """What became of the commands that were sent together."""

    WELL = "well"
    """All were answered."""
    BADLY = "badly"
    """Some were, or none, though one sent alone had been; and no reply said why."""
    UNKNOWN = "unknown"
    """The conversation did not come so far, or the server wanted nothing more of us."""


@frozen
class Pipelining:
    """A transcript of pipelining_dialogue, read."""

    outcome: Pipelines
    answered: int
    """How many of the three commands were."""
    event: int | None
    """The event that shows it."""
    because: str = ""
    """Why it is unknown."""


def read_pipelining(transcript: Transcript) -> Pipelining:
    """Read a transcript of pipelining_dialogue. Never raises."""
    steps = exchanges(transcript, lambda _: SmtpEnd(), lambda _, lines: parse_reply(lines))
    first = next((at for at, step in enumerate(steps) if step.verb == "RSET"), None)
    last = len(transcript.events) - 1 if transcript.events else None
    heard = [step for step in steps if step.reply is not None]
    if first is None:
        said = quote(transcript, heard[-1].last) if heard else ""
        return Pipelining(
            Pipelines.UNKNOWN, 0, last, f"the conversation did not come to commands sent together{said}"
        )
    group = steps[first : first + len(TOGETHER)]
    replies = [step.reply for step in group if step.reply is not None and step.reply.complete]
    if len(replies) == len(TOGETHER):
        return Pipelining(Pipelines.WELL, len(replies), group[-1].last)
    refused = next((step for step in group if step.reply is not None and step.reply.kind in (4, 5)), None)
    if refused is not None:
        why = f"the host turns us away:{quote(transcript, refused.last)}"
        return Pipelining(Pipelines.UNKNOWN, len(replies), refused.last, why)
    if transcript.closed.how not in (Ending.SILENT, Ending.BY_PEER, Ending.RESET):
        return Pipelining(Pipelines.UNKNOWN, len(replies), last, "the conversation broke off")
    return Pipelining(Pipelines.BADLY, len(replies), last)
